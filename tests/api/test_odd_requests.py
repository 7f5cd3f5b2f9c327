"""Whatever is asked, the exchange answers in words: no request of any kind may end as an unexpected error. Every route that
the application has is asked with odd values for whatever it takes, drawn anew each run; a new route is asked from its first day."""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from catalog_registry import clients
from pipeline import journey
from tests.api.test_roles import header
from tests.pipeline.small import FEED, Small, row

SECONDS = float(os.environ.get("HUTONG_TEST_FUZZ_S", "6"))
TEXTS = (
    "", "x" * 5_000, "\x00", "a\x00b", "%00", "''; DROP TABLE hub.batch; --", "中\ue815𠮷", "../../etc", "{}", "[]", "null", "NaN",
    "9" * 400, "-1", "0", "1e400", "2026-02-30", "0000-00-00", "9999-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00-14:00",
    "10000-01-01", "Infinity", "11010519491231002X", "00000000-0000-0000-0000-000000000000", "*", "%", "a.b.c",
    "pets.pet_licence", "pet_licence", "population",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    0,
    -1,
    2**63,
    10**40,
    1.5,
    [],
    {},
    [[]],
    [None],
    {"a": None},
    ["a", "a"],
    {"": ""},
    [{}] * 3,
    "\ud800",
)


@pytest.fixture
def small(hub: Any, tmp_path: Path) -> Small:
    made = Small(hub, tmp_path / "pets.db")
    made.write([row("A1"), row("A2", number="110105194912310021"), row("A3", weight=999)])
    made.publish()
    journey.run(hub, FEED)
    return made


def test_no_request_ends_unexpectedly(small: Small) -> None:
    seed = secrets.randbelow(2**31)
    rnd = random.Random(seed)
    until = time.monotonic() + SECONDS
    with small.hub.begin() as connection:
        made = clients.add(connection, "a", "管理员", "data_bureau", role="admin")
        batch = connection.execute(text("SELECT id FROM hub.batch")).scalar_one()
    with TestClient(create_app(small.hub.settings), raise_server_exceptions=False) as api:
        who = header(api, "a", made)
        document = api.get("/openapi.json").json()
        routes = [(path, method, said) for path, item in document["paths"].items() for method, said in item.items()]
        assert len(routes) > 20
        asked, broken = 0, {}
        while time.monotonic() < until:
            path, method, said = rnd.choice(routes)
            filled, query, headers = path, {}, dict(who)
            for one in said.get("parameters", ()):
                value = str(rnd.choice((*TEXTS, "1", str(batch), str(uuid4()))))
                if one["in"] == "path":
                    filled = filled.replace("{" + one["name"] + "}", _quoted(value) or "x")
                elif rnd.random() < 0.6 and one["in"] == "query":
                    query[one["name"]] = value
                elif rnd.random() < 0.3 and one["in"] == "header" and value.isascii() and value.isprintable():
                    headers[one["name"]] = value
            body = _body(rnd, document, said)
            if rnd.random() < 0.02:
                headers["Authorization"] = f"Bearer {rnd.choice(('', 'x', 'a.b.c', '9' * 9_000))}"
            answer = api.request(
                method,
                filled,
                params=query,
                headers={**headers, **({"Content-Type": "application/json"} if body else {})},
                content=body,
            )
            asked += 1
            if answer.status_code >= 500 and answer.status_code != 503:
                broken.setdefault(
                    (method, path),
                    (filled[:200], {name: value[:60] for name, value in query.items()}, body and body[:300]),
                )
        assert asked > 50
        assert broken == {}, f"seed {seed}"


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return quote(value, safe="")


def _body(rnd: random.Random, document: dict[str, Any], said: dict[str, Any]) -> bytes | None:
    content = said.get("requestBody", {}).get("content", {})
    if not content:
        return None
    schema = next(iter(content.values())).get("schema", {})
    if rnd.random() < 0.1:
        return rnd.choice(
            (
                b"",
                b"{",
                b"[" * 50_000,
                b"\xff\xfe",
                b'{"a": NaN}',
                b'{"a": 1e999}',
                b'"' + b"x" * 100_000 + b'"',
                b"null",
            )
        )
    return json.dumps(_made(rnd, document, schema, 0)).encode()


def _made(rnd: random.Random, document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    """Something like what a schema asks for, with odd values in it."""
    if depth > 6 or rnd.random() < 0.12:
        return rnd.choice(VALUES)
    if "$ref" in schema:
        return _made(rnd, document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], depth)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _made(rnd, document, rnd.choice(schema[several]), depth + 1)
    if "enum" in schema or "const" in schema:
        return rnd.choice(schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "object":
        names = [
            name for name in schema.get("properties", {}) if name in schema.get("required", ()) or rnd.random() < 0.6
        ]
        made = {name: _made(rnd, document, schema["properties"][name], depth + 1) for name in names}
        return made | (
            {rnd.choice(TEXTS): rnd.choice(VALUES)} if schema.get("additionalProperties") not in (None, False) else {}
        )
    if kind == "array":
        return [_made(rnd, document, schema.get("items", {}), depth + 1) for _ in range(rnd.choice((0, 1, 1, 2, 40)))]
    if kind == "integer":
        return rnd.choice((0, 1, -1, 2, 50, 2**31, 2**63, 10**30))
    if kind == "boolean":
        return rnd.random() < 0.5
    if schema.get("format") == "uuid":
        return str(uuid4())
    if schema.get("format") in ("date", "date-time"):
        return rnd.choice(
            ("2026-01-01", "9999-12-31", "0001-01-01", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00")
        )
    return rnd.choice((*TEXTS, "李小明", "11010519491231002X"))
