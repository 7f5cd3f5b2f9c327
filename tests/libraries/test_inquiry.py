"""A dataset's records for one case: by key or by number and name, as known at a moment, version by version; masked, in the
reader's scope, audited for everybody shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from catalog_registry import systems
from cli.main import app
from core.actor import Actor
from core.errors import Forbidden, Invalid, NotFound
from core.hub import Hub
from libraries import inquiry
from libraries.inquiry import Case, Found, Question
from schemas import published
from tests.libraries.sources import START, Sources

LI, OLD, WANG, SHORT = "11010519491231002X", "440524188001010014", "110101199003070011", "110105491231002"
CLERK = Actor(operator="clerk", client="cli")
DAY = timedelta(days=1)


def title(seq: int, name: str, number: str, on: str = "2020-05-01", phone: str | None = None) -> dict[str, Any]:
    return {"right_id": "t", "seq": seq, "holder_name": name, "holder_no": number, "registered_on": on, "phone": phone}


@pytest.fixture(scope="module")
def city(new_hub: Callable[[], Hub], tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A title of Li's, corrected once, that went to Wang, was removed, and came again; read on five days."""
    made = Sources(new_hub(), tmp_path_factory.mktemp("sources"))
    made.publish("resident", "title", "account")
    made.read("resident", {"id": "r", "name": "李小明", "number": LI})
    made.read("title", title(1, "李小明", LI, phone="13800000001"), title(2, "李小明、王五", f"{LI}、{WANG}"))
    made.read("title", title(1, "李小明", LI, phone="13800000002"), title(2, "李小明、王五", f"{LI}、{WANG}"))
    made.read("title", title(2, "李小明、王五", f"{LI}、{WANG}"))
    made.read("title", title(1, "王五", WANG, "2026-11-01"), title(2, "李小明、王五", f"{LI}、{WANG}"))
    account = {"account_no": "a", "holder_name": "李小明", "holder_no": LI, "status": "open"}
    made.read("account", account)
    made.read("account", account | {"holder_name": "王五", "holder_no": WANG})
    return made


def ask(city: Sources, **asked: Any) -> Found:
    more = {name: asked.pop(name) for name in ("systems",) if name in asked}
    return inquiry.ask(city.hub, Question("title", **asked), Case("复核"), CLERK, **more)


def audited(city: Sources) -> list[dict[str, Any]]:
    with city.hub.read() as connection:
        rows = connection.execute(text("SELECT kind, subject, canonical FROM hub.audit ORDER BY at, id")).all()
    return [{"kind": row.kind, "subject": row.subject, **json.loads(row.canonical)} for row in rows]


def test_the_versions_of_a_record(city: Sources) -> None:
    found = ask(city, key=("t", "1"), history=True, reveal=True)
    first, second, third = found.versions
    assert [one.began for one in found.versions] == ["new", "changed", "reopened"]
    assert [one.ended for one in found.versions] == ["changed", "removed", None]
    assert first.known_from == START + 2 * DAY and first.known_to == second.known_from == START + 3 * DAY
    assert (second.known_to, third.known_from) == (START + 4 * DAY, START + 5 * DAY)
    assert first.ended_by == second.batch and second.ended_by not in (first.batch, second.batch, third.batch)
    assert second.changed == {"phone": ("13800000001", "13800000002")}
    assert third.changed["holder_no"] == (LI, WANG) and third.changed["registered_on"] == (
        date(2020, 5, 1), date(2026, 11, 1),
    )  # fmt: skip
    # as the history stood before the removal was known
    before = ask(city, key=("t", "1"), history=True, reveal=True, known_at=START + 3.5 * DAY)
    assert [(one.ended, one.known_to) for one in before.versions] == [("changed", START + 3 * DAY), (None, None)]


def test_as_known_at_a_moment_and_valid_on_a_day(city: Sources) -> None:
    def phones(**asked: Any) -> list[Any]:
        try:
            return [one.values["phone"] for one in ask(city, key=("t", "1"), reveal=True, **asked).versions]
        except NotFound:
            return []

    assert phones(known_at=START + 2.5 * DAY) == ["13800000001"]
    assert phones(known_at=START + 3.5 * DAY) == ["13800000002"]
    assert phones(known_at=START + 4.5 * DAY) == [] and phones(known_at=START) == []
    assert phones() == [None]
    assert phones(as_of=date(2021, 1, 1)) == [] and phones(as_of=date(2026, 11, 2)) == [None]
    assert phones(as_of=date(2021, 1, 1), known_at=START + 3.5 * DAY) == ["13800000002"]
    # of a moment after the last merge no more is known than then
    told = ask(city, key=("t", "1"), known_at=START + 900 * DAY).told()
    assert told["known_until"] == {"title_system": (START + 5 * DAY).isoformat()}


def test_a_day_before_anything_was_known_is_refused_where_there_are_no_business_days(
    city: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account(key: str, day: date) -> Found:
        return inquiry.ask(city.hub, Question("account", key=(key,), as_of=day), Case("复核"), CLERK)

    for day in (date(1990, 1, 1), date(2026, 11, 6)):
        with pytest.raises(Invalid, match="account_system 2026-11-07") as refused:
            account("a", day)
        assert refused.value.pointer == "/as_of" and "account_system 2026-11-07" in str(refused.value.message)
    assert account("a", date(2026, 11, 7)).versions
    with pytest.raises(NotFound):  # of a day on which it knew others, this is an answer
        account("b", date(2026, 11, 7))
    with pytest.raises(NotFound):  # and so it is where records say since when they are true
        ask(city, key=("t", "1"), as_of=date(1990, 1, 1))
    monkeypatch.setenv("HUTONG_HOME", str(city.hub.home))
    monkeypatch.setenv("HUTONG_DATABASE_URL", city.hub.url)
    told = CliRunner().invoke(
        app, ["records", "show", "account", "--as-of", "1990-01-01", "--reason", "x"], input="a\n"
    )
    assert isinstance(told.exception, Invalid) and "account_system 2026-11-07" in str(told.exception)


def test_a_person_opens_only_with_number_and_name_and_only_what_names_them(city: Sources) -> None:
    def seqs(number: str, name: str, **asked: Any) -> list[int]:
        return [one.values["seq"] for one in ask(city, subject=(number, name), **asked).versions]

    assert seqs(LI, "李小明") == [2] and sorted(seqs(WANG, "王五")) == [1, 2]
    assert sorted(seqs(LI, "李小明", known_at=START + 3.5 * DAY)) == [1, 2]
    # the house was Li's in two versions; the third is Wang's alone, nor does it say what it changed
    li, wang = (ask(city, subject=who, history=True, reveal=True) for who in ((LI, "李小明"), (WANG, "王五")))
    assert [one.known_from for one in li.versions if one.values["seq"] == 1] == [START + 2 * DAY, START + 3 * DAY]
    (after,) = (one for one in wang.versions if one.values["seq"] == 1)
    assert after.changed == {} and after.began == "reopened"
    for number, name in ((LI, "王小五"), (OLD, "李小明"), (LI, ""), ("x", "李小明")):
        with pytest.raises(NotFound):
            seqs(number, name)


def test_a_former_holder_is_found_however_the_number_was_written(new_hub: Callable[[], Hub], tmp_path: Path) -> None:
    """The title is Wang's now; only its history names Li, among others and in the old form."""
    city = Sources(new_hub(), tmp_path)
    city.publish("resident", "title")
    city.read("resident", {"id": "r", "name": "李小明", "number": LI})
    for written in (f"{SHORT}、{WANG}", f"{LI.lower()}、{WANG}"):
        city.read("title", title(9, "李小明、王五", written), title(2, "李小明、王五", f"{LI}、{WANG}"))
        then = city.now
        city.read("title", title(9, "王五", WANG), title(2, "李小明、王五", f"{LI}、{WANG}"))
        found = ask(city, subject=(LI, "李小明"), known_at=then, reveal=True)
        assert written in [one.values["holder_no"] for one in found.versions]
        found = ask(city, subject=(LI, "李小明"), history=True, reveal=True)
        assert written in [one.values["holder_no"] for one in found.versions]


def test_more_rows_than_can_be_looked_at_are_refused_not_cut_short(
    city: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "MOST", 0.1)  # so that one row may be looked at
    with pytest.raises(Invalid):
        ask(city, key=("t", "2"), history=True)
    with pytest.raises(Invalid):
        ask(city, subject=(WANG, "王五"), history=True)


def test_codes_come_with_what_they_are_called(city: Sources) -> None:
    question = Question("account", key=("a",), history=True)
    told = inquiry.ask(city.hub, question, Case("复核"), CLERK).told()
    first, second = told["records"]
    assert first["labels"] == {"status": "正常"} and first["values"]["status"] == "open"
    assert (first["began"], first["began_label"], first["began_label_en"]) == ("new", "新增", "new")
    assert first["ended_label_en"] == "replaced" and second["ended_label"] is None
    assert told["titles"]["status"] == "status"


def test_what_is_shown_is_masked_and_in_the_log_of_everybody_named(city: Sources) -> None:
    earlier = len(audited(city))
    key = ("t", "2")
    hidden, whole = ask(city, key=key), ask(city, key=key, reveal=True)
    assert whole.versions[0].values["holder_no"] == f"{LI}、{WANG}"
    personal = [item.name for item in hidden.contract.items if item.personal]
    assert (
        personal == ["holder_no"]
        and hidden.told()["masked"]
        and all(hidden.versions[0].values[name] != whole.versions[0].values[name] for name in personal)
    )
    entries = audited(city)[earlier:]
    assert [one["kind"] for one in entries] == ["records.shown"] * 2 + ["records.revealed"] * 2
    subjects = {city.hub.keys.pseudonym(number)[1] for number in (LI, WANG)}
    assert {one["subject"] for one in entries} == subjects and not any(LI in json.dumps(one) for one in entries)
    with pytest.raises(NotFound):
        ask(city, subject=(OLD, "李小明"))
    assert audited(city)[-1]["found"] == 0


def test_questions_that_cannot_be_answered_are_refused(city: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"key": ("t",)}, {"key": ("t", "x")}, {}):
        with pytest.raises(Invalid):
            ask(city, **wrong)
    for question, case in (
        (Question("titel", key=("t", "1")), Case("复核")),
        (Question("title", key=("t", "1")), Case("")),
        (Question("title", key=("t", "1")), Case("与11010519491231002X核对")),
    ):
        with pytest.raises(Invalid):
            inquiry.ask(city.hub, question, case, CLERK)
    monkeypatch.setattr(inquiry, "MOST_REVEALED", 1)
    assert len(ask(city, subject=(WANG, "王五")).versions) == 2
    with pytest.raises(Invalid, match="1"):
        ask(city, subject=(WANG, "王五"), reveal=True)


def test_what_retention_removed_is_not_guessed(city: Sources) -> None:
    cut = START + 3.5 * DAY
    with city.hub.begin() as connection:
        connection.execute(text("INSERT INTO hub.history_cut (dataset, before) VALUES ('title', :at)"), {"at": cut})
    try:
        with pytest.raises(Invalid):
            ask(city, key=("t", "2"), known_at=START + 3 * DAY)
        assert ask(city, key=("t", "2"), known_at=cut).told()["complete_since"] == cut.isoformat()
        # a day is no moment where rows say since when they are true
        assert ask(city, key=("t", "2"), as_of=date(2026, 11, 2)).versions
        connect = "UPDATE hub.history_cut SET dataset = 'account'"
        with city.hub.begin() as connection:
            connection.execute(text(connect))
        with pytest.raises(Invalid) as refused:  # here it is the moment at which the day ends
            inquiry.ask(city.hub, Question("account", key=("a",), as_of=date(2026, 11, 3)), Case("复核"), CLERK)
        assert refused.value.pointer == "/as_of"
    finally:
        with city.hub.begin() as connection:
            connection.execute(text("DELETE FROM hub.history_cut"))


def test_a_reader_sees_the_rows_of_their_own_department(city: Sources) -> None:
    documents = published.current(city.hub.home)
    assert systems.readable(documents, "title", "natural_resources") is None
    with pytest.raises(Forbidden):
        systems.readable(documents, "title", "provident_fund")
    assert ask(city, key=("t", "1"), systems={"title_system"}).versions
    with pytest.raises(NotFound):
        ask(city, key=("t", "1"), systems={"another"})
    with pytest.raises(NotFound):
        ask(city, subject=(WANG, "王五"), systems={"another"}, history=True)


def test_the_commands(city: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTONG_HOME", str(city.hub.home))
    monkeypatch.setenv("HUTONG_DATABASE_URL", city.hub.url)

    def run(*arguments: str, said: str) -> str:
        done = CliRunner().invoke(app, ["records", *arguments, "--reason", "复核"], input=said, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    shown = json.loads(run("show", "title", "--known-at", "2026-11-04T10:00:00", "--json", said="t\n1\n"))
    assert [one["values"]["phone"] for one in shown["records"]] == ["13800000002"]
    assert "title_system" in run("show", "title", "--by", "subject", "--as-of", "2026-11-02", said=f"{WANG}\n王五\n")
    lines = run("history", "title", "--reveal", said="t\n1\n")
    assert "13800000001 → 13800000002" in lines and str(city.hub.home) not in lines
    for wrong in (
        "2026-11-04T23:30:00Z",
        "2026-11",
        "4.11.",
    ):  # which day a moment falls on depends on where one stands
        command = ["records", "show", "title", "--as-of", wrong, "--reason", "复核"]
        assert CliRunner().invoke(app, command, input="t\n1\n").exit_code != 0
    assert (
        json.loads(run("show", "title", "--known-at", "20261104", "--json", said="t\n1\n"))["known_at"][11:16]
        == "23:59"
    )
    assert "正常" in run("show", "account", said="a\n")
    end_of_day = json.loads(run("show", "title", "--known-at", "2026-11-04", "--json", said="t\n1\n"))
    assert end_of_day["known_at"].startswith("2026-11-04T23:59:59")
