"""Words that narrow a list: one that nothing goes by is refused with the near miss, not answered with an empty list.

What is in force no more and left something in the lists is known still. A refusal does not repeat the word: it could be anything.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, text

from core.errors import Invalid
from core.hub import Hub
from core.text import T
from pipeline import mapping
from pipeline.worklist import Filter
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.derive import expectations
from schemas.document import near
from schemas.published import current


def require(word: str | None, known: Collection[str], what: T, at: str) -> None:
    """Raises Invalid when a filter was given that is none of the known words; `at` is its name."""
    if word is not None and word not in known:
        raise Invalid(
            T(f"没有这个{what.zh}。", f"There is no such {what.en}."), remedy=near(word, known), pointer=f"/{at}"
        )


def feed(hub: Hub, connection: Connection, word: str | None) -> None:
    """A feed in force, or one that has had batches."""
    known = mapping.feed_ids(current(hub.home))
    _require(connection, word, known, "hub.batch WHERE feed = :word", T("采集任务", "feed"), "feed")


def system(hub: Hub, connection: Connection, word: str | None) -> None:
    """A connected system, or one that has had batches."""
    known = current(hub.home).texts("system")
    _require(connection, word, known, "hub.batch WHERE system = :word", T("系统", "system"), "system")


def dataset(hub: Hub, connection: Connection, word: str | None) -> None:
    """A dataset in force, or one that has had batches."""
    known = current(hub.home).texts("contract")
    _require(connection, word, known, "hub.batch WHERE dataset = :word", T("资源", "dataset"), "dataset")


def department(hub: Hub, connection: Connection, word: str | None) -> None:
    """A registered department, or one that has had grants or findings."""
    known = current(hub.home).texts("department")
    left = (
        "(SELECT department FROM hub.access_grant UNION ALL SELECT unnest(departments) FROM hub.check_finding) d "
        "WHERE department = :word"
    )
    _require(connection, word, known, left, T("部门", "department"), "department")


def check(hub: Hub, connection: Connection, word: str | None) -> None:
    """A check in force, or one that has findings."""
    known = current(hub.home).texts("check")
    _require(connection, word, known, "hub.check_finding WHERE check_id = :word", T("核对项", "check"), "check")


def waiting(hub: Hub, connection: Connection, which: Filter) -> None:
    """The words of a filter of the work list: a dataset, a system, and a rule or an item that has left findings, or that a
    contract in force has."""
    dataset(hub, connection, which.dataset)
    system(hub, connection, which.system)
    for at, word, what, of in (
        ("rule", which.rule, T("规则", "rule"), expectations.rules),
        ("item", which.item, T("信息项", "item"), _items),
    ):
        # asked first: a city's 2,000 contracts are compiled only for a word that nothing was found by
        if word is not None and not _left(connection, word, f"hub.finding WHERE {at} = :word"):
            contracts = current(hub.home).contracts
            only = contracts.get(which.dataset) if which.dataset else None
            chosen = contracts.values() if only is None else [only]
            require(word, {each for contract in chosen for each in of(contract)}, what, at)


def _items(contract: Contract) -> Collection[str]:
    return {key_rules.ITEM, *(item.name for item in contract.items)}


def _require(connection: Connection, word: str | None, known: Collection[str], left: str, what: T, at: str) -> None:
    """`require`, but for what has left something: rows of a table with a condition."""
    if word is not None and word not in known and not _left(connection, word, left):
        require(word, known, what, at)


def _left(connection: Connection, word: str, left: str) -> bool:
    return bool(connection.execute(text(f"SELECT EXISTS (SELECT FROM {left})"), {"word": word}).scalar_one())
