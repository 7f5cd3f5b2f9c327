"""Makes the subjects of cases and single records about them, in the departments' shapes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from demo import numbers
from demo.truth import Case, Truth
from demo.words import words

_FIRST_BIRTH = date(1968, 3, 1)
_BIRTHS = 12_000  # days, so that all are adults
_AGAIN = ("", "然", "如", "之")  # ends the given names when they are used again
_ORDER = 988  # beyond every order code the city gives out


@dataclass(frozen=True)
class Subject:
    """Whom a question is about, as it names them."""

    kind: str  # person | firm
    number: str
    name: str
    number_kind: str = "identity_card"


@dataclass
class Desk:
    """Collects the cases' rows by source table."""

    today: date
    truth: Truth

    def __post_init__(self) -> None:
        self.rows: dict[str, list[dict[str, str]]] = {}
        self._made = 0
        self._serial = 0
        self.developer = self.firm("91430900", "益阳{}房地产开发有限公司")  # sells every dwelling of the cases

    def _name(self) -> str:
        given, turn = words("case_given"), self._made
        self._made += 1
        again, at = divmod(turn, len(given))
        return words("surnames")[turn % 40] + given[at] + _AGAIN[again]  # running out is an error: names differ

    def person(self) -> Subject:
        """A resident nobody has met before."""
        name = self._name()
        birth = (_FIRST_BIRTH + timedelta(days=97 * self._made % _BIRTHS)).strftime("%Y%m%d")
        number = numbers.citizen(np.array([f"430903{birth}{_ORDER + self._made % 2}"]))
        return Subject("person", str(number[0]), name)

    def child(self) -> Subject:
        """A resident of nine years nobody has met before."""
        who = self.person()
        birth = (self.today - timedelta(days=9 * 366 + self._made)).strftime("%Y%m%d")
        number = numbers.citizen(np.array([f"430903{birth}{who.number[14:17]}"]))
        return Subject("person", str(number[0]), who.name)

    def renamed(self, subject: Subject, name: str) -> Subject:
        """The same subject under another name."""
        return Subject(subject.kind, subject.number, name, subject.number_kind)

    def cardholder(self, name: str = "WALKER ALEX", nation: str = "840") -> Subject:
        """A foreigner with a permanent-residence card: 18 digits, the first a 9; `nation` by ISO 3166."""
        number = numbers.citizen(np.array([f"943{nation}19790612{_ORDER}"]))
        self._made += 1
        return Subject("person", str(number[0]), name, "permanent_residence")

    def firm(self, head: str = "91430903", form: str = "益阳{}茶业有限公司") -> Subject:
        """A body nobody has met before, of a registrar, category and division."""
        name = form.format(self._name()[1:])
        body = np.array([f"MA5C{self._made:04d}"])
        code = numbers.credit_code(np.array([head]), np.strings.add(body, numbers.body_check(body)))
        return Subject("firm", str(code[0]), name, "credit_code")

    def ask(
        self,
        type: str,
        subject: Subject,
        state: str,
        proved: bool | None = None,
        outcome: str | None = None,
        *,
        reason: str | None = None,
        note: str,
        demo: bool = False,
        **declared: Subject,
    ) -> None:
        """Record a question and its right answer; `declared` are the persons declared with it, by relation."""
        expect: dict[str, Any] = {"state": state, "proved": proved, "outcome": outcome, "reason": reason}
        said = [{"relation": relation, **_named(other)} for relation, other in declared.items()]
        self.truth.cases.append(Case(type, _named(subject), expect, note, demo, said))

    def serial(self) -> int:
        """A number no other record of the cases has."""
        self._serial += 1
        return 900_000_000 + self._serial

    def day(self, ago: int) -> str:
        """The date some days before today."""
        return (self.today - timedelta(days=ago)).isoformat()

    def month(self, ago: int) -> str:
        """The month some months before this one, yyyymm."""
        count = self.today.year * 12 + self.today.month - 1 - ago
        return f"{count // 12}{count % 12 + 1:02d}"

    def write(self, table: str, row: dict[str, str]) -> None:
        """Put one row into a source table."""
        self.rows.setdefault(table, []).append(row)

    def plant(self, dataset: str, kind: str, *key: str) -> None:
        """Record that a row written here is of a kind of dirt."""
        self.truth.plant(dataset, kind, np.array([0]), tuple(np.array([part]) for part in key), base=0)

    def mistyped(self, subject: Subject) -> str:
        """The subject's number with one wrong digit, so that its check fails."""
        at = 8 if subject.kind == "person" else 12
        swapped = str((int(subject.number[at]) + 1) % 10) if subject.number[at].isdigit() else "7"
        return subject.number[:at] + swapped + subject.number[at + 1 :]


def _named(subject: Subject) -> dict[str, str]:
    return {name: getattr(subject, name) for name in ("kind", "number_kind", "number", "name")}
