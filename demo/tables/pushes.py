"""What public security pushed into the staging table and when: one flagged row for each state of a record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.people import IDENTITY_CARD
from demo.text import Days, Ints, Mask, Rng, Text, digits, join, some
from demo.world import World

_OPENED = np.timedelta64(400, "D")  # before today: the first push, of everything
_REMOVED, _BACK, _AGAIN = 0.002, 0.001, 0.005  # shares of the records


@dataclass(frozen=True)
class Pushes:
    """One row a push, in order of record and time."""

    serial: Ints  # names the record; the register's come first
    record: Ints  # row of the register; of a mistaken record, whose household it was entered in
    mistaken: Ints  # the person entered by mistake and removed again, -1 for the register's own
    at: Days  # datetime64[s]
    flag: Text  # I, U, D
    back: Ints  # records that were removed and came back

    @property
    def last(self) -> Mask:
        """Whether the record is still there and this is its last push."""
        final = np.append(self.serial[1:] != self.serial[:-1], True)
        return np.asarray(final & (self.flag != "D"))


def record_ids(serial: Ints) -> Text:
    """RYBS of records."""
    return join("RY", digits(serial + 1, 12))


def pushes(world: World) -> Pushes:
    """Everything first, then each change as it became known; some records removed, some of them for a time only, and some
    pushes sent twice."""
    rng, of = world.rng("pushes"), world.households
    size = len(of)
    opened = np.datetime64(world.today) - _OPENED
    first = np.full(size, opened)
    for start in (of.born_known, of.moved_in_known):
        first = np.where(~np.isnat(start), np.maximum(first, start), first)
    record, day = np.arange(size), first
    for event in (of.renamed, of.corrected, of.ended_known):
        later = np.flatnonzero(event > first)
        record, day = np.concatenate([record, later]), np.concatenate([day, event[later]])
    order = np.lexsort([day, record])
    record, day = record[order], day[order]
    begins = np.append(True, record[1:] != record[:-1])
    flag = np.where(begins, "I", "U")
    at = _moments(rng, day, opened, record)
    none = np.full(record.size, -1)

    once = np.bincount(record, minlength=size) == 1
    back = some(rng, once & (first == opened), _BACK * size)
    gone = opened + rng.integers(30, 200, back.size)
    returned = gone + rng.integers(5, 150, back.size)
    abroad = (world.people.kind == IDENTITY_CARD) & ~np.isin(np.arange(len(world.people)), of.person)
    mistaken = some(rng, abroad, _REMOVED * size)
    host = rng.integers(0, size, mistaken.size)
    own = size + np.arange(mistaken.size)
    noticed = opened + rng.integers(20, 380, mistaken.size)
    again = some(rng, np.ones(record.size, dtype=bool), _AGAIN * record.size)

    parts = [
        (record, record, none, at, flag),
        (back, back, np.full(back.size, -1), _moments(rng, gone, opened, back), np.full(back.size, "D")),
        (back, back, np.full(back.size, -1), _moments(rng, returned, opened, back), np.full(back.size, "I")),
        (own, host, mistaken, _moments(rng, np.full(own.size, opened), opened, own), np.full(own.size, "I")),
        (own, host, mistaken, _moments(rng, noticed, opened, own), np.full(own.size, "D")),
        (record[again], record[again], none[again], at[again], flag[again]),
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort([columns[3], columns[0]])
    serial, record, mistaken, at, flag = (column[order] for column in columns)
    return Pushes(serial, record, mistaken, at, flag, back)


def _moments(rng: Rng, day: Days, opened: np.datetime64, serial: Ints) -> Days:
    """When the rows were pushed: the first push in one night, 500 records a second; later ones in working hours."""
    worked = rng.integers(8 * 3600, 18 * 3600, day.size)
    seconds = np.where(day == opened, 7200 + serial // 500, worked)
    return np.asarray(day.astype("datetime64[s]") + seconds.astype("timedelta64[s]"))
