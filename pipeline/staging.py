"""The tables that a batch is staged in, between its landing and its merge."""

from __future__ import annotations

from core.hub import Hub
from pipeline import first_load
from pipeline.batch import Batch
from schemas.contract import Contract
from schemas.derive import sql


def tables(batch: Batch) -> dict[str, str]:
    """The names of a batch's staging tables."""
    tag = batch.id.hex
    return {
        name: f"{name}_{tag}"
        for name in ("rows", "mentions", "known_as", "waiting", "subjects", "findings", "gone", "touched", "marks")
    }


def create(hub: Hub, contract: Contract, batch: Batch) -> dict[str, str]:
    """Empty staging tables for a batch; what an attempt before left is dropped. UNLOGGED: lost in a crash, as they may; but
    for the rows of a first load, whose table is to stay."""
    names = tables(batch)
    items = ", ".join(f"{sql.quote(item.name)} {item.type.sql}" for item in contract.items)
    shapes = {
        "rows": f"_key bytea, _row_hash bigint, _row_no bigint, {items}",
        "mentions": "row_no bigint, key bytea, role text, part integer, id_kind text, id_value text, name text",
        "known_as": "row_no bigint, key bytea, role text, attribute text, library text, kind text, value text, form text, "
        "of_dataset text, of_key bytea",
        "waiting": "row_no bigint, key bytea, source_key text, row text",
        "subjects": "row_no bigint, role text, part integer, number text, name text",
        "findings": "row_no bigint, item text, rule text, severity text, dimension text, raw text",
        "gone": "_key bytea, _row_no bigint",
        "touched": "key bytea",
        "marks": 'row_no bigint, key bytea, number text, text text COLLATE "C"',
    }
    with hub.begin() as connection:
        for name, shape in shapes.items():
            table = f"staging.{names[name]}"
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
            lasting = first_load.table(connection, contract, batch, table) if name == "rows" else None
            connection.exec_driver_sql(lasting or f"CREATE UNLOGGED TABLE {table} ({shape})")
    return names


def drop(hub: Hub, batch: Batch) -> None:
    """Remove a batch's staging tables."""
    with hub.begin() as connection:
        for name in tables(batch).values():
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS staging.{name}")
