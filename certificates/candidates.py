"""Which records could be a person's: `me`, by the number; `namesake`, by the name where the number says nothing.

A record names somebody of the subject's name, and could be the subject's, when its number is missing, is masked at the
source and fits as far as it can be read, or is of another kind than the ones known: the 15-digit registration number of a
firm known by its credit code, the officer's card of a person known by the identity card. A passport or permit is
reissued, so against one of those every other number says nothing. A record with the number in a cell whose names and numbers
are not equally many could be the subject's too, whatever names it has; and so could one that has the number without a name,
when another record has it under somebody else's.

A request may be about several persons, each a slot: 0 the subject, then who was declared. `me_0_1` is both together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from libraries.mentions import UNPAIRED
from schemas.conditions import literal
from schemas.derive.sql import current, quote

# numbers of the same kind that differ are different subjects; `form` says what the subject's kinds look like
_COULD = (
    "({0} IS NULL OR CASE WHEN strpos({0}, '*') > 0"
    " THEN EXISTS (SELECT FROM unnest(%(forms_{1})s::text[]) f WHERE f LIKE replace({0}, '*', '_')) ELSE {0} !~ %(form_{1})s END)"
)

_CLAIM = "id_value || chr(31) || name"
# judged by a named person to be somebody else's (libraries/judgements.py)
_OTHERS = f" AND NOT coalesce({_CLAIM} = ANY(%(apart_{{0}})s::text[]), false)"
# a number judged the person's with a name that is, which nobody says belong together: no name of the person's
_STRANGE = f"CASE WHEN {_CLAIM} = ANY(%(strangers_{{0}})s::text[]) THEN {_CLAIM} ELSE name END"
_PAIRED = f"(id_kind IS DISTINCT FROM {literal(UNPAIRED)})"
_WHOLE = "coalesce(length(id_value) = 18 AND strpos(id_value, '*') = 0, false)"


class Traits(NamedTuple):
    """What a statement must know of a person beforehand: whether the number's kind stays for life, whether an organisation's
    code is asked by whose credit code is not known yet, and whether it is judged which claims are not its."""

    lasting: bool
    organisation: bool
    judged: bool


@dataclass(frozen=True)
class Registers:
    """Where it is said what else somebody is known as: (dataset, role) of the records it is said of; and of those that say it
    by reference, (dataset, item, dataset referred to, role there, item there)."""

    records: tuple[tuple[str, str], ...] = ()
    references: tuple[tuple[str, str, str, str, str], ...] = ()


def gathered(
    slots: Mapping[int, Traits], together: Iterable[tuple[int, ...]], registers: Registers, shared: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """What stands in `WITH`: the mentions of each slot and of those asked about together, and what waits; and a SELECT of a
    row `@slot` for each slot: the names that records have with the number, the quarantined rows that could be the person's,
    and whether what else the person is known as is `unsettled`.

    Parameters for each slot: `forms` (every form of every number known), `form` (a pattern of their kinds), `names` (forms
    of the name), `apart` (claims judged to be another's), `strangers`. For all: `datasets` (those read), `id_items` (their items that hold
    a subject's number), `today`. `shared` holds, by dataset read that withholds records, the rule of those it does not, on
    the row `r`.
    """
    parts = [part for slot, traits in slots.items() for part in _mentions(slot, registers, traits)]
    for several in together:
        name = suffix(several)
        parts += [
            f"{who}_{name} AS ("
            + " UNION ALL ".join(f"SELECT dataset, key, role FROM {who}_{n}" for n in several)
            + ")"
            for who in ("me", "namesake")
        ]
    return parts, [_told(slot, registers, shared) for slot in slots]


def suffix(slots: Iterable[int]) -> str:
    """How the mentions of these persons together are named."""
    return "_".join(map(str, slots))


def _mentions(slot: int, registers: Registers, traits: Traits) -> list[str]:
    could = _COULD.format("id_value", slot)
    # of a kind that lasts, a whole number is comparable: of a thousand namesakes with one none is looked at (the index's)
    named = f"NOT {_WHOLE} AND {could}" if traits.lasting else could
    apart, name = (_OTHERS.format(slot), _STRANGE.format(slot)) if traits.judged else ("", "name")
    theirs = f"o.name <> ALL(%(names_{slot})s)"
    if traits.judged:
        theirs = f"({theirs} OR o.id_value || chr(31) || o.name = ANY(%(strangers_{slot})s::text[]))"
    # a number without a name is its holder's: of two that have it, nobody knows whose
    shared = (
        "(n.name IS NULL AND EXISTS (SELECT FROM libraries.mention o WHERE o.id_value = n.id_value AND o.name IS NOT NULL "
        f"AND {theirs}))"
    )
    also = f" OR {_among(registers.records)}" if registers.records else ""
    waits = (
        "SELECT s.dataset, s.role, {0} AS by_number FROM hub.quarantine_subject s JOIN hub.quarantine q USING (batch_id, row_no) "
        "WHERE q.status IN ('open', 'excused') AND "
    )
    unread = (
        "EXISTS (SELECT FROM hub.finding f WHERE f.batch_id = s.batch_id AND f.row_no = s.row_no AND f.severity = 'error' "
        "AND f.item = ANY(%(id_items)s))"
    )
    return [
        f"""\
numbered_{slot} AS MATERIALIZED (
  SELECT dataset, key, role, name, {_PAIRED} AND NOT {shared} AS paired, id_value FROM libraries.mention n
  WHERE id_value = ANY(%(forms_{slot})s) AND (dataset = ANY(%(datasets)s){also}))""",
        f"me_{slot} AS NOT MATERIALIZED (SELECT dataset, key, role, {name} AS name FROM numbered_{slot} WHERE paired{apart})",
        f"""\
namesake_{slot} AS MATERIALIZED (
  SELECT dataset, key, role FROM libraries.mention
  WHERE name = ANY(%(names_{slot})s) AND dataset = ANY(%(datasets)s) AND coalesce(id_value <> ALL(%(forms_{slot})s), true)
    AND {named}{apart}
  UNION ALL SELECT dataset, key, role FROM numbered_{slot} WHERE NOT paired)""",
        f"""\
waiting_{slot} AS MATERIALIZED (
  {waits.format("true")}s.number = ANY(%(forms_{slot})s)
  UNION ALL {waits.format("false")}s.name = ANY(%(names_{slot})s) AND s.dataset = ANY(%(datasets)s)
    AND coalesce(s.number <> ALL(%(forms_{slot})s), true) AND ({_COULD.format("s.number", slot)} OR {unread}))""",
    ]


def _told(slot: int, registers: Registers, shared: Mapping[str, str]) -> str:
    # a name in a record that is withheld is not used either
    kept = "".join(
        f" AND (m.dataset <> {literal(dataset)} OR EXISTS (SELECT FROM {current(dataset)} r WHERE r._key = m.key AND {rule}))"
        for dataset, rule in shared.items()
    )
    return f"""\
SELECT '@{slot}' AS part, jsonb_build_object(
  'names', (SELECT jsonb_agg(DISTINCT jsonb_build_array(dataset, role, name)) FROM me_{slot} m
    WHERE name IS NOT NULL AND dataset = ANY(%(datasets)s){kept}),
  'waiting', (SELECT jsonb_agg(DISTINCT jsonb_build_array(dataset, role)) FROM waiting_{slot} WHERE dataset = ANY(%(datasets)s)),
  'unsettled', {_unsettled(slot, registers)}) AS body"""


def _unsettled(slot: int, registers: Registers) -> str:
    """That other numbers and names of the person may be missing: the register's own record waits, or one that refers to it
    (it names nobody); or the number is known as the former one of a record that has not come, or has not merged."""
    found = [
        f"EXISTS (SELECT FROM libraries.known_as k WHERE k.kind = 'number' AND k.form = ANY(%(forms_{slot})s) AND NOT EXISTS ("
        "SELECT FROM libraries.mention m WHERE (m.dataset, m.key, m.role) = (k.of_dataset, k.of_key, k.role)))"
    ]
    if registers.records:
        among = _among(registers.records)
        found += [
            f"EXISTS (SELECT FROM waiting_{slot} WHERE by_number AND {among})",
            f"EXISTS (SELECT FROM numbered_{slot} m JOIN hub.quarantine q ON q.dataset = m.dataset AND q.key = m.key "
            f"AND q.status IN ('open', 'excused') WHERE {_among(registers.records, 'm.')})",
        ]
    for dataset, item, target, role, other in registers.references:
        record = (
            f"SELECT r.{quote(other)}::text FROM numbered_{slot} m JOIN {current(target)} r ON r._key = m.key "
            f"WHERE m.dataset = {literal(target)} AND m.role = {literal(role)}"
        )
        found.append(
            "EXISTS (SELECT FROM hub.quarantine_subject s JOIN hub.quarantine q USING (batch_id, row_no) "
            "WHERE q.status IN ('open', 'excused') "
            f"AND s.dataset = {literal(dataset)} AND s.role = {literal('@' + item)} AND s.number = ANY(ARRAY({record})))"
        )
    return "\n    OR ".join(found)


def _among(records: Iterable[tuple[str, str]], alias: str = "") -> str:
    """That a mention is one of these (dataset, role)."""
    listed = ", ".join(f"({literal(dataset)}, {literal(role)})" for dataset, role in records)
    return f"({alias}dataset, {alias}role) IN ({listed})"
