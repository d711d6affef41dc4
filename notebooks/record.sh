#!/usr/bin/env bash
# Makes the recordings of the notebooks again: the shop of examples/leaky as it is, and put right.
# Usage, as root: notebooks/record.sh GO GTRACE_REC...
set -euo pipefail
cd "$(dirname "$0")"

go="$1"
shift
here="$PWD"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for part in . ./load; do
    (cd ../examples/leaky && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -trimpath -o "$work/" "$part")
done
cd "$work"

record() { # the whole command of the recorder
    "$@" &
    recorder=$!
    ./load -addr 127.0.0.1:18080 -duration 10s -rate 60
    kill -TERM "$recorder" # which passes it on to the shop
    wait "$recorder"
}
record "$@" --out leaky.parquet -- ./leaky -addr 127.0.0.1:18080
record "$@" --out healthy.parquet -- ./leaky -addr 127.0.0.1:18080 -healthy
rm -rf "$here/leaky.parquet" "$here/healthy.parquet"
cp -r leaky.parquet healthy.parquet "$here/"
