"""A certificate document that is wrong is refused with its place and the near miss."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog_registry.certificate_checks import check, in_force, load
from core.errors import DocumentRefused
from schemas import contract
from schemas.document import read

SHIPPED = sorted(Path("schemas/certificates").glob("*.yaml"))
CONTRACTS = {
    made.id: made for made in (contract.load(path) for path in Path("schemas/contracts").glob("*/*.odcs.yaml"))
}
FUND = Path("schemas/certificates/fund_contributions.yaml").read_text("utf-8")


def judge(text: str) -> None:
    check(load(text), CONTRACTS, read(text))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_types_fit_the_shipped_contracts(path: Path) -> None:
    judge(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("old", "new", "place", "remedy"),
    [
        ("outcomes:", "outcome:", "outcome", "outcomes"),
        ("of: accounts", "of: acounts", "branches.movements.of", "accounts"),
        ("dataset: fund_movement", "dataset: fund_loan", "branches.movements.via", "relationships"),
        ("role: holder", "role: holders", "branches.accounts.role", "holder"),
        ("{status: [normal, frozen, other]}", "{status: [nornal]}", "facts.live.where.status.in", "normal"),
        ("{status: [normal, frozen, other]}", "{state: [normal]}", "facts.live.where.state", "status"),
        ("max: paid_to", "max: paid_too", "facts.paid_to.max", "paid_to"),
        ("$months months, below", "$month months, below", "facts.months.where.paid_for.at_least", "months"),
        ("below: this_month", "below: 5", "facts.months.where.paid_for.below", ""),
        ("{status: [normal, frozen, other]}", "{status: {above: 5}}", "facts.live.where.status.above", "in"),
        ("when: {transfers: {above: 0}}", "when: {transfer: {above: 0}}", "outcomes[3].when.transfer", "transfers"),
        ("when: {transfers: {above: 0}}", "when: {statuses: {above: 0}}", "outcomes[3].when.statuses", "count"),
        ("when: {transfers: {above: 0}}, ", "", "outcomes[3].when", ""),
        ("state: not_held, proved: false", "state: not_held, proved: false, needs_complete: false", "outcomes[8]", ""),
        ("{dataset: fund_account, role: holder}", "{dataset: fund_account, of: movements}", "branches.accounts.of", ""),
    ],
)  # fmt: skip
def test_refusals(old: str, new: str, place: str, remedy: str) -> None:
    assert old in FUND
    with pytest.raises(DocumentRefused) as refused:
        judge(FUND.replace(old, new, 1))
    assert refused.value.path == place
    assert remedy in str(refused.value.remedy)


TITLE = Path("schemas/certificates/title_limits.yaml").read_text("utf-8")
HOUSEHOLD = Path("schemas/certificates/same_household.yaml").read_text("utf-8")
EACH = Path("schemas/certificates/household_homes.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "remedy"),
    [
        (FUND, "{matches: $counting}", "{at_least: $counting}", "facts.months.where.kind.at_least", "matches"),
        (FUND, "base: {at_least: $base}", "base: {matches: $base}", "outcomes[0].when.base.matches", "at_least"),
        (FUND, "{matches: $counting}", "{matches: $count}", "facts.months.where.kind.matches", "counting"),
        (FUND, "default: contributions", "default: everything", "parameters.counting", ""),
        (TITLE, "number: [certificate_no, unit_no]", "number: [certificate]", "branches.titles.number", "certificate_no"),
        (TITLE, ", named: holder, where: {status: [current]}", "", "branches.titles", ""),
        (TITLE, "named: holder", "named: owner", "branches.titles.named", "holder"),
        (TITLE, "via: [unit_no, right_id]", "via: [unit_no, limit_id]", "branches.limits.via", "right_id"),
        (HOUSEHOLD, "who: other", "who: others", "branches.shared.who", "other"),
        (HOUSEHOLD, "least: 1", "least: 0", "declared.other.least", "least: 1"),
        (HOUSEHOLD, "branch: mine, item: household_no", "branch: shared, item: household_no", "branches.shared.of", ""),
        (HOUSEHOLD, "item: household_no", "item: household", "branches.shared.same.item", "household_no"),
        (HOUSEHOLD, "subject: person", "subject: persons", "subject[0]", ""),
    ],
)  # fmt: skip
def test_refusals_of_what_is_declared_chosen_and_joined(text: str, old: str, new: str, place: str, remedy: str) -> None:
    assert old in text
    with pytest.raises(DocumentRefused) as refused:
        judge(text.replace(old, new, 1))
    assert refused.value.path == place
    assert remedy in str(refused.value.remedy)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("limits, count: true}\noutcomes", "limits, sum: claim}\noutcomes", "facts.limits.sum"),
        ("where: {kind: [mortgage]}", "where: {claim: {above: 5}}", "facts.mortgaged.where"),
        ("right_id], where: {status: [current]}", "right_id], where: {claim: null}", "branches.limits.where"),
    ],
)
def test_no_answer_hangs_on_a_value_that_may_be_left_out(old: str, new: str, place: str) -> None:
    assert old in TITLE
    assert "claim" in CONTRACTS["real_estate_limit"].unkept
    with pytest.raises(DocumentRefused) as refused:
        judge(TITLE.replace(old, new, 1))
    assert refused.value.path == place
    assert "keepValue" in str(refused.value.remedy)


@pytest.mark.parametrize(
    ("each", "texts"),
    [("no_home", {"no_home_in_city": FUND}), ("credit_check", {}), ("same_household", {}), ("tax_paid", {})],
)
def test_a_type_answered_by_another_needs_one_that_fits(each: str, texts: dict[str, str]) -> None:
    known = {path.stem: path.read_text("utf-8") for path in SHIPPED} | texts
    known["household_homes"] = EACH.replace("each: no_home_in_city", f"each: {each}")
    with pytest.raises(DocumentRefused) as refused:
        in_force(known, "household_homes")
    assert refused.value.path == "each"


def test_a_type_says_one_thing() -> None:
    for text in (
        EACH + "authority: 民政部门\n",
        EACH.replace("each: no_home_in_city", ""),
        EACH[: EACH.index("declared:")] + "each: x\n",
    ):
        with pytest.raises(DocumentRefused):
            load(text)
