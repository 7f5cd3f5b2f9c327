"""How an installation comes by a row in every table, and what two installations are compared by."""

from __future__ import annotations

from sqlalchemy import text

from catalog_registry import clients, publication
from core import audit, clock, database
from core.actor import SYSTEM
from core.audit import Entry
from core.hub import Hub
from core.ids import uuid7
from libraries import golden
from pipeline import journey
from schemas.published import shipped
from tests.pipeline.small import CONTRACT, FEED, Row, Small, row

#: people of the small source are people of the population library too
_CONTRIBUTES = "{library: population, role: owner, items: {name: owner_name, citizen_no: owner_no}}"
CONTRIBUTING = CONTRACT.replace(
    "  - {property: subjects", f"  - {{property: contributes, value: [{_CONTRIBUTES}]}}\n  - {{property: subjects"
)
FIRST: list[Row] = [
    row("A1"), row("A2", number="440524188001010014", owner="李四"), row("A3", weight=999), row("A4"),
    row("A5", number="110105194912310021"),
]  # fmt: skip
SECOND: list[Row] = [row("A1", weight=3), row("A2", number="440524188001010014", owner="李四"), row("B1", weight=-7)]
CLIENT = "window"


def live(small: Small) -> str:
    """Publish, run two batches, refresh the libraries, ask something; returns the secret of a client."""
    hub = small.hub
    publication.register(hub, [doc for doc in shipped() if doc.kind == "library"], SYSTEM)
    small.write(FIRST)
    small.publish(contract=CONTRIBUTING)
    journey.run(hub, FEED)
    small.write(SECOND)
    journey.run(hub, FEED)
    golden.refresh(hub)
    with hub.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO hub.service_item (id, name, department) VALUES ('dog', '养犬登记', 'city_management')"
        )
        connection.exec_driver_sql(
            "INSERT INTO hub.access_grant (id, department, service_item, certificate_type, fields, given_by) "
            "VALUES (gen_random_uuid(), 'city_management', 'dog', 'credit_check', '{}', '{}')"
        )
        secret = clients.add(connection, CLIENT, "窗口", "city_management")
        for number in ("11010519491231002X", "440524188001010014"):
            kid, subject = hub.keys.pseudonym(number)
            entry = Entry(
                id=uuid7(), at=clock.now(), kind="certificate.answered", department="city_management", client=CLIENT,
                operator="o", service_item="dog", case_no="1", subject=subject, kid=kid, body={},
            )  # fmt: skip
            connection.exec_driver_sql(audit.INSERT, entry.parameters())
    return secret


def tables(hub: Hub) -> list[str]:
    """Every table that is kept."""
    with hub.read() as connection:
        found = connection.execute(
            text(
                "SELECT schemaname || '.\"' || tablename || '\"' FROM pg_tables WHERE schemaname = ANY(:s) ORDER BY 1"
            ),
            {"s": [schema for schema in database.SCHEMAS if schema != database.TRANSIENT]},
        )
        return [row[0] for row in found]


def rows(hub: Hub, table: str) -> list[str]:
    """Every row of a table as text, in order: compared in Python, apart from the product's own census."""
    with hub.read() as connection:
        connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
        return [line[0] for line in connection.execute(text(f'SELECT "*"::text FROM {table} "*" ORDER BY 1'))]
