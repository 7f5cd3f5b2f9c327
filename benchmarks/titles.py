"""Title certificates by the million for the look-up bench: a real-estate register made inside PostgreSQL, brought in through
the product's own journey with the shipped contract and system documents."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import text

from catalog_registry import clients, grants, publication, service_items
from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from pipeline import journey
from schemas import published

FEED = "real_estate_registry.real_estate_right"
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄", "伟芳娜敏静丽强磊"

# Person i: one number, one name, one title. Numbers carry a right check digit (weights of GB 11643).
_PEOPLE = """
SELECT i, first17 || substr('10X98765432', 1 +
    (SELECT sum(substr(first17, p, 1)::int * (ARRAY[7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2])[p]) % 11
     FROM generate_series(1, 17) AS p)::int, 1) AS number,
  substr('{surnames}', 1 + i % 8, 1) || substr('{given}', 1 + i / 8 % 8, 1) AS name
FROM (SELECT i, '430902' || to_char(date '1950-01-01' + i % 22000, 'YYYYMMDD') || lpad((1 + i / 22000)::text, 3, '0') AS first17
      FROM generate_series({low}::int, {high}) AS i) AS numbered
"""
_TABLES = """
CREATE TABLE "BDC_FDCQ" ("QLID" varchar(32), "BDCDYH" varchar(28), "BDCQZH" varchar(100), "YWH" varchar(30),
  "QLLX" varchar(2), "DJLX" varchar(3), "FDZL" varchar(200), "JZMJ" numeric(15,2), "GHYT" varchar(3), "FWXZ" varchar(2),
  "QSZT" varchar(1), "DJSJ" date, "QXDM" varchar(6), "GXSJ" timestamp);
CREATE TABLE "BDC_QLR" ("QLID" varchar(32), "SXH" int, "QLRMC" varchar(200), "ZJZL" varchar(2), "ZJH" varchar(50),
  "QLRLX" varchar(2), "GYFS" varchar(1), "QLBL" varchar(50), "DH" varchar(50), "GXSJ" timestamp)
"""
_RIGHT = """
INSERT INTO "BDC_FDCQ" SELECT 'QL' || lpad(i::text, 12, '0'), '430902001001GB' || lpad((i / 10000)::text, 5, '0') || 'F' ||
  lpad((i % 10000 / 100)::text, 4, '0') || lpad((1 + i % 100)::text, 4, '0'),
  '湘(2020)益阳市不动产权第' || lpad(i::text, 7, '0') || '号', 'YW' || i, '4', '200', '益阳市赫山区桃花仑路' || (1 + i % 900) || '号',
  60 + i % 90, '11', '0', '1', date '2016-01-01' + i % 3000, '430902', timestamp '2026-01-01' + i * interval '1 second'
FROM generate_series({low}::int, {high}) AS i
"""
_HOLDER = """
INSERT INTO "BDC_QLR" SELECT 'QL' || lpad(i::text, 12, '0'), 1, name, '1', number, '1', '0', '', '', timestamp '2026-01-01'
FROM ({people}) AS people
"""
_CHUNK = 200_000


def fill(hub: Hub, source_url: str, count: int, type_: str) -> tuple[str, str]:
    """The register, loaded; a client that may ask the type: its id and secret."""
    _write(source_url.replace("postgresql+psycopg://", "postgresql://"), count)
    publication.ensure_shipped(hub)
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "real_estate_registry", {"url": source_url})
    batch = journey.run(hub, FEED)
    with hub.begin() as connection:
        kept = connection.scalar(text("SELECT count(*) FROM records.real_estate_right"))
        if batch is None or kept != count:
            raise SystemExit(f"{kept} of {count} records were merged")
        service_items.put(
            connection,
            service_items.ServiceItem.model_validate(
                {"service_item": "bench", "name": "测速", "department": "housing", "certificates": [type_]}
            ),
            SYSTEM,
        )
        grants.give(
            connection, published.current(hub.home), department="housing", service_item="bench", certificate_type=type_,
            actor=SYSTEM,
        )  # fmt: skip
        return "bench", clients.add(connection, "bench", "测速", "housing")


def subjects(count: int, wanted: int) -> list[dict[str, Any]]:
    """Subjects spread over the register, made by the same rule as the register's own."""
    step = max(1, count // wanted)
    return [_subject(i) for i in range(0, count, step)]


def _subject(i: int) -> dict[str, Any]:
    from datetime import date, timedelta

    born = date(1950, 1, 1) + timedelta(days=i % 22000)
    first17 = f"430902{born:%Y%m%d}{1 + i // 22000:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first17, weights, strict=True)) % 11]
    return {"kind": "identity_card", "number": first17 + check, "name": _SURNAMES[i % 8] + _GIVEN[i // 8 % 8]}


def _write(dsn: str, count: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        for low in range(0, count, _CHUNK):
            high = min(low + _CHUNK, count) - 1
            people = _PEOPLE.format(low=low, high=high, surnames=_SURNAMES, given=_GIVEN)
            connection.execute(_RIGHT.format(low=low, high=high))
            connection.execute(_HOLDER.format(people=people))
        connection.execute('CREATE INDEX ON "BDC_QLR" ("QLID")')
        connection.execute('CREATE TABLE "BDC_XZ" ("XZID" varchar(32))')
        connection.execute("VACUUM ANALYZE")
