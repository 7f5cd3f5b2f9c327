"""Checks of datasets against each other: what they find, when it closes, who has it in their list."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from catalog_registry import publication
from core import decisions
from core.actor import SYSTEM, Actor
from core.errors import Conflict, NotFound
from core.hub import Hub
from pipeline import check_findings, checks
from pipeline.check_findings import Finding
from schemas.published import Document
from tests.libraries.registry import Registry

STEWARD = Actor(operator="steward", department="public_security")
CODE, OTHER_CODE = "91350100M000100Y43", "91110000600037341L"
NUMBER, OTHER = "11010519491231002X", "440524188001010014"

#: an account at an employer that the register has as cancelled, by whom both name
EMPLOYER = """
check: employer_gone
version: 1.0.0
title: {zh: 单位已注销, en: The employer is gone}
remedy: {zh: 核实, en: Ask}
records:
  account: {dataset: account, where: {status: [open]}}
  firm: {dataset: firm, where: {status: [cancelled]}, of: account, subject: {role: firm, is: employer}}
absent:
  successor: {dataset: firm, where: {status: [existing]}, of: account, subject: {role: firm, is: employer}}
pair: [account, firm]
tell: [natural_resources]
"""
#: two open accounts of one number, told once; over an item both have
TWICE = """
check: twice
version: 1.0.0
title: 两个账户
remedy: 核实
dimension: accuracy
severity: error
records:
  one: {dataset: account, where: {status: [open]}, once: [account_no]}
  other: {dataset: account, where: {status: [open]}, of: one, same: holder_no, differs: account_no}
pair: [one, other]
"""
#: a change of somebody who is not called so, over a declared relationship
CHANGED = """
check: changed
version: 1.0.0
title: 更名而户籍未变
remedy: 核实
records:
  change: {dataset: change, where: {kind: [renamed], before: {empty: false}}}
  resident: {dataset: resident, of: change}
pair: [change, resident]
"""


@pytest.fixture
def registry(hub: Hub) -> Registry:
    """Accounts, firms and residents, and the three checks in force."""
    made = Registry(hub)
    made.publish(
        "account", "firm", "resident", "change", extra=[document(EMPLOYER), document(TWICE), document(CHANGED)]
    )
    made.put("firm", {"id": "F1", "code": CODE, "name": "一号茶业有限公司", "status": "cancelled"},
             {"id": "F2", "code": OTHER_CODE, "name": "二号茶业有限公司", "status": "existing"})  # fmt: skip
    made.put("account", account("1", CODE, "一号茶业有限公司"), account("2", OTHER_CODE, "二号茶业有限公司", number=OTHER),
             account("3", CODE, "一号茶业有限公司", status="void"))  # fmt: skip
    made.refresh()
    return made


def document(text: str) -> Document:
    """A check as a document."""
    id = text.split("check: ")[1].split("\n")[0]
    return Document("check", id, "1.0.0", text, f"{id}.yaml")


def account(key: str, code: str, employer: str, *, number: str = NUMBER, status: str = "open") -> dict[str, Any]:
    """One account."""
    return {
        "account_no": key, "holder_no": number, "holder_name": "李小明" if number == NUMBER else "王五", "employer_no": code,
        "employer_name": employer, "status": status,
    }  # fmt: skip


def found(hub: Hub, check: str | None = None, **narrowed: Any) -> list[Finding]:
    from schemas import published

    with hub.read() as connection:
        return check_findings.listed(connection, published.current(hub.home), check=check, **narrowed)


def test_what_does_not_fit_is_found_and_closes_by_itself(registry: Registry) -> None:
    hub = registry.hub
    ran = {one.check: one for one in checks.run(hub)}
    assert (ran["employer_gone"].open, ran["employer_gone"].opened) == (1, 1)
    (finding,) = found(hub, "employer_gone")
    assert (finding.first.dataset, finding.first.key, finding.second.key) == ("account", "1", "F1")
    assert finding.departments == ["market_supervision", "natural_resources", "provident_fund"]
    assert (finding.title.en, finding.dimension, finding.severity, finding.status) == (
        "The employer is gone", "consistency", "warning", "open",
    )  # fmt: skip
    registry.put("account", account("1", OTHER_CODE, "二号茶业有限公司"))
    registry.refresh()
    ran = {one.check: one for one in checks.run(hub)}
    assert (ran["employer_gone"].open, ran["employer_gone"].closed) == (0, 1)
    assert not found(hub, "employer_gone")
    (closed,) = found(hub, "employer_gone", status="closed")
    assert closed.closed_at is not None and closed.first_seen == finding.first_seen
    registry.put("account", account("1", CODE, "一号茶业有限公司"))
    registry.refresh()
    checks.run(hub)
    (again,) = found(hub, "employer_gone")
    assert (again.id, again.closed_at) == (finding.id, None)


def test_what_must_not_be_there_is_looked_for(registry: Registry) -> None:
    registry.put("firm", {"id": "F3", "code": CODE, "name": "一号茶业有限公司", "status": "existing"})
    registry.refresh()
    checks.run(registry.hub)
    assert not found(registry.hub, "employer_gone")


def test_two_records_of_one_dataset_are_told_once(registry: Registry) -> None:
    registry.put("account", account("4", CODE, "一号茶业有限公司"))
    checks.run(registry.hub)
    (finding,) = found(registry.hub, "twice")
    assert {finding.first.key, finding.second.key} == {"1", "4"}


def test_records_are_joined_over_a_declared_relationship(registry: Registry) -> None:
    registry.put("resident", {"id": "R1", "number": NUMBER, "name": "李小明"})
    registry.put("change", {"change_id": "C1", "person_id": "R1", "kind": "renamed", "before": "李明"},
                 {"change_id": "C2", "person_id": "R1", "kind": "renamed"},
                 {"change_id": "C3", "person_id": "R2", "kind": "renamed", "before": "李明"})  # fmt: skip
    checks.run(registry.hub)
    assert [(one.first.key, one.second.key) for one in found(registry.hub, "changed")] == [("C1", "R1")]


def test_a_check_runs_again_only_when_something_has_changed(registry: Registry) -> None:
    hub = registry.hub
    checks.run(hub)
    assert {one.skipped for one in checks.run(hub)} == {"unchanged"}
    assert {one.skipped for one in checks.run(hub, every=True)} == {None}
    registry.put("account", account("9", CODE, "一号茶业有限公司", number=OTHER))
    registry.refresh()  # whom the new account names is known now, and the refresh says so
    ran = {one.check: one for one in checks.run(hub)}
    assert ran["employer_gone"].open == 2
    registry.publish(
        extra=[
            document(
                EMPLOYER.replace("[cancelled]", "[cancelled, existing]").split("absent:")[0] + "pair: [account, firm]\n"
            )
        ]
    )
    ran = {one.check: one for one in checks.run(hub)}
    assert (ran["employer_gone"].open, ran["twice"].skipped) == (3, "unchanged")


def test_a_finding_is_in_the_lists_of_both_departments_only(registry: Registry) -> None:
    checks.run(registry.hub)
    for department, count in (
        ("provident_fund", 1),
        ("market_supervision", 1),
        ("natural_resources", 1),
        ("housing", 0),
    ):
        assert len(found(registry.hub, "employer_gone", department=department)) == count, department


def test_a_check_no_longer_in_force_closes_its_findings(registry: Registry) -> None:
    from schemas import published

    checks.run(registry.hub)
    with registry.hub.begin() as connection:
        published.withdraw(connection, "check", "employer_gone", SYSTEM)
    publication.repair(registry.hub)
    checks.run(registry.hub)
    (closed,) = found(registry.hub, "employer_gone", status=None)
    assert closed.status == "closed"


def test_a_person_sets_a_finding_aside_and_takes_it_back(registry: Registry) -> None:
    hub = registry.hub
    checks.run(hub)
    (finding,) = found(hub, "employer_gone")
    with hub.begin() as connection, pytest.raises(NotFound):
        check_findings.dismiss(connection, finding.id, reason="核实", actor=STEWARD, department="housing")
    with hub.begin() as connection:
        made = check_findings.dismiss(
            connection, finding.id, reason="分公司承接", actor=STEWARD, department="provident_fund"
        )
    assert not found(hub, "employer_gone") and len(found(hub, "employer_gone", status="dismissed")) == 1
    with hub.begin() as connection, pytest.raises(Conflict):
        check_findings.dismiss(connection, finding.id, reason="再次", actor=STEWARD)
    checks.run(hub, every=True)
    assert not found(hub, "employer_gone")  # that it still holds does not open it again
    with hub.begin() as connection:
        decisions.undo(connection, made.id, reason="核实有误", actor=STEWARD)
    assert len(found(hub, "employer_gone")) == 1


@pytest.mark.parametrize("act", [check_findings.dismiss, check_findings.restore])
def test_of_two_who_decide_on_a_finding_at_once_one_is_told(registry: Registry, act: Any) -> None:
    hub = registry.hub
    checks.run(hub)
    (finding,) = found(hub, "employer_gone")

    def decide() -> None:
        with hub.begin() as connection:
            act(connection, finding.id, reason="核实", actor=STEWARD)

    if act is check_findings.restore:
        with hub.begin() as connection:
            check_findings.dismiss(connection, finding.id, reason="分公司承接", actor=STEWARD)
    with ThreadPoolExecutor(1) as workers:
        with hub.begin() as connection:
            act(connection, finding.id, reason="核实", actor=STEWARD)
            second = workers.submit(decide)
            time.sleep(0.3)
            assert not second.done()
        with pytest.raises(Conflict):
            second.result(30)


def test_a_dismissal_ends_with_what_it_was_of(registry: Registry) -> None:
    """A finding that went and comes back is looked at anew, whatever was judged of it then."""
    hub = registry.hub
    checks.run(hub)
    (finding,) = found(hub, "employer_gone")
    with hub.begin() as connection:
        check_findings.dismiss(connection, finding.id, reason="分公司承接", actor=STEWARD)
    for employer, name in ((OTHER_CODE, "二号茶业有限公司"), (CODE, "一号茶业有限公司")):
        registry.put("account", account("1", employer, name))
        registry.refresh()
        checks.run(hub)
    (again,) = found(hub, "employer_gone")
    assert (again.id, again.first_seen) == (finding.id, finding.first_seen) and again.opened_at > finding.opened_at
    with hub.begin() as connection:
        check_findings.dismiss(connection, finding.id, reason="仍由分公司承接", actor=STEWARD)
    checks.run(hub, every=True)
    assert not found(hub, "employer_gone")


def test_nothing_is_missed_until_it_could_have_come(registry: Registry) -> None:
    """What must not be there is not said to be missing while its dataset has not come; findings of before stay."""
    unknown = """
check: nobody
version: 1.0.0
title: 开户人不在户籍
remedy: 核实
records:
  account: {dataset: account, where: {status: [open]}}
  firm: {dataset: firm, of: account, subject: {role: firm, is: employer}}
absent:
  resident: {dataset: resident, of: account, subject: {role: resident, is: holder}}
pair: [account, firm]
"""
    registry.publish(extra=[document(unknown)])
    hub = registry.hub
    (ran,) = checks.run(hub, ["nobody"])
    assert (ran.skipped, ran.open) == ("no_data", 0)
    registry.put("resident", {"id": "R1", "number": NUMBER, "name": "李小明"})
    registry.refresh()
    (ran,) = checks.run(hub, ["nobody"])
    assert (ran.skipped, ran.open) == (None, 1)  # the other account's holder
    registry.remove("resident", {"id": "R1", "number": NUMBER, "name": "李小明"})
    (ran,) = checks.run(hub, ["nobody"])
    assert (ran.skipped, ran.open) == ("no_data", 1)


def test_links_changed_by_a_refresh_that_was_killed_count(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its chunks are committed, its event is not; the next refresh finds nothing left to do."""
    from libraries import golden

    hub = registry.hub
    checks.run(hub)
    assert len(found(hub, "employer_gone")) == 1
    registry.put("account", account("1", CODE, "无名茶业有限公司"))  # nobody the register knows
    checks.run(hub)  # before the refresh: whom the account names is not known

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(golden, "_settle", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.refresh()
    registry.refresh()
    assert {one.skipped for one in checks.run(hub) if one.check == "employer_gone"} == {None}


def test_a_broken_check_takes_down_only_itself(registry: Registry) -> None:
    hub = registry.hub
    broken = EMPLOYER.replace("employer_gone", "broken").replace("role: firm", "role: nobody")
    with hub.begin() as connection:
        from schemas import published

        published.publish(
            connection,
            [document(broken), document(EMPLOYER.replace("employer_gone", "early").replace(": firm,", ": later,"))],
            SYSTEM,
        )
    publication.repair(hub)
    ran = {one.check: one for one in checks.run(hub)}
    assert ran["broken"].skipped == "broken" and ran["broken"].error is not None
    assert (ran["early"].skipped, ran["employer_gone"].open) == ("no_dataset", 1)


def test_a_personal_key_is_masked(registry: Registry) -> None:
    from tests.libraries.registry import contract_text

    text = contract_text("account").replace(
        "{name: account_no, logicalType: string,", "{name: account_no, logicalType: string, classification: personal,"
    )
    registry.publish(
        extra=[
            Document("contract", "account", "1.0.1", text.replace("version: 1.0.0", "version: 1.0.1"), "account.yaml")
        ]
    )
    checks.run(registry.hub)
    (finding,) = found(registry.hub, "employer_gone")
    assert "1" not in finding.first.key and finding.second.key == "F1"


def test_absent_records_joined_to_one_another_must_not_be_there_together(registry: Registry) -> None:
    alone = """
check: nobody_known
version: 1.0.0
title: 单位没有一名在册职工
remedy: 核实
records:
  firm: {dataset: firm, where: {status: [cancelled]}}
  account: {dataset: account, of: firm, subject: {role: employer, is: firm}}
absent:
  colleague: {dataset: account, of: firm, subject: {role: employer, is: firm}}
  resident: {dataset: resident, of: colleague, subject: {role: resident, is: holder}}
pair: [firm, account]
"""
    registry.publish(extra=[document(alone)])
    registry.put("resident", {"id": "R2", "number": OTHER, "name": "王五"})  # somebody else's employee
    registry.refresh()
    checks.run(registry.hub)
    assert {one.second.key for one in found(registry.hub, "nobody_known")} == {"1", "3"}
    registry.put("resident", {"id": "R1", "number": NUMBER, "name": "李小明"})
    registry.refresh()
    checks.run(registry.hub)
    assert not found(registry.hub, "nobody_known")
