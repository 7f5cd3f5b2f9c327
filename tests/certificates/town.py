"""A hub with the shipped documents and no city: tests put single records into it, as a merge would, and ask."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
from sqlalchemy import text
from stdnum.iso7064 import mod_11_2

from catalog_registry import clients, grants, publication, service_items, systems
from catalog_registry.service_items import ServiceItem
from certificates import pool
from certificates.answer import Answer, Answerer
from certificates.request import Query
from core import clock
from core.actor import SYSTEM
from core.hub import Hub
from core.ids import uuid7
from libraries import known_as, mentions
from libraries.record_key import key_bytes
from schemas import published
from schemas.derive.sql import current
from schemas.published import Published

ITEM, CLIENT, DEPARTMENT = "test_item", "window", "housing"
_serial = count(1)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SURNAMES = "张王李赵刘陈杨黄周吴"


@dataclass(frozen=True)
class Someone:
    """A subject nobody else in the town is: number, name, and the number's older form."""

    kind: str
    number: str
    name: str
    old_number: str
    registration: str = ""
    relation: str = "subject"

    def as_json(self) -> dict[str, str]:
        """As a question names them."""
        return {"kind": self.kind, "number": self.number, "name": self.name}


def person(age: int | None = None) -> Someone:
    """A new resident, born in 19xx, or of an age in years."""
    n = next(_serial)
    birth = date(1960, 1, 1) + timedelta(days=n) if age is None else clock.today() - timedelta(days=age * 366)
    base = f"430903{birth:%Y%m%d}{n % 900 + 10:03d}"
    number = base + mod_11_2.calc_check_digit(base)
    return Someone("identity_card", number, _SURNAMES[n % 10] + chr(0x4E00 + n), number[:6] + number[8:17])


def firm() -> Someone:
    """A new firm, with brackets in its name."""
    n = next(_serial)
    base = f"91430903MA5C{n:05d}"
    total = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(base))
    return Someone(
        "credit_code",
        base + _ALPHABET[-total % 31],
        f"益阳{chr(0x4E00 + n)}（集团）有限公司",
        base[8:17],
        f"430903{n:09d}",
    )


@dataclass
class Town:
    """The hub, and hands that fill it."""

    hub: Hub
    secret: str = ""
    batches: dict[str, Any] = field(default_factory=dict)

    def open(self) -> Town:
        """Documents in force, every feed merged just now, one client that may ask everything for one service item."""
        refused = publication.ensure_shipped(self.hub)
        assert not refused
        with self.hub.begin() as connection:
            service_items.put(
                connection, ServiceItem(service_item=ITEM, name="测试事项", department=DEPARTMENT), SYSTEM
            )
            self.secret = clients.add(connection, CLIENT, "测试窗口", DEPARTMENT)
            for type in self.published.texts("certificate"):
                self.grant(connection, type)
        for feeds in systems.feeds_of(self.published).values():
            for feed in feeds:
                self.merged(feed.id)
        return self

    @property
    def published(self) -> Published:
        """What is in force."""
        return published.current(self.hub.home)

    def grant(self, connection: Any, type: str, fields: list[str] | None = None, item: str = ITEM) -> grants.Grant:
        """Grant a type to the client's department."""
        return grants.give(
            connection, self.published, department=DEPARTMENT, service_item=item, certificate_type=type, actor=SYSTEM,
            fields=fields,
        )  # fmt: skip

    def merged(self, feed: str, state: str = "merged", ago: timedelta = timedelta()) -> Any:
        """A batch of a feed in a state, landed some time ago."""
        id = uuid7()
        with self.hub.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO hub.batch (id, feed, system, dataset, mode, state, contract_version, contract_sha, "
                    "system_sha, publication, actor, landed_at, landed_rows) VALUES (:id, :feed, :system, :dataset, 'full', :state, "
                    "'1.0.0', '', '', 0, '{}', :at, 10)"
                ),
                {"id": id, "feed": feed, "system": feed.split(".")[0], "dataset": feed.split(".")[1], "state": state,
                 "at": clock.now() - ago},
            )  # fmt: skip
        return id

    def forget(self, batch: Any) -> None:
        """Take a batch back."""
        with self.hub.begin() as connection:
            for table in ("quarantine_subject", "finding", "quarantine"):
                connection.execute(text(f"DELETE FROM hub.{table} WHERE batch_id = :id"), {"id": batch})
            connection.execute(text("DELETE FROM hub.batch WHERE id = :id"), {"id": batch})

    def put(self, dataset: str, row: Mapping[str, Any], system: str = "test") -> None:
        """One current record of a system and its mentions."""
        contract = self.published.contracts[dataset]
        values = {
            item.name: pa.array([_typed(row.get(item.name), item.type.arrow)], item.type.arrow)
            for item in contract.items
        }
        unknown = row.keys() - values.keys()
        assert not unknown, f"{dataset} has no {unknown}"
        key = key_bytes(system, [values[name] for name in contract.key])[0].tobytes()
        stored = {name: value[0].as_py() for name, value in values.items()}
        listed = ", ".join(f'"{name}"' for name in stored)
        with self.hub.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO {current(dataset)} (_key, _system, {listed}, _row_hash, _batch, _row_no, _known_from) "
                    f"VALUES (:_key, :_system, {', '.join(f':{name}' for name in stored)}, 0, gen_random_uuid(), 1, now())"
                ),
                stored | {"_key": key, "_system": system},
            )
            for named in mentions.of_rows(contract, values, {i.name: i.options for i in contract.items}).to_pylist():
                connection.execute(
                    text(
                        "INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name) "
                        "VALUES (:dataset, :key, :role, :part, :system, :id_kind, :id_value, :name)"
                    ),
                    named | {"dataset": dataset, "key": key, "system": system},
                )
            keys = pa.array([key], pa.binary())
            for said in known_as.of_rows(contract, self.published.libraries, values, keys, system).to_pylist():
                connection.execute(
                    text(
                        "INSERT INTO libraries.known_as (dataset, key, role, attribute, library, kind, value, form, of_dataset, "
                        "of_key) VALUES (:dataset, :key, :role, :attribute, :library, :kind, :value, :form, :of_dataset, :of_key)"
                    ),
                    said | {"dataset": dataset, "key": key},
                )

    def quarantine(
        self, dataset: str, role: str, *, number: str | None, name: str | None, in_doubt: str | None = None
    ) -> Any:
        """A row that waits; `in_doubt` is the item an error was found in."""
        feed = systems.feeds_of(self.published)[dataset][0].id
        batch = self.merged(feed)
        with self.hub.begin() as connection:
            values = {"batch": batch, "feed": feed, "dataset": dataset, "role": role, "number": number, "name": name,
                      "item": in_doubt}  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO hub.quarantine (batch_id, row_no, feed, system, dataset, row) "
                    "VALUES (:batch, 1, :feed, 'test', :dataset, '{}')"
                ),
                values,
            )
            connection.execute(
                text("INSERT INTO hub.quarantine_subject VALUES (:batch, 1, :dataset, :role, 0, :number, :name)"),
                values,
            )
            if in_doubt:
                connection.execute(
                    text(
                        "INSERT INTO hub.finding (batch_id, row_no, dataset, item, rule, severity, dimension) "
                        "VALUES (:batch, 1, :dataset, :item, 'x.checksum', 'error', 'accuracy')"
                    ),
                    values,
                )
        return batch

    def ask(self, who: Someone, *types: str, **more: Any) -> dict[str, Any]:
        """The whole answer to a question."""
        return dict(json.loads(self.answer(question(who, *types, **more)).body))

    def line(self, who: Someone, type: str, **more: Any) -> dict[str, Any]:
        """The answer's only line."""
        return dict(self.ask(who, type, **more)["answers"][0])

    def answer(self, query: Query, client: str = CLIENT) -> Answer:
        """Ask through a pool of its own."""

        async def go() -> Answer:
            connections = pool.make(self.hub)
            await connections.open()
            try:
                return await Answerer(self.hub, connections).ask(query, client)
            finally:
                await connections.close()

        return asyncio.run(go())

    def audit(self) -> list[dict[str, Any]]:
        """Every audit entry, oldest first, as its canonical JSON."""
        with self.hub.read() as connection:
            rows = connection.execute(text("SELECT canonical FROM hub.audit ORDER BY id")).scalars()
            return [json.loads(bytes(row)) for row in rows]


def question(
    who: Someone, *types: str, item: str = ITEM, parameters: Mapping[str, int | str] | None = None,
    declared: Iterable[Someone] = (), **changed: Any,
) -> Query:  # fmt: skip
    """A question about somebody; without types, for all that the service item asks for."""
    body = {
        "service_item": item, "case_no": "2026-0001", "operator": "window-03",
        "basis": {"kind": "statutory", "reference": "测试条例第一条"}, "subject": who.as_json(),
        "declared": [one.as_json() | {"relation": one.relation} for one in declared],
        "certificates": [{"type": type, "parameters": dict(parameters or {})} for type in types] or None,
    }  # fmt: skip
    return Query.model_validate(body | changed)


def fill(row: Mapping[str, Any], who: Someone, other: Someone, last: str) -> dict[str, Any]:
    """A case's row with its placeholders filled; `$new` is a new key, `$last` the one before, `$other_…` somebody else's."""
    new = f"K{next(_serial):08d}"
    known = {
        "$new": new, "$last": last, "$number": who.number, "$old_number": who.old_number, "$name": who.name,
        "$half_width_name": who.name.replace("（", "(").replace("）", ")"),
        "$masked": who.number[:6] + "*" * 8 + who.number[14:], "$registration": who.registration,
        "$former_name": former_name(who), "$title": title(who), "$unit": unit(who),
        "$other_number": other.number, "$other_name": other.name,
    }  # fmt: skip
    filled: dict[str, Any] = {}
    for item, value in row.items():
        if isinstance(value, str):
            for word in sorted(known, key=len, reverse=True):
                value = value.replace(word, known[word])
            value = day(value)
        filled[item] = value
    return filled


def title(who: Someone) -> str:
    """The number of somebody's title certificate."""
    return f"湘(2023)益阳市不动产权第{zlib.crc32(who.number.encode()) % 10**7:07d}号"


def former_name(who: Someone) -> str:
    """What somebody was called before."""
    return f"{who.name[:2]}旧{who.name[2:]}"


def unit(who: Someone) -> str:
    """The unit of that title."""
    return f"430903088001GB{zlib.crc32(who.number.encode()) % 10**5:05d}F00010001"


def day(value: str) -> Any:
    """A case's date: today, today-30d, month-3; anything else as it is."""
    today = clock.today()
    if value == "today":
        return today
    if match := re.fullmatch(r"today-(\d+)d", value):
        return today - timedelta(days=int(match[1]))
    if match := re.fullmatch(r"month-(\d+)", value):
        months = today.year * 12 + today.month - 1 - int(match[1])
        return date(months // 12, months % 12 + 1, 1)
    return value


def _typed(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_decimal(kind):
        from decimal import Decimal

        return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale))
    return value
