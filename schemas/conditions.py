"""Conditions that documents write on values: one small grammar for contracts and certificate types, and its SQL.

There are no expressions. A test is a small mapping; what it compares with is a literal, `today`, `this_month` (or either
less a number of days, months or years) or a `$parameter` where a document has parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import pyarrow as pa
from psycopg import sql as pgsql
from pydantic import BeforeValidator, Field, model_validator

from core.text import T
from schemas.codes import lists
from schemas.document import Place, Source, Strict, near
from schemas.parts import Item

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scalar = bool | int | float | str
#: `today`, `this_month`, `$name`, or one of the first two less a number or parameter of days, months or years
OPERAND = re.compile(
    r"(?P<base>today|this_month)(?: - (?P<amount>\d{1,4}|\$[a-z][a-z0-9_]*) (?P<unit>days|months|years))?"
    r"|\$(?P<parameter>[a-z][a-z0-9_]*)"
)
#: the words whose operand may be a date or a parameter, and how SQL writes them
ORDERED: Mapping[str, str] = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}


class Test(Strict):
    """What a value must be; everything given must hold. A list stands for `in`, null for `empty: true`.

    `matches` names a parameter: the text given, or one of the codes chosen. A test with a parameter that nobody gave
    holds.
    """

    in_: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1)
    not_in: tuple[Scalar, ...] | None = Field(None, min_length=1)
    empty: bool | None = None
    matches: str | None = Field(None, pattern=r"^\$[a-z][a-z0-9_]*$")
    above: Scalar | None = None
    at_least: Scalar | None = None
    below: Scalar | None = None
    at_most: Scalar | None = None
    or_null: bool = False

    @model_validator(mode="after")
    def _something(self) -> Test:
        if not self.model_fields_set - {"or_null"}:
            raise ValueError("a test compares with something")
        return self

    @property
    def operands(self) -> Iterator[tuple[str, str]]:
        """(word, operand) of each comparison with something other than a literal."""
        for word in (*ORDERED, "matches"):
            value = getattr(self, word)
            if isinstance(value, str) and OPERAND.fullmatch(value):
                yield word, value

    @property
    def parameters(self) -> Iterator[tuple[str, str]]:
        """(word, parameter) of each comparison with a parameter."""
        yield from ((word, name) for word, value in self.operands if (name := parameter(value)))


def parameter(operand: str) -> str | None:
    """The parameter an operand names."""
    match = re.search(r"\$([a-z0-9_]+)", operand)
    return match[1] if match else None


def _test(value: Any) -> Any:
    if value is None:
        return {"empty": True}
    if isinstance(value, list | tuple):
        return {"in": list(value)}
    return value if isinstance(value, dict | Test) else {"in": [value]}


Where = Mapping[Name, Annotated[Test, BeforeValidator(_test)]]


def check(source: Source, place: Place, where: Where, items: Mapping[str, Item]) -> None:
    """Raise DocumentRefused when a condition names an item, a code or a value that the items do not have."""
    for name, test in where.items():
        if name not in items:
            raise source.refused((*place, name), T(f"没有信息项 {name}", f"there is no item {name}"), near(name, items))
        item = items[name]
        codes = set(item.enum) or (set(lists(item.code_list).values) if item.code_list else set())
        for word, values in (("in", test.in_), ("not_in", test.not_in)):
            for value in values or ():
                if codes and str(value) not in codes:
                    raise source.refused(
                        (*place, name, word),
                        T(f"没有代码 {value}", f"there is no code {value}"), near(str(value), codes),
                    )  # fmt: skip
                check_literal(source, (*place, name, word), item.type.arrow, value)
        check_order(source, (*place, name), item.type.arrow, test)


def check_order(source: Source, place: Place, kind: pa.DataType, test: Test) -> None:
    """Raise DocumentRefused when a comparison makes no sense for values of that kind."""
    for word in ORDERED:
        value = getattr(test, word)
        if value is None:
            continue
        match = OPERAND.fullmatch(value) if isinstance(value, str) else None
        if not (pa.types.is_temporal(kind) or _numeric(kind)):
            raise source.refused(
                (*place, word),
                T("该项没有先后大小", "this item has no order"),
                T("请改用 in 或 not_in。", "Use in or not_in."),
            )
        if match is None:
            check_literal(source, (*place, word), kind, value)
        elif bool(match["base"]) != pa.types.is_temporal(kind):
            raise source.refused(
                (*place, word),
                T(f"{value} 不能与该项比较", f"{value} cannot be compared with this item"),
                T(
                    "日期项用 today、this_month;数值项用数字或 $参数。",
                    "Dates take today or this_month; numbers a number or a $parameter.",
                ),
            )


def check_literal(source: Source, place: Place, kind: pa.DataType, value: object) -> None:
    """Raise DocumentRefused when a literal is no value of that kind."""
    if pa.types.is_boolean(kind):
        right = isinstance(value, bool)
    elif _numeric(kind):
        right = isinstance(value, int | float) and not isinstance(value, bool)
    elif pa.types.is_temporal(kind):
        right = isinstance(value, str) and _is_date(value)
    else:
        right = isinstance(value, str)
    if not right:
        raise source.refused(
            place,
            T(f"{value} 不是该项的值", f"{value} is no value of this item"),
            T("请按信息项的类型书写。", "Write it as the item's type is written."),
        )


def sql(column: str, test: Test, operand: Callable[[str], str], given: Callable[[str], str | None]) -> str:
    """A test on a quoted column. `operand` renders `today` and its like; `given` says when a test with that operand
    narrows at all (None: always)."""
    parts = []
    if test.in_ is not None:
        parts.append(f"{column} IN ({', '.join(literal(value) for value in test.in_)})")
    if test.not_in is not None:
        parts.append(f"{column} NOT IN ({', '.join(literal(value) for value in test.not_in)})")
    if test.empty is not None:
        parts.append(f"{column} IS {'' if test.empty else 'NOT '}NULL")
    if test.matches is not None:
        parts.append(_when(given(test.matches), f"{column} = ANY({operand(test.matches)})"))
    for word, sign in ORDERED.items():
        value = getattr(test, word)
        if value is None:
            continue
        meant = isinstance(value, str) and OPERAND.fullmatch(value) is not None
        told = f"{column} {sign} {operand(value) if meant else literal(value)}"
        parts.append(_when(given(value), told) if meant else told)
    told = " AND ".join(parts)
    return f"({column} IS NULL OR ({told}))" if test.or_null else f"({told})"


def day(operand: str, today: str, amount: Callable[[str], str]) -> str:
    """SQL of a date operand; `today` is SQL for the day, `amount` renders a `$parameter` of it."""
    match = OPERAND.fullmatch(operand)
    assert match is not None and match["base"]
    base = today if match["base"] == "today" else f"date_trunc('month', {today})::date"
    if not match["amount"]:
        return base
    count = amount(match["amount"]) if match["amount"].startswith("$") else match["amount"]
    return f"({base} - make_interval({match['unit']} => {count}))::date"


def literal(value: Any) -> str:
    """A literal of a published document; percent signs are doubled because statements take parameters."""
    return pgsql.Literal(value).as_string(None).replace("%", "%%")


def _when(given: str | None, told: str) -> str:
    return told if given is None else f"({given} OR {told})"


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
