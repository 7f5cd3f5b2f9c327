"""The work list over HTTP: scope by department, masks, acts with versions, counts and keys; no number where none may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from structlog.testing import capture_logs

from api.app import create_app
from catalog_registry import clients
from core import audit, clock
from core.actor import Actor
from core.hub import Hub
from pipeline import journey
from schemas import published
from tests.pipeline.small import FEED, Small, row

BAD, GOOD = "110105194912310021", "11010519491231002X"
ROLES = {"steward": "city_management", "stranger": "housing", "admin": "data_bureau"}


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """Two rows that wait, one in the library."""
    made = Small(hub, tmp_path / "pets.db")
    made.write([row("A1"), row("A2", number=BAD), row("A3", weight=999)])
    made.publish()
    journey.run(hub, FEED)
    return made


@pytest.fixture
def api(small: Small) -> Iterator[TestClient]:
    with TestClient(create_app(small.hub.settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def as_(api: TestClient, small: Small) -> dict[str, dict[str, str]]:
    """Headers by whom."""
    found = {}
    for name, department in ROLES.items():
        with small.hub.begin() as connection:
            role: Any = "admin" if name == "admin" else "steward"
            secret = clients.add(connection, name, name, department, role=role)
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        token = api.post("/v1/oauth2/token", data=form).json()["access_token"]
        found[name] = {"Authorization": f"Bearer {token}", "Hutong-Operator": "zhang.wei"}
    return found


def waiting(api: TestClient, headers: dict[str, str], **words: Any) -> list[dict[str, Any]]:
    return list(api.get("/v1/quarantine/rows", params=words, headers=headers).json()["rows"])


def of_rule(rows: list[dict[str, Any]], rule: str) -> dict[str, Any]:
    return next(found for found in rows if found["findings"][0]["rule"] == rule)


def test_a_steward_sees_its_departments_rows_masked_and_paged(api: TestClient, as_: dict[str, dict[str, str]]) -> None:
    first = api.get("/v1/quarantine/rows", params={"limit": 1, "total": True}, headers=as_["steward"])
    assert first.json()["total"] == 2 and len(first.json()["rows"]) == 1
    link = first.headers["link"]
    assert link.endswith('rel="next"')
    second = api.get(link[1 : link.index(">")], headers=as_["steward"])
    assert len(second.json()["rows"]) == 1 and "link" not in second.headers
    assert BAD not in first.text + second.text
    assert (len(waiting(api, as_["admin"])), waiting(api, as_["stranger"])) == (2, [])
    groups = api.get("/v1/quarantine/groups", headers=as_["steward"]).json()["groups"]
    assert sorted((one["rule"], one["rows"]) for one in groups) == [("citizen_no.checksum", 1), ("range", 1)]
    assert api.get("/v1/quarantine/rows").status_code == 401
    for bad in ({"status": "x"}, {"severity": "x"}, {"after": "AAAA"}, {"batch": "x"}, {"rule": "\x00"}):
        assert api.get("/v1/quarantine/rows", params=bad, headers=as_["steward"]).status_code == 422


def test_check_fix_replay_undo(api: TestClient, as_: dict[str, dict[str, str]], small: Small) -> None:
    headers = as_["steward"]
    found = of_rule(waiting(api, headers), "citizen_no.checksum")
    at = f"/v1/quarantine/rows/{found['batch']}/{found['row_no']}"
    tag = api.get(at, headers=headers).headers["etag"]
    tried = api.post(f"{at}/checks", json={"set": {"owner_no": BAD}}, headers=headers).json()
    assert not tried["fit"] and tried["wrong"][0]["rule"] == "citizen_no.checksum" and tried["wrong"][0]["remedy"]
    act = {
        "kind": "fix", "reason": "核对原件", "rows": [{"batch": found["batch"], "row_no": found["row_no"]}],
        "set": {"owner_no": BAD},
    }  # fmt: skip
    refused = api.post("/v1/quarantine/decisions", json=act, headers=headers)
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/set/owner_no"
    assert BAD not in refused.text
    act["set"] = {"owner_no": GOOD}
    assert api.post("/v1/quarantine/decisions", json=act, headers=as_["stranger"]).status_code == 403
    sent = headers | {"If-Match": tag, "Idempotency-Key": "k1"}
    made = api.post("/v1/quarantine/decisions", json=act, headers=sent)
    assert made.status_code == 201 and GOOD not in made.text
    (decision,) = made.json()["decisions"]
    assert (decision["operator"], decision["rows"], decision["kind"]) == ("zhang.wei", 1, "fix")
    assert api.post("/v1/quarantine/decisions", json=act, headers=sent).json() == made.json(), "done once"
    other = api.post("/v1/quarantine/decisions", json=act | {"reason": "别的"}, headers=sent)
    assert other.status_code == 422 and other.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    stale = api.post("/v1/quarantine/decisions", json=act, headers=headers | {"If-Match": tag})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:hutong:problem:outdated")
    assert api.post("/v1/quarantine/replays", json={"feed": FEED}, headers=as_["stranger"]).status_code == 403
    done = api.post("/v1/quarantine/replays", json={"feed": FEED}, headers=headers).json()
    assert done["evidence"]["inserted"] == 1
    assert api.get(at, headers=headers).json()["status"] == "fixed"
    assert api.post("/v1/quarantine/replays", json={"feed": FEED}, headers=headers).json()["batch"] is None
    undo = f"/v1/quarantine/decisions/{decision['id']}/reversals"
    assert api.post(undo, json={"reason": "看错"}, headers=as_["stranger"]).status_code == 403
    assert api.post(undo, json={"reason": "看错"}, headers=headers).json()["undoes"] == decision["id"]
    assert api.post(undo, json={"reason": "看错"}, headers=headers).status_code == 409
    api.post("/v1/quarantine/replays", json={"feed": FEED}, headers=headers)
    assert api.get(at, headers=headers).json()["status"] == "open"
    told = api.post(undo, json={"reason": f"与{GOOD}核对"}, headers=headers)
    assert told.status_code in (409, 422) and GOOD not in told.text
    with small.hub.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM records.pet_licence")).scalar_one() == 1


def test_bulk_excuse_and_dismissal_say_how_many(api: TestClient, as_: dict[str, dict[str, str]]) -> None:
    headers = as_["steward"]
    until = (clock.today() + timedelta(days=30)).isoformat()
    act = {"kind": "excuse", "reason": "确有", "filter": {"rule": "range"}, "rules": ["range"], "until": until}
    assert api.post("/v1/quarantine/decisions", json=act, headers=headers).status_code == 422
    assert api.post("/v1/quarantine/decisions", json=act | {"expected": 3}, headers=headers).status_code == 409
    made = api.post("/v1/quarantine/decisions", json=act | {"expected": 1}, headers=headers)
    assert made.json()["decisions"][0]["rows"] == 1
    put_aside = {"kind": "dismiss", "reason": "测试", "filter": {"rule": "citizen_no.checksum"}, "expected": 1}
    assert api.post("/v1/quarantine/decisions", json=put_aside, headers=as_["stranger"]).status_code in (404, 409)
    assert api.post("/v1/quarantine/decisions", json=put_aside, headers=headers).status_code == 201
    assert [found["status"] for found in waiting(api, headers, status="dismissed")] == ["dismissed"]
    for wrong in (
        {"filter": {}},
        {"rows": []},
        {"kind": "burn"},
        {"filter": {"rule": "range"}, "rows": [{"batch": "x"}]},
    ):
        answer = api.post("/v1/quarantine/decisions", json=put_aside | wrong, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_of_a_dataset_in_force_no_more_only_an_administrator_undoes(
    api: TestClient, as_: dict[str, dict[str, str]], small: Small
) -> None:
    put_aside = {"kind": "dismiss", "reason": "测试", "filter": {"rule": "range"}, "expected": 1}
    (made,) = api.post("/v1/quarantine/decisions", json=put_aside, headers=as_["steward"]).json()["decisions"]
    with small.hub.begin() as connection:
        for kind, id in (("system", "pets"), ("contract", "pet_licence")):
            published.withdraw(connection, kind, id, Actor("admin"))  # type: ignore[arg-type]
    with small.hub.read() as connection:
        published.write_snapshot(connection, small.hub.home)
    undo = f"/v1/quarantine/decisions/{made['id']}/reversals"
    for who, status in (("stranger", 403), ("steward", 403), ("admin", 201)):
        assert api.post(undo, json={"reason": "看错"}, headers=as_[who]).status_code == status


def test_a_reveal_is_audited_and_no_number_is_told_elsewhere(
    api: TestClient, as_: dict[str, dict[str, str]], small: Small
) -> None:
    headers = as_["steward"]
    found = of_rule(waiting(api, headers), "citizen_no.checksum")
    at = f"/v1/quarantine/rows/{found['batch']}/{found['row_no']}"
    with capture_logs() as logs:
        assert api.post(f"{at}/reveals", json={"reason": " "}, headers=headers).status_code == 422
        assert api.post(f"{at}/reveals", json={"reason": "核对"}, headers=as_["stranger"]).status_code == 403
        shown = api.post(f"{at}/reveals", json={"reason": "核对"}, headers=headers)
        fix = {"kind": "fix", "reason": "核对", "rows": [{"batch": found["batch"], "row_no": found["row_no"]}]}
        api.post("/v1/quarantine/decisions", json=fix | {"set": {"owner_no": GOOD}}, headers=headers)
        api.post("/v1/quarantine/replays", json={"feed": FEED}, headers=headers)
    assert shown.json()["items"]["owner_no"] == BAD and shown.headers["cache-control"] == "no-store"
    assert BAD not in json.dumps(logs, default=str) and GOOD not in json.dumps(logs, default=str)
    with small.hub.begin() as connection:
        looked = audit.search(connection, small.hub.keys, BAD, Actor("auditor"), reason="检查")
        told = str(connection.execute(text("SELECT json_agg(e) FROM hub.event e")).scalar_one())
    assert [(one.kind, one.operator, one.client) for one in looked] == [("quarantine.revealed", "zhang.wei", "steward")]
    assert BAD not in told and GOOD not in told


@pytest.mark.parametrize(
    ("written", "tag", "told"),
    [(row("A2", weight=999), "B2", "key cannot"), ((2026, None, *row("A2")[2:]), "A1", "another record")],
)
def test_a_check_says_of_the_key_what_the_decision_would(
    api: TestClient, as_: dict[str, dict[str, str]], small: Small, written: Any, tag: str, told: str
) -> None:
    small.write([row("A1"), written])
    journey.run(small.hub, FEED)
    (found,) = waiting(api, as_["steward"])
    edits = {"set": {"tag": tag, "weight_kg": "12"}}
    at = {"batch": found["batch"], "row_no": found["row_no"]}
    tried = api.post("/v1/quarantine/rows/{batch}/{row_no}/checks".format(**at), json=edits, headers=as_["steward"])
    fix = {"kind": "fix", "reason": "核对", "rows": [at], **edits}
    refused = api.post("/v1/quarantine/decisions", json=fix, headers=as_["steward"])
    assert tried.status_code == refused.status_code == 409 and tried.json() == refused.json()
    assert told in refused.json()["title_en"]


def test_an_unknown_feed_is_not_found_with_those_there_are(api: TestClient, as_: dict[str, dict[str, str]]) -> None:
    def asked(who: str, feed: str) -> list[Any]:
        system, _, dataset = feed.partition(".")
        mapped = {"system": system, "dataset": dataset, "item": "kind", "raw": "9", "code": "1", "reason": "核对"}
        answers = [api.post("/v1/quarantine/replays", json={"feed": feed}, headers=as_[who])]
        return answers + ([api.post("/v1/codes/mappings", json=mapped, headers=as_[who])] if dataset else [])

    for who in ("steward", "admin"):
        for feed in ("nosuch", "pets.nosuch", "nosuch.pet_licence"):
            for answer in asked(who, feed):
                assert answer.status_code == 404 and FEED in answer.json()["remedy_en"], answer.text
    for answer in asked("stranger", "pets.nosuch"):
        assert answer.status_code == 404 and "No feed is yours" in answer.json()["remedy_en"]
    assert [answer.status_code for answer in asked("stranger", FEED)] == [403, 403]
