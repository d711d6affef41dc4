"""Regular expressions on names, in the dialect of DuckDB's own: RE2, as in Go."""

from __future__ import annotations

import functools

import duckdb

__all__ = ["DIALECT", "found"]

DIALECT = "RE2's are taken: https://github.com/google/re2/wiki/Syntax"


@functools.cache
def found(pattern: str, text: str) -> bool:
    """Whether the expression matches somewhere in the text, as `regexp_matches` says.

    Raises ValueError, which says why, if it is none.
    """
    try:
        rows = _asked().execute("SELECT regexp_matches($1, $2)", [text, pattern]).fetchall()
    except duckdb.InvalidInputException as e:
        raise ValueError(str(e).removeprefix("Invalid Input Error: ")) from None
    return bool(rows[0][0])


@functools.cache
def _asked() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})
