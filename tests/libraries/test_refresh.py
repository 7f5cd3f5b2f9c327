"""A refresh is a function of what was merged: whatever the order, the chunks, a kill or a merge in its way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from core.errors import Retry
from libraries import golden
from schemas.types import citizen_no
from tests.libraries.registry import Registry, values

NUMBERS = ("11010519491231002X", "440524188001010014", None)
NAMES = ("李小明", "王五", None)

#: one action: dataset, key, number, name; a None number and name removes the record
actions = st.lists(
    st.tuples(
        st.sampled_from(["account", "title", "penalty"]),
        st.integers(1, 3),
        st.sampled_from(NUMBERS),
        st.sampled_from(NAMES),
        st.booleans(),
    ),
    max_size=10,
)


def row(dataset: str, key: int, number: str | None, name: str | None) -> dict[str, Any]:
    match dataset:
        case "account":
            return {"account_no": str(key), "holder_no": number, "holder_name": name, "status": "open"}
        case "title":
            return {"right_id": str(key), "seq": 1, "holder_no": number, "holder_name": name}
        case _:
            return {"id": str(key), "number": number, "name": name}


def clear(registry: Registry) -> None:
    with registry.hub.begin() as connection:
        connection.execute(text("TRUNCATE libraries.mention, libraries.entity, libraries.golden"))
        for dataset in ("account", "title", "penalty"):
            connection.execute(text(f"TRUNCATE records.{dataset}"))


def oracle(held: dict[tuple[str, int], tuple[str | None, str | None]]) -> dict[str, str]:
    """Number → name of who is in the population library, said once more in plain Python."""
    order, gives = {"account": 1, "title": 2, "penalty": 5}, {"account", "title"}
    found = {}
    for number in {number for number, _ in held.values() if number}:
        claims = [(dataset, name) for (dataset, _), (other, name) in held.items() if other == number]
        named = {name for _, name in claims if name}
        if not named:
            if any(dataset in gives for dataset, _ in claims):
                found[number] = ""
            continue

        def weight(name: str, claims: list[tuple[str, str | None]] = claims) -> tuple[bool, int, int, str]:
            mine = [dataset for dataset, other in claims if other == name]
            return not gives & set(mine), min(order[dataset] for dataset in mine), -len(mine), name

        winner = min(named, key=weight)
        backing = [dataset for dataset, name in claims if name == winner or (name is None and len(named) == 1)]
        if gives & set(backing):
            # a name that only a dataset without contributions claims tells who is who, but is nobody's to give
            found[number] = winner if any(dataset in gives and name == winner for dataset, name in claims) else ""
    return found


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(actions, st.randoms(use_true_random=False))
def test_the_outcome_depends_only_on_what_is_held(registry: Registry, done: list[Any], random: Any) -> None:
    clear(registry)
    held: dict[tuple[str, int], tuple[str | None, str | None]] = {}
    for dataset, key, number, called, now in done:
        # numbers without names in a cell that may hold several are no claim: who has which is not known
        name = called or (NAMES[1] if dataset == "title" and number else None)
        if number is None and name is None:
            registry.remove(dataset, row(dataset, key, None, None))
            held.pop((dataset, key), None)
        else:
            registry.put(dataset, row(dataset, key, number, name))
            held[dataset, key] = (number, name)
        if now:
            registry.refresh(chunk=1)
    registry.refresh()
    library = {
        record["citizen_no"]["value"]: record.get("name", {}).get("value", "")
        for record in registry.golden("population")
    }
    assert library == oracle(held)
    links = registry.links()
    assert not any(pending for *_, pending in links)

    clear(registry)  # the same records, in another order and at once
    rows = [(dataset, row(dataset, key, *claim)) for (dataset, key), claim in held.items()]
    random.shuffle(rows)
    for dataset, one in rows:
        registry.put(dataset, one)
    registry.refresh()
    assert registry.links() == links


def people(count: int) -> list[dict[str, Any]]:
    """Rows of accounts with valid numbers."""
    made = []
    for n in range(count):
        body = f"430902{1950 + n % 60:04d}0101{n // 60 % 1000:03d}"
        made.append(
            {
                "account_no": str(n),
                "holder_name": f"张{chr(0x4E00 + n % 5000)}",
                "status": "open",
                "holder_no": body + check(body),
            }
        )
    return made


def check(body: str) -> str:
    return citizen_no.CHECKS[
        sum(int(digit) * weight for digit, weight in zip(body, citizen_no.WEIGHTS, strict=True)) % 11
    ]


CHILD = """
import os, sys
from core.hub import Hub
from core.settings import Settings
from libraries import claims, golden
chunks = 0
write = claims._write
def slowly(conn, rules):
    global chunks
    chunks += 1
    made = write(conn, rules)
    if chunks == 3:
        print("here", flush=True)
        sys.stdin.read()  # the parent kills us inside the third chunk's transaction
    return made
claims._write = slowly
golden.refresh(Hub.open(Settings(database_url=os.environ["HUTONG_DATABASE_URL"])), chunk=20)
"""


def test_a_killed_refresh_is_taken_up_where_it_was(registry: Registry) -> None:
    registry.put("account", *people(100))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "HUTONG_HOME": str(registry.hub.home), "HUTONG_DATABASE_URL": registry.hub.url},
    )  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "here\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 20
    while len(registry.golden("population")) != 40 or running(registry):
        assert time.monotonic() < deadline, "two chunks were committed, the third was not"
        time.sleep(0.05)
    result = registry.refresh()
    assert (result.created, result.refreshed) == (60, 60)
    assert [values(record)["name"] for record in registry.golden("population")] == [
        person["holder_name"] for person in sorted(people(100), key=lambda person: str(person["holder_no"]))
    ]


def running(registry: Registry) -> bool:
    database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    with registry.hub.read() as connection:
        found = text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = {database}")
        return bool(connection.execute(found).scalar())


def test_a_merge_in_the_way_is_waited_for(registry: Registry) -> None:
    registry.put("account", *people(3))
    release, held = threading.Event(), threading.Event()

    def merge() -> None:
        with registry.hub.begin() as connection:
            connection.execute(
                text(
                    "UPDATE libraries.mention SET name = '赵六' WHERE name = (SELECT min(name) FROM libraries.mention)"
                )
            )
            held.set()
            release.wait(20)

    merging = threading.Thread(target=merge)
    merging.start()
    held.wait(20)
    threading.Timer(0.3, release.set).start()
    result = registry.refresh()
    merging.join()
    assert result.created == 3
    assert "赵六" in {values(record)["name"] for record in registry.golden("population")}


def test_a_merge_that_does_not_end_makes_it_try_again_later(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "PATIENCE", 0.1)
    registry.put("account", *people(3))
    with registry.hub.begin() as connection:
        connection.execute(text("UPDATE libraries.mention SET name = name"))
        with pytest.raises(Retry):
            registry.refresh()
    assert registry.refresh().created == 3


def test_a_changed_document_makes_again_what_it_concerns(registry: Registry) -> None:
    registry.put("account", *people(5))
    registry.refresh()
    before = registry.golden("population")
    library = next(one for one in registry.published.raw.values() if one.kind == "library" and one.id == "population")
    other = library.text.replace(
        "authority: [public_security, provident_fund, natural_resources",
        "authority: [provident_fund, natural_resources",
    )
    registry.publish(extra=[type(library)("library", "population", "2", other, "test")])
    result = registry.refresh()
    assert result.refreshed == 5 and result.created == 0
    assert [one["name"]["status"] for one in registry.golden("population")] == ["verified"] * 5
    assert [one["name"]["value"] for one in before] == [one["name"]["value"] for one in registry.golden("population")]
    assert registry.refresh().refreshed == 0


def test_work_grows_by_rows_within_statements_not_by_statements(registry: Registry) -> None:
    counts = []
    for size in (10, 200):
        clear(registry)
        registry.put("account", *people(size))
        seen: list[str] = []

        def count(connection: Any, cursor: Any, statement: str, *_: Any, seen: list[str] = seen) -> None:
            seen.append(statement)

        event.listen(registry.hub.engine, "before_cursor_execute", count)
        assert registry.refresh().refreshed == size
        event.remove(registry.hub.engine, "before_cursor_execute", count)
        counts.append(len(seen))
    assert counts[1] <= counts[0]
