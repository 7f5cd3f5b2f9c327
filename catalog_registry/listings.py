"""What departments have listed: their systems, and resources known before they are connected.

A resource with a contract is live, and the contract describes it; the listing's entry of the same id is then silent.
"""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection, text

from catalog_registry import index
from catalog_registry.index import Described
from core.errors import DocumentRefused
from core.text import T
from schemas.listing import Listing


def put(connection: Connection, listing: Listing, department_name: str, live: Set[str]) -> list[Described]:
    """Note what the listing says of its department, and retire what it no longer lists. Returns the resources that it
    describes, for the index: those without a contract in force (`live`). Raises DocumentRefused for an id that another
    department has."""
    _report(connection, listing)
    titles = {system.id: system.title for system in listing.systems}
    system_of = {one.id: one.system for one in listing.resources}
    wanted = [
        Described(one, "listing", department_name, (titles[named],) if (named := system_of[one.dataset]) else ())
        for one in listing.described()
        if one.dataset not in live
    ]
    taken = connection.execute(
        text("SELECT dataset, department FROM hub.resource WHERE dataset = ANY(:ids) AND department <> :department"),
        {"ids": list(system_of), "department": listing.department},
    ).first()
    if taken is not None:
        raise DocumentRefused(
            T(f"{taken.dataset} 已由 {taken.department} 登记", f"{taken.dataset} is {taken.department}'s already"),
            file=f"listing/{listing.department}.yaml",
            path="resources",
            remedy=T("请换一个 id。", "Choose another id."),
        )
    gone = connection.scalars(
        text(
            "SELECT dataset FROM hub.resource WHERE department = :department AND origin = 'listing' "
            "AND status = 'published' AND dataset <> ALL(:ids)"
        ),
        {"department": listing.department, "ids": list(system_of)},
    ).all()
    index.retire(connection, gone)
    return wanted


def _report(connection: Connection, listing: Listing) -> None:
    said = {
        "department": listing.department, "reported_on": listing.reported_on, "zero": listing.zero_report,
        "note": listing.note,
    }  # fmt: skip
    connection.execute(
        text(
            "INSERT INTO hub.department_listing (department, reported_on, zero_report, note) "
            "VALUES (:department, :reported_on, :zero, :note) ON CONFLICT (department) DO UPDATE SET "
            "reported_on = excluded.reported_on, zero_report = excluded.zero_report, note = excluded.note"
        ),
        said,
    )
    connection.execute(text("DELETE FROM hub.listed_system WHERE department = :department"), said)
    connection.execute(
        text(
            "INSERT INTO hub.listed_system (id, title, department) SELECT given.id, given.title, :department "
            "FROM unnest(CAST(:ids AS text[]), CAST(:titles AS text[])) AS given (id, title)"
        ),
        said | {"ids": [each.id for each in listing.systems], "titles": [each.title for each in listing.systems]},
    )
