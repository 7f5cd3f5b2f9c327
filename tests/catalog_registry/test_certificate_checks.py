"""A certificate document that is wrong is refused with its place and the near miss."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog_registry.certificate_checks import check, load
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
        ("{status: [normal]}", "{status: [nornal]}", "facts.normal.where.status.in", "normal"),
        ("{status: [normal]}", "{state: [normal]}", "facts.normal.where.state", "status"),
        ("max: paid_to", "max: paid_too", "facts.paid_to.max", "paid_to"),
        ("$months months, below", "$month months, below", "facts.months.where.paid_for.at_least", "months"),
        ("below: this_month", "below: 5", "facts.months.where.paid_for.below", ""),
        ("{status: [normal]}", "{status: {above: 5}}", "facts.normal.where.status.above", "in"),
        ("when: {transfers: {above: 0}}", "when: {transfer: {above: 0}}", "outcomes[1].when.transfer", "transfers"),
        ("when: {transfers: {above: 0}}", "when: {statuses: {above: 0}}", "outcomes[1].when.statuses", "count"),
        ("when: {transfers: {above: 0}}, ", "", "outcomes[1].when", ""),
        ("state: not_held, proved: false", "state: not_held, proved: false, needs_complete: false", "outcomes[5]", ""),
        ("{dataset: fund_account, role: holder}", "{dataset: fund_account, of: movements}", "branches.accounts.of", ""),
    ],
)  # fmt: skip
def test_refusals(old: str, new: str, place: str, remedy: str) -> None:
    assert old in FUND
    with pytest.raises(DocumentRefused) as refused:
        judge(FUND.replace(old, new, 1))
    assert refused.value.path == place
    assert remedy in str(refused.value.remedy)
