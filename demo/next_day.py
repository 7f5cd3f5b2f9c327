"""What happens at the departments by the next day that their systems do not tell of: rows that are gone without a trace, and rows
that are stamped before the last reading and committed after it.

    real estate       gone: a co-owner leaves a right; the row of BDC_QLR is deleted and nothing else touched
                      late: rights registered, and stamped, twenty minutes before the last
    credit platform   gone: penalties whose publication has ended are taken off
    provident fund    late: movements booked two days before the last
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text

from demo.service import PLATFORMS

CO_OWNERS, PENALTIES, RIGHTS, MOVEMENTS = 5, 10, 3, 5  # how many of each
_STAMPED = timedelta(minutes=20)
_BOOKED = timedelta(days=2)


@dataclass(frozen=True)
class NextDay:
    """How many records are gone, and how many were committed late, by dataset."""

    gone: dict[str, int]
    late: dict[str, int]


def happens(systems: Mapping[str, Mapping[str, Any]], folder: Path, today: date) -> NextDay:
    """Let a day pass in a city that was written. `systems` is what opens each system (as `write.Written` says), `folder` the
    city's. Each call is another day; subjects of the truth's cases are left alone."""
    told = json.loads((folder / "truth" / "truth.json").read_text("utf-8"))["cases"]
    spared = {str(case["subject"].get("number")) for case in told}
    with _opened(str(systems["real_estate_registry"]["url"])) as registry:
        left, registered = _co_owners(registry, spared), _rights(registry)
    platform = folder / PLATFORMS["credit_platform"].folder / "data.sqlite"
    with _opened(f"sqlite:///{platform}") as credit:
        ended = _penalties(credit, spared, today)
    with _opened(str(systems["fund_core"]["url"])) as fund:
        booked = _movements(fund)
    return NextDay(
        {"real_estate_right": left, "credit_penalty": ended},
        {"real_estate_right": registered, "fund_movement": booked},
    )


def _co_owners(registry: Connection, spared: set[str]) -> int:
    found = registry.execute(
        text(
            'SELECT "QLID", "SXH", "ZJH" FROM "BDC_QLR" r WHERE EXISTS (SELECT FROM "BDC_QLR" o WHERE o."QLID" = r."QLID" '
            'AND o."SXH" < r."SXH") ORDER BY "QLID", "SXH"'
        )
    )
    chosen = _some([row for row in found if row.ZJH not in spared], CO_OWNERS)
    for row in chosen:
        where = {"right": row.QLID, "holder": row.SXH}
        registry.execute(text('DELETE FROM "BDC_QLR" WHERE "QLID" = :right AND "SXH" = :holder'), where)
    return len(chosen)


def _rights(registry: Connection) -> int:
    """Registered and ended at once (QSZT 2), so that no unit has two current rights."""
    last = registry.execute(
        text('SELECT greatest((SELECT max("GXSJ") FROM "BDC_FDCQ"), (SELECT max("GXSJ") FROM "BDC_QLR"))')
    ).scalar_one()
    rights = registry.execute(text('SELECT * FROM "BDC_FDCQ" ORDER BY "QLID"')).mappings().all()
    for at, right in enumerate(_some(rights, RIGHTS)):
        new = {"QLID": f"N{len(rights) + at:09d}", "GXSJ": last - _STAMPED}
        holder = registry.execute(
            text('SELECT * FROM "BDC_QLR" WHERE "QLID" = :right ORDER BY "SXH" LIMIT 1'), {"right": right["QLID"]}
        )
        _insert(registry, '"BDC_FDCQ"', {**right, **new, "QSZT": "2"})
        _insert(registry, '"BDC_QLR"', {**holder.mappings().one(), **new})
    return min(RIGHTS, len(rights))


def _penalties(credit: Connection, spared: set[str], today: date) -> int:
    found = credit.execute(
        text("SELECT xxid, cf_xdr_zjhm, cf_xdr_shxym FROM xzcf WHERE cf_gsjzq < :today ORDER BY xxid"),
        {"today": today.isoformat()},
    )
    chosen = _some([row for row in found if not {row.cf_xdr_zjhm, row.cf_xdr_shxym} & spared], PENALTIES)
    for row in chosen:
        credit.execute(text("DELETE FROM xzcf WHERE xxid = :id"), {"id": row.xxid})
    return len(chosen)


def _movements(fund: Connection) -> int:
    last = fund.execute(text("SELECT max(jzrq) FROM gr_mx")).scalar_one()
    booked = (date.fromisoformat(str(last)) - _BOOKED).isoformat()
    count = fund.execute(text("SELECT count(*) FROM gr_mx")).scalar_one()
    like = text("SELECT * FROM gr_mx WHERE gjhtqywlx = '01' ORDER BY ywlsh LIMIT :most")
    found = fund.execute(like, {"most": MOVEMENTS}).mappings().all()
    for at, movement in enumerate(found):
        _insert(fund, "gr_mx", {**movement, "ywlsh": f"N{count + at:09d}", "jzrq": booked})
    return len(found)


def _insert(connection: Connection, table: str, row: Mapping[str, Any]) -> None:
    quote = '"' if table.startswith('"') else ""
    names = ", ".join(f"{quote}{name}{quote}" for name in row)
    connection.execute(
        text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), dict(row)
    )


def _some(rows: Any, most: int) -> list[Any]:
    """As many as are wanted, the same for the same rows."""
    return Random(len(rows)).sample(list(rows), min(most, len(rows)))


def _opened(url: str) -> Any:
    return create_engine(url, poolclass=NullPool).begin()
