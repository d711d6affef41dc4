-- The binaries recorded.
--
-- Grain: one row per binary.
-- Cost: none.
CREATE TEMP VIEW stg_exes (
    exe,             -- number of the binary
    path,            -- where it was
    go_version,      -- the Go release that built it
    arch,            -- amd64 or arm64
    build_id,        -- its build id; NULL if it has none
    stripped,        -- it has no symbol table
    offsets_source,  -- where the layout of the runtime's structures was taken from
    missing          -- probe sites of the plan that it does not have, with the reason
) AS
SELECT exe, path, go_version, arch, build_id, stripped, offsets_source, missing
FROM raw_exes
