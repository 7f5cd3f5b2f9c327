"""The synthetic city: one seed gives the world, the systems' tables and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from demo import cases, world
from demo.tables import credit, fund, households, housing, market, real_estate
from demo.truth import Truth
from demo.world import SIZES, OnStep, Size, World


@dataclass(frozen=True)
class City:
    """What `demo.write.write` puts down."""

    size: str
    seed: int
    today: date
    world: World
    tables: dict[str, pa.Table]  # by source table name, cases included, all cells text
    truth: Truth


def nobody(step: str, rows: int) -> None:
    """Progress that nobody watches."""


def make(size: Size, seed: int, today: date, on_step: OnStep = nobody) -> City:
    """A city of 20,000 (small), 200,000 (medium) or a million residents (large); the same arguments give the same city."""
    residents, bodies = SIZES[size]
    return of_size(residents, bodies, size, seed, today, on_step)


def of_size(residents: int, bodies: int, size: str, seed: int, today: date, on_step: OnStep = nobody) -> City:
    """A city of any size; the truth carries `size` as its name. Tests use small ones."""
    made = world.make(residents, bodies, seed, today, on_step)
    truth = Truth()
    tables: dict[str, pa.Table] = {}
    for system in (real_estate, fund, credit, housing, households, market):
        new = system.tables(made, truth)
        tables |= new
        on_step(system.__name__.rpartition(".")[2], sum(table.num_rows for table in new.values()))
    return City(size, seed, today, made, cases.add(tables, made, truth), truth)
