"""Remedies over HTTP name routes: a caller there has no command line."""

from __future__ import annotations

import re

from api.app import create_app
from api.problems import ROUTES, over_http
from core.settings import Settings
from core.text import T
from tests.house.test_commands import ALL
from tests.house.test_words import pairs

COMMAND = re.compile(r"hutong [a-z]+")
#: what only the command line, the starting of a process or a run of a feed comes to: said to whoever keeps the machine
KEEPERS = (
    "catalog_registry/clients.py", "catalog_registry/grants.py", "connectors/", "core/backup/", "core/database.py", "core/hub.py",
    "core/key_files.py", "core/keys.py", "core/rotation.py", "core/secrets.py", "libraries/contested.py",
    "libraries/judgements.py", "pipeline/definition.py", "pipeline/rebuild/", "pipeline/retention.py", "pipeline/undoing.py",
    "schemas/compare.py",
)  # fmt: skip


def test_what_reaches_http_names_no_command() -> None:
    told = [
        (place, zh, en)
        for place, zh, en in pairs()
        if not place.startswith(("cli/", "demo/", "dags/", "monitoring/", *KEEPERS)) and COMMAND.search(zh + en)
    ]
    assert len(told) > 5
    for place, zh, en in told:
        text = over_http(T(zh, en))
        assert isinstance(text, T) and not COMMAND.search(text.zh + text.en), place
        assert re.search(r"(GET|POST) /v1/", text.zh) and re.search(r"(GET|POST) /v1/", text.en), place


def test_the_routes_and_the_commands_are_there() -> None:
    known = {
        f"{method.upper()} {path}"
        for path, said in create_app(Settings()).openapi()["paths"].items()
        for method in said
    }
    for command, route in ROUTES.items():
        assert route.partition("?")[0] in known and command.partition(" --")[0] in ALL
    assert all(not later.startswith(earlier) for n, earlier in enumerate(ROUTES) for later in list(ROUTES)[n + 1 :])
