"""Points in time, stored in UTC. A source time without an offset is taken in the feed's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, days
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_DAY = 86_400
_UTC = pa.timestamp("us", "UTC")
_NAIVE = pa.timestamp("us")
_OTHER = re.compile(
    r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?[T\s]*"
    r"(?:(\d{1,2})[:时]?(\d{2})[:分]?(?:(\d{2})秒?(?:[.,](\d{1,9}))?)?)?分?\s*(Z|[+-]\d{2}:?\d{2})?$"
)
_EPOCH_MILLIS = re.compile(r"1\d{12}$")  # 2001 to 2033


class Timestamp(ValueType):
    name = "timestamp"
    title = T("时间", "Point in time")
    arrow = _UTC
    sql = "timestamptz"
    own_rules = (
        Rule(
            "timestamp.format",
            "error",
            "conformity",
            T("不能识别的时间写法", "Not a time in any known form"),
            T("改为 2026-11-21 09:30:00 这样的写法", "Write it like 2026-11-21 09:30:00"),
        ),
        Rule(
            "timestamp.impossible",
            "error",
            "accuracy",
            T("没有这一时刻", "There is no such moment"),
            T("核对日期与时分秒", "Check the day and the time of day"),
        ),
        Rule(
            "timestamp.placeholder",
            "warning",
            "completeness",
            T("占位时间，不是真实时间", "A placeholder, not a real time"),
            T(
                "请来源部门补填真实时间；不详的留空",
                "Ask the source department for the real time; leave it empty if unknown",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values, reasons = self._read(cells, options)
        beyond = days.beyond(values)
        reasons[beyond] |= self.bit("impossible")
        return columns.null_where(values, beyond), reasons

    def _read(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        reasons = np.zeros(len(cells), np.uint32)
        if not pa.types.is_string(cells.type) and not pa.types.is_integer(cells.type):
            if pa.types.is_timestamp(cells.type) and cells.type.tz:
                return cells.cast(_UTC), reasons
            return _in_zone(cells.cast(_NAIVE), options.timezone), reasons
        text = columns.text(cells)
        rest = columns.mask(text.is_valid())
        seconds = np.zeros(len(text), np.int64)
        rows, matrix = columns.fixed(text, 19)
        plain = columns.by_block(matrix, _plain, np.int64)
        rows, plain = rows[plain != _UNREAD], plain[plain != _UNREAD]
        seconds[rows] = plain
        rest[rows] = False
        naive = pa.array(seconds * 1_000_000, mask=rest | ~columns.mask(text.is_valid())).cast(_NAIVE)
        values = _in_zone(naive, options.timezone)
        left = np.flatnonzero(rest)
        if left.size:
            some = columns.half_width(text.take(pa.array(left))).dictionary_encode()
            found = [_read(value, ZoneInfo(options.timezone)) for value in some.dictionary.to_pylist()]
            moments = pa.array([moment for moment, _ in found], _UTC)
            values = columns.put(values, left, moments.take(some.indices))
            codes = np.array([self.bit(rule) if rule else 0 for _, rule in found], np.uint32)
            reasons[left] = codes[some.indices.to_numpy()]
        return values, reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        zone = ZoneInfo(options.timezone)
        first, last = (pa.scalar(datetime(1900, 1, day, tzinfo=zone).astimezone(UTC), _UTC) for day in (1, 2))
        placeholder = pc.and_(pc.greater_equal(values, first), pc.less(values, last))
        return np.where(columns.mask(placeholder), self.bit("placeholder"), np.uint32(0))

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return pc.binary_join_element_wise(pc.strftime(values, format="%Y"), "**", "**", "-")


_UNREAD = np.int64(-(2**62))


def _plain(places: columns.Bytes) -> columns.Rows:
    """`2026-11-21 09:30:00` (or T, or slashes) as naive seconds since 1970."""
    figures = places[[0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]]
    digits = figures - np.uint8(48)
    good = columns.all_digits(figures)
    good &= (places[4] == places[7]) & ((places[4] == ord("-")) | (places[4] == ord("/")))
    good &= ((places[10] == ord(" ")) | (places[10] == ord("T"))) & (places[13] == ord(":")) & (places[16] == ord(":"))
    digits[:, ~good] = 0
    hour, minute, second = (days.number(digits[at : at + 2]) for at in (8, 10, 12))
    day = days.since_epoch(days.number(digits[:4]), days.number(digits[4:8]))
    good &= (day != days.NO_DAY) & (hour < 24) & (minute < 60) & (second < 60)
    seconds: columns.Rows = np.where(good, day.astype(np.int64) * _DAY + hour * 3600 + minute * 60 + second, _UNREAD)
    return seconds


def _in_zone(naive: pa.Array, zone: str) -> pa.Array:
    return pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="latest").cast(_UTC)


def _read(value: str, zone: ZoneInfo) -> tuple[datetime | None, str | None]:
    if _EPOCH_MILLIS.match(value):
        return datetime.fromtimestamp(int(value) / 1000, UTC), None
    match = _OTHER.match(value)
    if not match:
        return None, "format"
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if year == month == day == 0:
        return None, "placeholder"
    micros = int((match[7] or "0").ljust(6, "0")[:6])
    midnight = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta()
    try:
        moment = datetime(year, month, day, 0 if midnight else hour, minute, second, micros, tzinfo=zone) + midnight
        offset = match[8]
        if offset:
            moment = moment.replace(tzinfo=datetime.strptime(offset.replace("Z", "+0000"), "%z").tzinfo)
        return moment.astimezone(UTC), None
    except (ValueError, OverflowError):
        return None, "impossible"


TYPE = Timestamp()
