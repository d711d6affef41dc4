"""Protocol Buffers' wire format: single messages, and columns of messages of one shape.

A timeline has millions of small messages. The protobuf package makes them one by one, 8 µs each;
numpy makes a batch of them at once, in less than a fifth of that.

Wire format: https://protobuf.dev/programming-guides/encoding/. Nothing here knows a schema: numbers
and types of the fields are the caller's. Fields with the value 0 are written like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    *("Column", "beside", "blob", "blobs", "fixed64s", "heads", "message", "messages", "packed"),
    *("same", "uint", "uints"),
]

_VARINT, _I64, _LEN = 0, 1, 2


def uint(number: int, value: int) -> bytes:
    """A field of type int32, int64, uint64, bool or enum."""
    return _varint(number << 3 | _VARINT) + _varint(value)


def blob(number: int, content: bytes | str) -> bytes:
    """A field of type string or bytes."""
    octets = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | _LEN) + _varint(len(octets)) + octets


def message(number: int, *fields: bytes) -> bytes:
    """A field that is a message."""
    return blob(number, b"".join(fields))


def packed(number: int, values: Iterable[int]) -> bytes:
    """A repeated field of a type that `uint` writes."""
    return blob(number, b"".join(map(_varint, values)))


Ints = npt.NDArray[Any] | int
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """One or more fields in many messages, a row each.

    The bytes of row i are ``octets[i][used[i]]`` of each part, and ``sizes[i]`` their number. What
    has a single row is the same in all messages.
    """

    parts: tuple[tuple[npt.NDArray[np.uint8], Mask], ...]
    sizes: npt.NDArray[np.int64]

    def tobytes(self) -> bytes:
        """All rows, one after the other."""
        rows = len(self.sizes)
        octets = [np.broadcast_to(o, (rows, o.shape[1])) for o, _ in self.parts]
        used = [np.broadcast_to(u, (rows, u.shape[1])) for _, u in self.parts]
        return np.hstack(octets)[np.hstack(used)].tobytes()


def uints(number: int, values: Ints, where: Mask | None = None) -> Column:
    """`uint` for each row, left out where `where` is false."""
    return _tagged(number << 3 | _VARINT, _varints(np.atleast_1d(values)), where)


def fixed64s(number: int, values: Ints, where: Mask | None = None) -> Column:
    """A field of type fixed64 for each row."""
    words = np.ascontiguousarray(np.atleast_1d(values), "<u8").view(np.uint8).reshape(-1, 8)
    return _tagged(number << 3 | _I64, _column(words, np.ones_like(words, np.bool_)), where)


def blobs(number: int, octets: npt.NDArray[np.uint8], where: Mask | None = None) -> Column:
    """`blob` for each row of octets, which are all of one length."""
    column = _column(octets, np.ones_like(octets, np.bool_))
    return _tagged(number << 3 | _LEN, beside(_varints(column.sizes), column), where)


def heads(number: int, sizes: npt.NDArray[np.int64]) -> Column:
    """What stands before fields of type string, bytes or message that have so many octets."""
    return _tagged(number << 3 | _LEN, _varints(sizes), None)


def same(octets: bytes) -> Column:
    """The same in each row."""
    row = np.frombuffer(octets, np.uint8)[None, :]
    return _column(row, np.ones_like(row, np.bool_))


def messages(number: int, *fields: Column, where: Mask | None = None) -> Column:
    """`message` for each row."""
    content = beside(*fields)
    return _tagged(number << 3 | _LEN, beside(_varints(content.sizes), content), where)


def beside(*columns: Column) -> Column:
    """The fields of each row together."""
    parts = tuple(part for column in columns for part in column.parts)
    return Column(parts, np.add.reduce(np.broadcast_arrays(*(c.sizes for c in columns))))


def _tagged(tag: int, value: Column, where: Mask | None) -> Column:
    column = beside(same(_varint(tag)), value)
    if where is None:
        return column
    parts = tuple((octets, used & where[:, None]) for octets, used in column.parts)
    return Column(parts, column.sizes * where)


def _column(octets: npt.NDArray[np.uint8], used: Mask) -> Column:
    return Column(((octets, used),), used.sum(axis=1))


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _varints(values: npt.NDArray[Any]) -> Column:
    """Seven bits to a byte, lowest first, the high bit set in all but the last byte."""
    words = values.astype(np.uint64)
    widest = max(1, -(-int(words.max(initial=0)).bit_length() // 7))
    digits = words[:, None] >> np.arange(0, 7 * widest, 7, dtype=np.uint64)
    used = digits != 0
    used[:, 0] = True
    octets = digits.astype(np.uint8) & np.uint8(0x7F)
    octets[:, :-1] |= used[:, 1:].view(np.uint8) << np.uint8(7)
    return _column(octets, used)
