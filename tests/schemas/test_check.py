"""A check document: what it says wrongly is refused with its place, before anything runs."""

from __future__ import annotations

import pytest

from core.errors import DocumentRefused
from schemas import check, contract
from schemas.document import read
from tests.libraries.registry import SHIPPED, contract_text
from tests.pipeline.test_checks import EMPLOYER

CONTRACTS = {id: contract.load(contract_text(id)) for id in ("account", "firm")}
DEPARTMENTS = ("natural_resources", "provident_fund")


@pytest.mark.parametrize(
    ("before", "after", "path", "near"),
    [
        ("role: firm", "role: firms", "records.firm.subject.role", "firm"),
        ("role: firm, is: employer", "role: firm, is: holder", "records.firm.subject", "contributes"),
        ("status: [cancelled]", "state: [cancelled]", "records.firm.where.state", "status"),
        ("status: [open]", "status: [opened]", "records.account.where.status.in", "open"),
        ("of: account, subject: {role: firm, is: employer}}\nabsent", "of: accounts, subject: {role: firm, is: employer}}\nabsent",
         "records.firm.of", "account"),
        (", of: account, subject: {role: firm, is: employer}}\nabsent", "}\nabsent", "records.firm.of", "account"),
        (", subject: {role: firm, is: employer}}\nabsent", "}\nabsent", "records.firm.via", "relationships"),
        ("subject: {role: firm, is: employer}}\nabsent", "same: code}\nabsent", "records.firm.same", "via"),
        ("pair: [account, firm]", "pair: [account, successor]", "pair[1]", "firm"),
        ("pair: [account, firm]", "pair: [firm, firm]", "pair[0]", "account"),
        ("[natural_resources]", "[natural_resource]", "tell[0]", "natural_resources"),
        ("status: [cancelled]", "status: {at_least: $days}", "records.firm.where.status.at_least", "today"),
        ("remedy:", "remedies:", "remedies", "remedy"),
    ],
)  # fmt: skip
def test_a_wrong_check_is_refused_with_its_place(before: str, after: str, path: str, near: str) -> None:
    assert before in EMPLOYER
    with pytest.raises(DocumentRefused) as refused:
        said = EMPLOYER.replace(before, after, 1)
        check.hold(check.load(said), CONTRACTS, DEPARTMENTS, read(said))
    assert refused.value.path == path
    assert near in str(refused.value.remedy.en)  # type: ignore[union-attr]


@pytest.mark.parametrize("id", SHIPPED.texts("check"))
def test_a_shipped_check_fits_the_shipped_contracts(id: str) -> None:
    text = SHIPPED.texts("check")[id]
    made = check.load(text)
    assert made.check == id
    check.hold(made, SHIPPED.contracts, SHIPPED.departments, read(text))
    assert made.title.zh != made.title.en and made.remedy.zh != made.remedy.en
