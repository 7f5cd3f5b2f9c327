"""Records, their history, explanations and conflicts over HTTP: for stewards of the department and admins, for nobody else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from catalog_registry import clients
from core.hub import Hub
from tests.libraries.sources import START, Sources

LI, ZHAO = "11010519491231002X", "440524188001010014"
CLIENTS = {
    "land": ("natural_resources", "steward"), "fund": ("provident_fund", "steward"), "police": ("public_security", "steward"),
    "head": ("data_bureau", "admin"), "window": ("natural_resources", "department"),
}  # fmt: skip
CASE = {"purpose": "核对", "case_no": "XF-1", "basis": {"kind": "statutory", "reference": "条例"}}
PERSON = {"subject": {"number": LI, "name": "李小明"}}
DAY = timedelta(days=1)


def title(phone: str) -> dict[str, Any]:
    return {"right_id": "t", "seq": 1, "holder_name": "李小明", "holder_no": LI, "phone": phone}


class Callers:
    """The application, called in the name of each client."""

    def __init__(self, hub: Hub, api: TestClient) -> None:
        self.hub, self.api = hub, api
        self.headers = {}
        for id, (department, role) in CLIENTS.items():
            with hub.begin() as connection:
                secret = clients.add(connection, id, id, department, role=role)  # type: ignore[arg-type]
            form = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
            token = api.post("/v1/oauth2/token", data=form).json()["access_token"]
            self.headers[id] = {"Authorization": f"Bearer {token}", "Hutong-Operator": "li.lei"}

    def post(self, who: str, path: str, **body: Any) -> Any:
        return self.api.post(path, json=CASE | body, headers=self.headers[who])

    def get(self, who: str, path: str, **query: Any) -> Any:
        return self.api.get(path, params=query, headers=self.headers[who])


@pytest.fixture
def callers(hub: Hub, tmp_path: Path) -> Any:
    city = Sources(hub, tmp_path)
    city.publish("resident", "account", "title")
    city.read("resident", {"id": "r", "name": "李小明", "number": LI}, {"id": "s", "name": "赵六", "number": ZHAO})
    city.read("title", title("13800000001"))
    city.read("title", title("13800000002"))
    account = {"holder_no": LI, "holder_name": "李小明", "status": "open"}
    city.read(
        "account", account | {"account_no": "1", "phone": "13800000003"}, account | {"account_no": "2", "holder_name": "王五"},
        account | {"account_no": "3", "holder_no": ZHAO, "holder_name": "孙七"},
    )  # fmt: skip
    city.refresh()
    with TestClient(create_app(hub.settings), raise_server_exceptions=False) as api:
        yield Callers(hub, api)


def test_records_and_conflicts_over_http(callers: Callers) -> None:
    asked = {"dataset": "title", **PERSON}
    # records: of one's own department, as known then, masked unless revealed
    told = callers.post("land", "/v1/records/queries", known_at=(START + 2.5 * DAY).isoformat(), **asked)
    assert told.status_code == 200 and told.headers["cache-control"] == "no-store"
    (record,) = told.json()["records"]
    assert record["values"]["phone"] == "13800000001" and record["values"]["holder_no"] != LI and told.json()["masked"]
    whole = callers.post(
        "head", "/v1/records/histories", dataset="title", key={"seq": "1", "right_id": "t"}, reveal=True
    )
    assert [one["began"] for one in whole.json()["records"]] == ["new", "changed"]
    assert whole.json()["records"][1]["changed"] == {"phone": {"before": "13800000001", "after": "13800000002"}}
    # refused: another department, a role that may not, a name that is not theirs, a body that says too much or too little
    for who, path, body, status in (
        ("fund", "queries", asked, 403), ("window", "queries", asked, 403),
        ("land", "queries", asked | {"subject": {"number": LI, "name": "王五"}}, 404),
        ("land", "queries", asked | {"dataset": "titles"}, 422), ("land", "queries", {"dataset": "title"}, 422),
        ("land", "queries", asked | {"key": {"right_id": "t"}}, 422), ("land", "queries", asked | {"known_at": "2026-01-01T00:00:00"}, 422),
        ("land", "queries", {"dataset": "title", "key": {"right_id": "t"}}, 422),
        ("land", "histories", asked | {"as_of": "2026-01-01"}, 422),
        # an account has no business days: that nothing was known yet is no "no such record"
        ("fund", "queries", {"dataset": "account", **PERSON, "as_of": "1990-01-01"}, 422),
    ):  # fmt: skip
        answer = callers.post(who, f"/v1/records/{path}", **body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), body
        assert LI not in answer.text
    # explanations: what other departments say is masked for a steward, and told to an admin
    path = "/v1/libraries/population/explanations"
    closed = callers.post("head", path, attribute="phone", **PERSON).json()
    assert closed["masked"] and closed["value"] == "138****0003", "masked until it is asked to reveal"
    assert {one["value"] for one in closed["claims"]} == {"138****0003", "138****0002", "138****0001"}
    with callers.hub.read() as connection:
        kinds = connection.execute(text("SELECT kind FROM hub.audit WHERE kind LIKE 'library.%'")).scalars().all()
    assert kinds == ["library.explained"]
    seen = {
        who: callers.post(who, path, attribute="phone", reveal=True, **PERSON).json()["claims"]
        for who in ("land", "fund", "head")
    }
    assert {who: [one["value"] for one in claims][:2] for who, claims in seen.items()} == {
        "land": ["138****0003", "13800000002"], "fund": ["13800000003", "138****0002"], "head": ["13800000003", "13800000002"],
    }  # fmt: skip
    assert [one["reason"] for one in seen["head"]] == ["decides", "lower_authority", "replaced"]
    assert callers.post("police", path, attribute="phone", **PERSON).status_code == 404, (
        "police have no phone to explain"
    )
    assert callers.post("window", path, attribute="phone", **PERSON).status_code == 403
    # conflicts: those one has a part in, masked, page by page
    first = callers.get("head", "/v1/conflicts", limit=1)
    assert len(first.json()["conflicts"]) == 1 and LI not in first.text and "李小明" not in first.text
    rest = callers.api.get(first.headers["link"].split(">")[0][1:], headers=callers.headers["head"])
    assert rest.json()["next"] is None and "link" not in rest.headers
    found = first.json()["conflicts"] + rest.json()["conflicts"]
    assert {(one["attribute"], one["department"], one["kind"]) for one in found} == {("name", "provident_fund", "name")}
    assert first.json()["groups"][0]["entities"] == 2
    assert len(callers.get("fund", "/v1/conflicts").json()["conflicts"]) == 2
    assert callers.get("land", "/v1/conflicts").json()["conflicts"] == []
    assert callers.get("head", "/v1/conflicts", after="AAAA").status_code == 422
    entity = next(one["entity"] for one in found if one["decides"] == "李*")
    by_entity = callers.post("head", path, attribute="name", entity=entity).json()
    assert by_entity["masked"] and by_entity["value"] == "李*"
    # every look is in the log, with the case and by whom
    with callers.hub.read() as connection:
        rows = connection.execute(
            text("SELECT kind, client, operator, case_no, canonical FROM hub.audit ORDER BY at")
        ).all()
    assert {(row.operator, row.case_no) for row in rows} == {("li.lei", "XF-1")}
    assert {row.kind for row in rows} >= {
        "records.shown",
        "records.revealed",
        "library.explained",
        "library.explained_revealed",
    }
    assert json.loads(rows[0].canonical)["basis"] == "statutory:条例" and LI not in str(rows)
