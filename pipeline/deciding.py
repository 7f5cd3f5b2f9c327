"""Acts of a person on waiting rows. Each is a decision, with a reason, undone by another one; a replay brings it about.

A bulk act is one decision about many rows of one dataset. It says how many rows its maker has seen, and is refused when
there are others by now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import clock, decisions
from core.actor import Actor
from core.decisions import Decision
from core.errors import Conflict, Forbidden, Invalid, NotFound, Outdated
from core.hub import Hub
from core.text import T
from pipeline import cases, definition, mapping, replayed, taking_back, trying, worklist
from pipeline.cases import DISMISS, EXCUSE, FIX, Case, Wanted
from pipeline.trying import Tried
from pipeline.worklist import Filter
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.document import near
from schemas.published import Published, current

Row = tuple[UUID, int]
#: the datasets that an actor may decide on; None for every one
Scope = Sequence[str] | None
#: rules of the key that a person may settle: which of two versions counts. The others leave nothing to keep a row by
_KEY_RULES = frozenset({key_rules.CONFLICT.code})
MOST = 200_000  # rows of one act
MANY = 1_000  # rows that change how a table is best read
LONGEST_EXCUSE = 366  # days


def check(hub: Hub, connection: Connection, row: Row, edits: Mapping[str, str | None]) -> Tried:
    """What would still be wrong with a row if these items read so; what was decided on it before counts too. Nothing is
    kept. Raises NotFound, Conflict for a closed case and for a key that the row cannot have, as the fix itself would be
    refused, Invalid for edits that cannot be."""
    case = cases.get(connection, *row)
    cases.require_open_to_decisions(case)
    found = definition.current(hub, case.feed)
    trying.check_edits(found.contract, found.feed, edits)
    feed = mapping.decided(connection, found.feed, decisions.NOW)
    wish = _wish(hub, connection, case)
    edits = {**wish.edits, **edits}
    (tried,) = trying.as_wanted(hub, found.contract, feed, [case], [Wanted("fixed", edits, wish.excused)])
    if not tried.errors:
        _same_record(connection, found.contract, case, tried)
    return tried


def fix(
    hub: Hub, connection: Connection, row: Row, edits: Mapping[str, str | None], *, reason: str, actor: Actor,
    version: str | None = None, scope: Scope = None,
) -> Decision:  # fmt: skip
    """Correct cells of a row: item → what the source should have written. Raises Invalid with all that is still wrong."""
    case = _locked(hub, connection, row, version, scope)
    tried = check(hub, connection, row, edits)
    if tried.errors:
        raise still_wrong(hub, case, tried)
    return _record(connection, FIX, [(*row, case.dataset)], reason, actor, {"set": dict(edits)})[0]


def _same_record(connection: Connection, contract: Contract, case: Case, tried: Tried) -> None:
    """Raises Conflict when a row would be another record's, by its own key or by one it had not."""
    trying.same_record(case, tried)
    if case.key is None and (tried.key is None or not taking_back.is_free(connection, contract, case, tried.key)):
        raise Conflict(
            T("该主键已属于另一条记录。", "The key is another record's."),
            remedy=T("核对主键;确为同一记录的,忽略该行。", "Check the key; dismiss the row if it is the same record."),
        )


def still_wrong(hub: Hub, case: Case, tried: Tried) -> Invalid:
    """The refusal of a fix that leaves errors: which items break which rules, and what to do; never a value."""
    contract = current(hub.home).contracts.get(case.dataset)
    listed = []
    for wrong in tried.errors:
        words = worklist.described(contract, wrong.item, wrong.rule)
        listed.append(
            {
                "pointer": f"/set/{wrong.item}", "item": wrong.item, "rule": wrong.rule,
                "detail": words.get("message", wrong.rule), "detail_en": words.get("message_en", wrong.rule),
            }
        )  # fmt: skip
    names = "、".join(f"{one['item']}:{one['detail']}" for one in listed)
    named = "; ".join(f"{one['item']}: {one['detail_en']}" for one in listed)
    return Invalid(
        T(f"修正后仍有错误:{names}。", f"Still wrong after the fix: {named}."),
        remedy=T("一并修正这些信息项,或先豁免相应规则。", "Correct these items too, or excuse the rules first."),
        errors=listed,
    )


def excuse(
    hub: Hub, connection: Connection, rows: Sequence[Row] | Filter, rules: Sequence[str], until: date, *, reason: str,
    actor: Actor, expected: int | None = None, version: str | None = None, scope: Scope = None,
) -> list[Decision]:  # fmt: skip
    """Let rows in although they break the named rules (`rule`, or `item:rule`), until a day. What other rules say still
    stops them. Raises Invalid for a rule of the key, an unknown one, or a day that has passed or is far away."""
    today = clock.today(hub.settings.timezone)
    if not today <= until or (until - today).days > LONGEST_EXCUSE:
        raise Invalid(
            T("豁免截止日应在今天至一年之内。", "An excuse ends between today and a year from now."), pointer="/until"
        )
    if not rules:
        raise Invalid(T("没有写明豁免哪些规则。", "No rule to excuse is named."), pointer="/rules")
    chosen = _chosen(hub, connection, rows, expected, version, scope)
    known = connection.execute(
        text(
            "SELECT DISTINCT item, rule FROM hub.finding JOIN unnest(CAST(:batches AS uuid[]), CAST(:rows AS bigint[])) "
            "AS c (batch_id, row_no) USING (batch_id, row_no) WHERE severity = 'error'"
        ),
        {"batches": [batch for batch, _, _ in chosen], "rows": [row for _, row, _ in chosen]},
    ).all()
    for rule in rules:
        found = [(item, code) for item, code in known if rule in (code, f"{item}:{code}")]
        if not found:
            raise Invalid(
                T("这些行都不违反这条规则。", "None of these rows breaks this rule."),
                remedy=T("写明发现的规则代码,或 信息项:规则。", "Name the rule as the finding does, or item:rule."),
                pointer="/rules",
            )
        if any(item == key_rules.ITEM and code not in _KEY_RULES for item, code in found):
            raise Invalid(
                T("主键与操作标识的规则不能豁免。", "Rules of the key and of the flag cannot be excused."),
                remedy=T("请来源补全,或补上主键。", "Ask the source for it, or fix the key."),
                pointer="/rules",
            )
    return _record(connection, EXCUSE, chosen, reason, actor, {"rules": sorted(rules), "until": until.isoformat()})


def dismiss(
    hub: Hub, connection: Connection, rows: Sequence[Row] | Filter, *, reason: str, actor: Actor,
    expected: int | None = None, version: str | None = None, scope: Scope = None,
) -> list[Decision]:  # fmt: skip
    """Put rows aside: they are not to be kept, and nobody need look at them again while the source says the same."""
    made = _record(connection, DISMISS, _chosen(hub, connection, rows, expected, version, scope), reason, actor, {})
    settle(hub, connection, [one.id for one in made])
    return made


def settle(hub: Hub, connection: Connection, made: Sequence[UUID]) -> None:
    """The statuses that follow from decisions without touching a library: put aside, and waiting again."""
    feeds = connection.execute(
        text("SELECT DISTINCT q.feed FROM hub.decided_row r JOIN hub.quarantine q USING (batch_id, row_no) WHERE r.decision = ANY(:ids)"),
        {"ids": list(made)},
    ).scalars()  # fmt: skip
    for feed in feeds.all():
        _put_aside(hub, connection, cases.of_feed(connection, feed, {}, made))


def settle_upto(hub: Hub, feed: str, upto: int) -> None:
    """Those statuses for a whole feed, as decided until number `upto`: before a batch is made again."""
    with hub.begin() as connection:
        _put_aside(hub, connection, cases.of_feed(connection, feed, {}, upto=upto))


def _put_aside(hub: Hub, connection: Connection, found: Sequence[Case]) -> None:
    statuses = cases.put_aside([(case, _wished(hub, case, {})) for case in found])
    replayed.set_status(connection, statuses, clock.now())


def _wish(hub: Hub, connection: Connection, case: Case) -> Wanted:
    return _wished(hub, case, mapping.in_force(connection, case.feed))


def _wished(hub: Hub, case: Case, maps: Mapping[str, Mapping[str, Decision]]) -> Wanted:
    zone = hub.settings.timezone
    return cases.wanted(case, maps, clock.today(zone), zone)


def _locked(hub: Hub, connection: Connection, row: Row, expected: str | None, scope: Scope) -> Case:
    """The case, held until the transaction ends. Raises Outdated when it is not as its reader saw it."""
    case = cases.get(connection, *row, lock=True)
    require_scope(scope, case.dataset)
    cases.require_open_to_decisions(case)
    if expected is not None:
        seen = worklist.version(worklist.one(connection, current(hub.home), *row))
        if seen != expected:
            raise Outdated(
                T("该行已有新的处理。", "Something has been decided on the row, or become of it, since."),
                remedy=T("重新查看后再处理。", "Look at it again, then decide."),
            )
    return case


def _chosen(
    hub: Hub,
    connection: Connection,
    rows: Sequence[Row] | Filter,
    expected: int | None,
    version: str | None,
    scope: Scope,
) -> list[tuple[UUID, int, str]]:
    """The rows an act is about, held until the transaction ends. Raises Conflict when they are not as many as expected."""
    if not isinstance(rows, Filter):
        if len(rows) != len(set(rows)) or (expected is not None and len(rows) != expected):
            raise Conflict(T("行数与预期不符,或有重复。", "Not as many rows as expected, or some appear twice."))
        if version is not None and len(rows) != 1:
            raise _one_version()
        return [(*row, _locked(hub, connection, row, version, scope).dataset) for row in sorted(rows)]
    if version is not None:
        raise _one_version()
    rows = replace(rows.within(scope), decided=False)
    if worklist.count(connection, rows) > MOST:
        raise Invalid(T(f"一次至多 {MOST:,} 行。", f"At most {MOST:,} rows at once."), pointer="/filter")
    held = set(worklist.ids(connection, rows, lock=True))
    # who held one of them until now may have decided on it: only what still meets the filter, once all are held, counts
    chosen = [row for row in worklist.ids(connection, rows) if row in held]
    if len(chosen) != expected:
        raise _others(chosen, worklist.count(connection, replace(rows, decided=True)))
    if not chosen:
        raise NotFound(T("没有符合条件的行。", "No row meets this."))
    return chosen


def _one_version() -> Invalid:
    return Invalid(
        T("版本(If-Match)只用于一行。", "A version (If-Match) is one row's."),
        remedy=T("多行请写明预期行数。", "For several rows say how many are expected."), pointer="/rows",
    )  # fmt: skip


def _others(chosen: Sequence[Any], decided: int) -> Conflict:
    """The refusal of a bulk act that would meet others than its maker has seen."""
    besides = T(
        f"(另有 {decided:,} 行已作决定,待重放,不在其内)",
        f", besides {decided:,} decided on already, which wait for a replay",
    )
    aside = besides if decided else T("", "")
    return Conflict(
        T(
            f"符合条件的有 {len(chosen):,} 行{aside.zh},与预期不符。",
            f"{len(chosen):,} rows meet this{aside.en}: not as many as expected.",
        ),
        remedy=T(f"核对后以预期行数 {len(chosen)} 重试。", f"Look at them, then try again expecting {len(chosen)}."),
    )


def _record(
    connection: Connection, kind: str, chosen: Sequence[tuple[UUID, int, str]], reason: str, actor: Actor,
    body: dict[str, Any],
) -> list[Decision]:  # fmt: skip
    """One decision for each dataset, and the rows it is about."""
    by_dataset: dict[str, list[Row]] = defaultdict(list)
    for batch, row, dataset in chosen:
        by_dataset[dataset].append((batch, row))
    made = []
    for dataset, rows in sorted(by_dataset.items()):
        batch_id, row_no = rows[0] if len(rows) == 1 else (None, None)
        one = decisions.record(
            connection,
            kind,
            dataset,
            reason=reason,
            actor=actor,
            body=body | {"count": len(rows)},
            batch_id=batch_id,
            row_no=row_no,
        )
        connection.execute(
            text(
                "INSERT INTO hub.decided_row (decision, batch_id, row_no) "
                "SELECT :decision, * FROM unnest(CAST(:batches AS uuid[]), CAST(:rows AS bigint[]))"
            ),
            {"decision": one.id, "batches": [batch for batch, _ in rows], "rows": [row for _, row in rows]},
        )
        made.append(one)
    if len(chosen) > MANY:
        connection.execute(text("ANALYZE hub.decided_row"))  # the planner would take it for as small as it was
    return made


def require_feed(published: Published, scope: Scope, feed: str) -> None:
    """Raises NotFound for a feed that is not in force, with those a reader may mean; Forbidden for one outside their scope."""
    known, dataset = mapping.feed_ids(published), feed.rpartition(".")[2]
    if feed not in known:
        own = [one for one in known if scope is None or one.rpartition(".")[2] in scope]
        raise NotFound(
            T(f"没有采集任务 {feed}。", f"There is no feed {feed}."),
            remedy=near(feed, own) if own else T("没有归您处理的采集任务。", "No feed is yours to act on."),
        )
    require_scope(scope, dataset)


def require_scope(scope: Scope, dataset: str) -> None:
    """Raises Forbidden for a dataset outside a reader's scope (None: every one is inside)."""
    if scope is not None and dataset not in scope:
        raise Forbidden(
            T("数据属于其他部门。", "The data is another department's."),
            remedy=T("由该部门的数据专员或管理员处理。", "Its own steward or an administrator may."),
        )
