"""What every department's tables are made with: text columns into Arrow, how persons are written, change times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from demo.people import HK_MACAO, IDENTITY_CARD, PASSPORT, RESIDENCE, TAIWAN, People
from demo.text import Days, Ints, Mask, Rng, Text
from demo.truth import Truth
from demo.words import divisions, ended


def table(columns: Mapping[str, Text]) -> pa.Table:
    """Text columns as Arrow strings; the empty text is null."""
    return pa.table({name: pa.array(text, pa.string(), mask=text == "") for name, text in columns.items()})


def with_rows(whole: pa.Table, rows: Sequence[Mapping[str, str]]) -> pa.Table:
    """The table with some rows written by hand behind it; columns they leave out are null."""
    return pa.concat_tables(
        [
            whole,
            pa.Table.from_pylist([{name: cell or None for name, cell in row.items()} for row in rows], whole.schema),
        ]
    )


def kind_codes(people: People, person: Ints, codes: Sequence[str]) -> Text:
    """The department's code for each person's kind of document, in the order identity card, Hong Kong and
    Macao permit, Taiwan permit, passport, permanent residence."""
    return np.asarray(codes)[people.kind[person]]


def changed_at(rng: Rng, day: Days, today: date, most_days: int = 20) -> Text:
    """Change times in local time: soon after the day, before yesterday ended."""
    latest = np.datetime64(today, "s") - np.timedelta64(1, "s")
    after = rng.integers(8 * 3600, most_days * 86_400, day.size).astype("timedelta64[s]")
    time = np.minimum(
        day.astype("datetime64[s]") + after, latest - rng.integers(0, 40_000, day.size).astype("timedelta64[s]")
    )
    return np.strings.replace(np.datetime_as_string(time, unit="s"), "T", " ")


def card_holder(people: People, person: Ints) -> Mask:
    """Whether a person's document is an identity card; rows of -1 are no person."""
    return np.where(person >= 0, people.kind[person] == IDENTITY_CARD, False)


def born_in_ended_division(people: People, person: Ints, today: date) -> Mask:
    """Whether a person's citizen number begins with a division that has ended since; rows of -1 are no person."""
    gone = [code for code, _, _ in divisions() if ended(code, today.year)]
    return card_holder(people, person) & np.isin(np.strings.slice(people.number[person], 0, 6), gone)


def plant_documents(
    truth: Truth, dataset: str, people: People, person: Ints, intact: Mask, key: tuple[Text, ...], today: date
) -> None:
    """Plant the legal but unusual documents of a dataset's persons (-1: none) where the number is `intact`."""
    kind = np.where(person >= 0, people.kind[person], -1)
    for name, flagged in (
        ("residence_card", kind == RESIDENCE),
        ("other_document", np.isin(kind, [HK_MACAO, TAIWAN, PASSPORT])),
        ("born_in_ended_division", born_in_ended_division(people, person, today)),
    ):
        truth.plant(dataset, name, np.flatnonzero(flagged & intact), key)
