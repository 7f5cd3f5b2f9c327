"""Why a golden record says what it says of one attribute: the claim that decides, since when, and every other claim with the
reason it does not.

Nothing of this is stored: it is what the records and links say now, by the rules that made the golden record (libraries/
claims.py), so it cannot differ from them. First and last seen come from the record's versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from core.text import T
from libraries import claims, gather, linking, records, withholding
from libraries.rules import Giver, Rules
from libraries.versions import Version, versions
from schemas.published import Published

REASONS: Mapping[str, T] = {
    "decides": T("采用", "decides"),
    "agrees": T("与采用值一致", "agrees"),
    "kept": T("一并保留(该属性保留全部不同值)", "kept as well (the attribute keeps every distinct value)"),
    "masked": T("在来源处已脱敏", "masked at the source"),
    "lower_authority": T("来源的权威次序较低", "from a lower authority"),
    "derived": T(
        "由其他属性推得,不及直接给出的值", "derived from another attribute, which counts less than a value given"
    ),
    "older": T("同级来源中业务日期较早", "of equal authority, valid from an earlier day"),
    "known_earlier": T("同级来源中获知较早", "of equal authority, learned earlier"),
    "equal": T("与采用值不分先后,按文字次序未取", "nothing tells it from the one that decides but the order of texts"),
    "not_authority": T("该属性只采信权威来源", "only its authorities may give this attribute"),
    "condition": T("记录不满足提供条件(如已作废)", "its record does not meet the condition to give it (void, say)"),
    "withheld": T("依法不再共享", "withheld: no longer shared"),
    "other_name": T("号码相同而姓名不符,未关联", "the number stands under another name, so it is not linked"),
    "apart": T(
        "号码与姓名相符,但经判断或因争议未关联", "number and name agree, but a judgement or a dispute keeps it apart"
    ),
    "replaced": T("来源后来改为其他值", "the source has changed it since"),
}
#: what records with the number say that are not linked: perhaps another person's
UNLINKED = frozenset({"other_name", "apart"})
#: what number and name do not open: another person's, perhaps, and what is no longer shared
CLOSED = UNLINKED | {"withheld"}
#: in which order other claims are listed
_ORDER = {reason: number for number, reason in enumerate(REASONS)}


@dataclass(frozen=True)
class Claimed:
    """One value that a record gives, or gave: where it stands and what became of it.

    `record` is the record's business key, item by item; `first_seen` when the exchange first knew the record with this value,
    `last_seen` up to when it knows that it still says so, or knew. `reason` is one of `REASONS`.
    """

    value: str
    reason: str
    department: str | None
    dataset: str | None
    system: str | None
    record: Mapping[str, Any]
    batch: UUID | None
    status: str
    valid_from: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    derived_from: str | None = None


@dataclass(frozen=True)
class _Found:
    value: str
    reason: str
    giver: Giver | None
    department: str | None
    dataset: str | None
    key: bytes | None
    batch: UUID | None
    status: str
    valid_from: str | None
    known_from: datetime | None
    derived_from: str | None


def prepare(conn: Connection, rules: Rules, published: Published, entities: Sequence[UUID]) -> None:
    """Fill this transaction's work tables with what concerns these entities: their mentions as linked, those of their numbers
    that are not theirs, and what they claim. Reads only; nothing is locked or judged anew."""
    for statement in (*linking.TABLES, *claims.TABLES):
        conn.execute(text(statement))
    for table in ("work_mention", "work_entity", "work_claim"):
        conn.execute(text(f"DELETE FROM {table}"))
    given = {"ids": list(entities), "l": rules.library.id, "named": rules.kind.named, "kinds": list(rules.kind.kinds)}
    conn.execute(
        text(
            "INSERT INTO work_entity SELECT id, id_kind, id_value, 0, name FROM libraries.entity WHERE id = ANY(:ids)"
        ),
        given,
    )
    columns = (
        "m.ctid, m.dataset, m.key, m.role, m.part, m.id_kind, m.id_value, CASE WHEN :named THEN m.name END, m.entity_id, "
        "m.pending, 0"
    )
    into = "(place, dataset, key, role, part, id_kind, id_value, name, entity_id, pending, round, target)"
    conn.execute(
        text(
            f"INSERT INTO work_mention {into} SELECT {columns}, m.entity_id FROM libraries.mention m "
            "WHERE m.entity_id = ANY(:ids)"
        ),
        given,
    )
    for condition in rules.kind.joins if rules.kind.named else ():
        conn.execute(
            text(
                f"INSERT INTO work_mention {into} SELECT {columns}, NULL FROM work_entity e CROSS JOIN LATERAL "
                f"(SELECT e.number) AS n (number) JOIN libraries.mention m ON {condition} AND m.id_kind = ANY(:kinds) "
                "WHERE m.entity_id IS DISTINCT FROM e.id"
            ),
            given,
        )
    gather.identify(conn, rules)
    claims.collect(conn, rules, published)


def claimed(conn: Connection, rules: Rules, published: Published, entity: UUID, attribute: str) -> list[Claimed]:
    """Every claim to one attribute of a prepared entity, the one that decides first. Raises KeyError for an unknown
    attribute."""
    said = rules.library.attributes[attribute]
    origin = said.derive.partition(".")[0] if said.derive else attribute
    givers = [giver for giver in rules.givers if attribute in giver.items or origin in giver.items]
    found = [*_standing(conn, entity, attribute, many=said.many, givers=givers)]
    found += _left_out(conn, rules, entity, attribute)
    located = _located(conn, published, found, attribute, origin)
    return sorted(located, key=lambda one: _ORDER[one.reason])


def _standing(
    conn: Connection, entity: UUID, attribute: str, *, many: bool, givers: Sequence[Giver]
) -> Iterable[_Found]:
    rows = conn.execute(
        text(f"SELECT * FROM work_claim WHERE entity_id = :id AND attribute = :name ORDER BY {claims.ORDER}"),
        {"id": entity, "name": attribute},
    ).all()
    for row in rows:
        giver = next((one for one in givers if one.contract.id == row.dataset), None)
        yield _Found(
            row.value, _why(rows[0], row, many=many), giver, row.department, row.dataset, row.key and bytes(row.key),
            row.batch, row.status, row.since, row.known_from, row.derived,
        )  # fmt: skip


def _why(best: Row[Any], row: Row[Any], *, many: bool) -> str:
    """What `claims.ORDER` decided, in one word."""
    if row is best:
        return "decides"
    if many and row.rank == best.rank:
        return "agrees" if row.value == best.value else "kept"
    if row.value == best.value:
        return "agrees"
    if ("*" in row.value) != ("*" in best.value):
        return "masked"
    if row.rank != best.rank:
        return "derived" if row.derived and not best.derived else "lower_authority"
    if row.since != best.since:
        return "older"
    return "known_earlier" if row.known_from != best.known_from else "equal"


def _left_out(conn: Connection, rules: Rules, entity: UUID, attribute: str) -> Iterable[_Found]:
    """What records about the entity, or with its number, say without its being a claim."""
    for giver in rules.givers:
        mine = [claim for claim in (*giver.claims, *giver.refused) if claim.attribute == attribute]
        if not mine:
            continue
        condition, values = gather.when(giver, rules.today)
        shared = withholding.shared(giver.contract) or "true"
        said, parameters = claims.saying(giver, mine)
        rows = conn.execute(
            text(
                "SELECT v.value, a.status, r._batch, r._known_from, w.key, w.target IS NOT NULL AS linked, "
                "w.name IN (SELECT o.name FROM work_mention o WHERE o.target = :entity) AS known, "
                f"({condition or 'true'}) IS TRUE AS met, ({shared}) IS NOT FALSE AS shared, {claims.since(giver)} AS since "
                f"{said} AND (w.target = :entity OR w.target IS NULL AND w.number IN (SELECT number FROM work_entity e "
                "WHERE e.id = :entity))"
            ),
            {**parameters, **values, "entity": entity},
        ).all()
        refused = not any(claim.attribute == attribute for claim in giver.claims)
        for row in rows:
            reason = _why_not(row, refused=refused)
            if reason is not None:
                yield _Found(
                    row.value, reason, giver, giver.contract.department, giver.contract.id, bytes(row.key), row._batch,
                    row.status, row.since, row._known_from, None,
                )  # fmt: skip


def _why_not(row: Row[Any], *, refused: bool) -> str | None:
    if not row.linked:
        return "apart" if row.known else "other_name"
    if not row.shared:
        return "withheld"
    if not row.met:
        return "condition"
    return "not_authority" if refused else None


def _located(
    conn: Connection, published: Published, found: Sequence[_Found], attribute: str, origin: str
) -> list[Claimed]:
    """With the records they stand in, and when those were seen; then what the records said before."""
    batches = {
        row.id: row.system
        for row in conn.execute(
            text("SELECT id, system FROM hub.batch WHERE id = ANY(:ids)"),
            {"ids": list({one.batch for one in found if one.batch})},
        )
    }
    histories: dict[tuple[str, bytes], list[Version]] = {}
    horizons: dict[str, Mapping[str, datetime]] = {}
    for dataset in sorted({one.dataset for one in found if one.dataset and one.key}):
        keys = sorted({one.key for one in found if one.dataset == dataset and one.key})
        horizons[dataset] = records.horizon(conn, dataset)
        for version in versions(conn, published.contracts[dataset], keys):
            histories.setdefault((dataset, version.key), []).append(version)
    located: list[Claimed] = []
    told: set[tuple[str, bytes]] = set()
    for one in found:
        if one.dataset is None or one.key is None:
            located.append(
                Claimed(one.value, one.reason, one.department, one.dataset, None, {}, one.batch, one.status, one.valid_from,
                        one.known_from, None, one.derived_from)
            )  # fmt: skip
            continue
        history = histories.get((one.dataset, one.key), [])
        item = _item(one.giver, attribute, origin)
        contract = published.contracts[one.dataset]
        now = history[-1].values if history else {}
        system = batches.get(one.batch) if one.batch else None
        system = system or (history[-1].system if history else None)
        same = [each for each in history if item is None or each.values[item] == now.get(item)]
        claim = Claimed(
            one.value, one.reason, one.department, one.dataset, system, {name: now.get(name) for name in contract.key},
            one.batch, one.status, one.valid_from, min((each.known_from for each in same), default=one.known_from),
            horizons[one.dataset].get(system or "", one.known_from), one.derived_from,
        )  # fmt: skip
        located.append(claim)
        if one.reason not in UNLINKED and one.derived_from is None and (one.dataset, one.key) not in told:
            told.add((one.dataset, one.key))
            located += _replaced(claim, one.giver, item, attribute, history)
    return located


def _item(giver: Giver | None, attribute: str, origin: str) -> str | None:
    return None if giver is None else giver.items.get(attribute, giver.items.get(origin))


def _replaced(
    now: Claimed, giver: Giver | None, item: str | None, attribute: str, history: Sequence[Version]
) -> Iterable[Claimed]:
    """Values that the same record gave before. A cell that names several persons does not tell whose it was."""
    if giver is None or item is None or giver.contract.item(item).separator is not None or not history:
        return
    codes = giver.codes.get(attribute)
    before: dict[Any, list[Version]] = {}
    for version in history[:-1]:
        value = version.values[item]
        if value is not None and value != history[-1].values[item]:
            before.setdefault(value, []).append(version)
    for value, seen in before.items():
        said = str(value) if codes is None else codes.get(str(value))
        if said is None:
            continue
        yield replace(
            now, value=said, reason="replaced", batch=seen[-1].batch, valid_from=None,
            first_seen=min(one.known_from for one in seen),
            last_seen=max((one.known_to for one in seen if one.known_to), default=None),
        )  # fmt: skip
