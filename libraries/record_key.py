"""A record's key as 16 bytes: xxh3_128 of the source system and the key's items. Among 10 M keys, 64 bits would collide."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from schemas.types.columns import strings

_SEPARATOR = "\x1f"
_ESCAPE = "\x1e"
_NULL = "\x00"


def key_bytes(system: str, columns: list[pa.Array]) -> NDArray[np.void]:
    """The 16 key bytes of each row, as an (n,) array of void16."""
    digest = partial(xxhash.xxh3_128_digest, seed=xxhash.xxh3_64_intdigest(system.encode()))
    return np.frombuffer(b"".join(map(digest, joined(columns))), dtype="V16")


def joined(columns: list[pa.Array]) -> list[bytes]:
    """The columns of each row as bytes, unambiguous for typed values (a null is not an empty string)."""
    texts = (
        [_escaped(column.cast(pa.string())) for column in columns]
        if len(columns) > 1
        else [columns[0].cast(pa.string())]
    )
    row = pc.binary_join_element_wise(*texts, _SEPARATOR, null_handling="replace", null_replacement=_NULL)
    return list(row.cast(pa.binary()).to_pylist())


def _escaped(column: pa.Array) -> pa.Array:
    """Text in which the separator cannot be mistaken; hardly any text holds one."""
    data = strings(column).data
    if not data.size or data.min() > ord(_SEPARATOR):
        return column
    return pc.replace_substring(pc.replace_substring(column, _ESCAPE, _ESCAPE + "0"), _SEPARATOR, _ESCAPE + "1")
