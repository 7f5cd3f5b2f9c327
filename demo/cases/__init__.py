"""Subjects made for one question each, with the records that decide it and the answer it must get.

Their given names hold characters no other resident's name has, so that nobody else's record can be mistaken for theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from demo.cases import crossing, families, filings, firms, households, limits, money, property, register
from demo.cases.desk import Desk
from demo.tables.build import with_rows
from demo.truth import Truth
from demo.world import World


def add(tables: Mapping[str, pa.Table], world: World, truth: Truth) -> dict[str, pa.Table]:
    """The systems' tables with the cases' records behind the city's."""
    desk = Desk(world.today, truth)
    households.cases(desk, money.cases(desk))
    for kind in (property, limits, families, filings):
        kind.cases(desk)
    register.cases(desk, firms.cases(desk))
    crossing.cases(desk)
    return {name: with_rows(table, desk.rows.get(name, [])) for name, table in tables.items()}
