"""Every table of the product is one that a rebuild takes over, makes anew and compares, or leaves alone for a reason."""

from __future__ import annotations

from sqlalchemy import text

from core.hub import Hub
from pipeline.rebuild import tables

#: what libraries are made from
TAKEN_OVER = {"batch", "decided_row", "decision", "document", "publication"}
#: who may do and see what, what was done and asked: no part of any library
OF_THE_INSTALLATION = {
    "access_grant", "audit", "catalogue_entry", "catalogue_term", "checkpoint", "client", "department_listing", "event",
    "history_cut", "idempotent", "listed_system", "resource", "secret", "service_item",
}  # fmt: skip
#: measured of the libraries as they stand, and measured again by the next run
MEASURED = {"check_finding", "check_run", "quality"}


def test_every_table_has_its_place(hub: Hub) -> None:
    with hub.read() as connection:
        there = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'hub'")))
        compared = {table.name for table in tables.compared(connection)}
        libraries = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'libraries'")))
    made = {name.removeprefix("hub.") for name in compared if name.startswith("hub.")}
    assert made >= {"batch", "finding", "pushed", "quarantine", "quarantine_subject", "replayed"}
    assert there - made == (TAKEN_OVER - {"batch"}) | OF_THE_INSTALLATION | MEASURED, "say where a new table belongs"
    assert libraries - {name.removeprefix("libraries.") for name in compared} == {"rules", "judged"}
