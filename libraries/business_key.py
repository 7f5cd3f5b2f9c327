"""What a record is called where people read lists: its business key, the parts that are about a person masked.

Which parts those are is said by the contract. A part that is about nobody is how a department finds the record, so it is shown,
however many digits it has, unless it looks like a person's own number: then somebody's columns have moved.

A record goes by sixteen bytes everywhere else (libraries/record_key.py), which say nothing to a department.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from core.log import redact
from schemas.contract import Contract
from schemas.derive import sql
from schemas.types import citizen_no

#: characters of a part that a list shows
_LONGEST = 200


def keys(contract: Contract, values: Mapping[str, pa.Array]) -> list[str]:
    """The business keys of typed rows, as lists may show them."""
    shown = []
    for name in contract.key:
        item = contract.item(name)
        column = item.type.mask(values[name], "list") if item.personal else values[name].cast(pa.string())
        parts = pc.fill_null(column, "").to_pylist()
        shown.append(parts if item.personal else [plain(part) for part in parts])
    return [" ".join(parts) for parts in zip(*shown, strict=True)]


def plain(part: str) -> str:
    """A part that is about nobody: as it is, but for what looks like a person's number. One written with blanks, within a
    longer run or beside Chinese (a name, then) is hidden with all of the part. Of a long one the beginning is shown."""
    shown, closed = redact(part), "".join(part.split())
    if shown == part and (redact(closed) != closed or citizen_no.held_in(part)):
        return "***"
    if shown != part and not part.isascii():
        return "***"
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def of(connection: Connection, contract: Contract, wanted: Iterable[bytes]) -> dict[bytes, str]:
    """Record → its business key; also of a record that has ended. One that was never there is absent."""
    chosen = list(dict.fromkeys(wanted))
    items = ", ".join(sql.quote(name) for name in contract.key)
    found: dict[bytes, str] = {}
    for table in (sql.current(contract.id), sql.history(contract.id)):
        missing = [key for key in chosen if key not in found]
        if not missing:
            break
        rows = connection.execute(
            text(f"SELECT DISTINCT ON (_key) _key, {items} FROM {table} WHERE _key = ANY(:keys)"), {"keys": missing}
        ).all()
        if rows:
            columns = list(zip(*rows, strict=True))
            values = {
                name: pa.array(columns[at], contract.item(name).type.arrow) for at, name in enumerate(contract.key, 1)
            }
            found |= dict(zip((bytes(key) for key in columns[0]), keys(contract, values), strict=True))
    return found
