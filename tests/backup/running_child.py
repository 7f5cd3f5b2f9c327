"""A process that brings a feed up to date again and again, its source changing every time, until it is told to stop."""

from __future__ import annotations

import sqlite3
from typing import Any

from core.errors import Retry
from core.hub import Hub
from core.settings import Settings
from libraries import golden
from pipeline import journey
from tests.pipeline.small import COLUMNS, row


def rows(system: str, generation: int) -> list[tuple[object, ...]]:
    """What a source says in its n-th generation: some rows stay, one changes, some go, some come, one is wrong."""
    kept = [row(f"{system}-{n}", weight=float(n)) for n in range(generation % 5, 40)]
    return [*kept, row(f"{system}-changing", weight=float(generation % 100)), row(f"{system}-wrong", weight=999)]


def write(path: str, system: str, generation: int) -> None:
    """Replace the source's table."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE IF EXISTS pets")
        connection.execute(f"CREATE TABLE pets ({', '.join(COLUMNS)})")
        connection.executemany(f"INSERT INTO pets VALUES ({', '.join('?' * len(COLUMNS))})", rows(system, generation))


def run(home: str, url: str, system: str, path: str, stop: Any, rounds: Any) -> None:
    """In the child: change the source and run the feed until `stop` is set; `rounds` counts."""
    hub = Hub.open(Settings(home=home, database_url=url))
    while not stop.is_set():
        write(path, system, rounds.value)
        try:
            journey.run(hub, f"{system}.pet_licence")
            golden.refresh(hub)
            rounds.value += 1
        except Retry:  # another's turn
            continue
