"""The small world of the crash tests: one department, three feeds (full, incremental, flagged), and a source that changes
at random."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

MODES = ("full", "incremental", "flagged")
COLUMNS = ("ND", "QP", "SYR", "ZJH", "JG", "JGDM", "TZ", "MYRQ", "CZBS", "GXSJ")
SYSTEM_ID = "pets"
DEPARTMENT = """
id: city_management
name: 城市管理局
credit_code: 11370800MB28559184
division: "430900"
"""
_CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {id}
name: 养犬登记({id})
version: 1.0.0
status: active
domain: city_management
schema:
- name: {id}
  logicalType: object
  properties:
  - {{name: year, businessName: 年度, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}}
  - {{name: tag, businessName: 犬牌号, logicalType: string, primaryKey: true, primaryKeyPosition: 2, required: true}}
  - {{name: owner_name, businessName: 饲养人, logicalType: string, required: true, classification: personal,
     customProperties: [{{property: valueType, value: person_name}}]}}
  - {{name: owner_no, businessName: 证件号码, logicalType: string, classification: personal,
     customProperties: [{{property: valueType, value: citizen_no}}]}}
  - {{name: clinic_name, businessName: 免疫机构, logicalType: string,
     customProperties: [{{property: valueType, value: organisation_name}}]}}
  - {{name: clinic_no, businessName: 机构代码, logicalType: string,
     customProperties: [{{property: valueType, value: organisation_no}}]}}
  - {{name: weight_kg, businessName: 体重, logicalType: number, logicalTypeOptions: {{minimum: 0, maximum: 200}}}}
  - {{name: vaccinated_on, businessName: 免疫日期, logicalType: date}}
  customProperties:
  - property: subjects
    value: [{{role: owner, id: owner_no, name: owner_name}}, {{role: clinic, id: clinic_no, name: clinic_name}}]
  - property: contributes
    value: [{{library: population, role: owner, items: {{citizen_no: owner_no, name: owner_name}}}}]
  - {{property: catalogue, value: {{resourceClass: department, shareType: 1, shareMethod: interface, open: false}}}}
slaProperties: [{{property: frequency, value: 1, unit: d}}]
"""
_LIBRARY = """
library: population
title: 人口库
identity: citizen_no
attributes:
  citizen_no: {title: 公民身份号码, english: citizen number, valueType: citizen_no, authority: [city_management], unverified: true}
  name: {title: 姓名, english: name, valueType: person_name, authority: [city_management], unverified: true}
"""
_FEED = """
- contract: {id}
  source: {{table: {id}}}
  mode: {mode}
  {how}
  columns: {{ND: year, QP: tag, SYR: owner_name, ZJH: owner_no, JG: clinic_name, JGDM: clinic_no, TZ: weight_kg, MYRQ: vaccinated_on}}
  ignore: [{ignored}]
  expect: {{rows: {{min: 0}}, shrink: 99%}}
  covers: {{divisions: ["430900"]}}
"""
_HOW = {
    "full": ("", "CZBS, GXSJ"),
    "incremental": ("watermark: GXSJ", "CZBS"),
    "flagged": ("watermark: GXSJ\n  flag: {column: CZBS, removed: [D], kept: [I, U]}", ""),
}


def dataset(mode: str) -> str:
    """The dataset of the feed of that mode."""
    return f"pet_{mode}"


def documents() -> list[tuple[str, str, str]]:
    """What to publish: (kind, id, text)."""
    feeds = "".join(
        _FEED.format(id=dataset(mode), mode=mode, how=_HOW[mode][0], ignored=_HOW[mode][1]) for mode in MODES
    )
    head = f"system: {SYSTEM_ID}\ntitle: 养犬管理系统\ndepartment: city_management\nconnector: sql\nsecret: {SYSTEM_ID}\nfeeds:"
    return [
        ("department", "city_management", DEPARTMENT),
        ("library", "population", _LIBRARY),
        *(("contract", dataset(mode), _CONTRACT.format(id=dataset(mode))) for mode in MODES),
        ("system", SYSTEM_ID, head + feeds),
    ]


def citizen_no(n: int) -> str:
    """The n-th valid citizen number (GB 11643)."""
    body = f"1101051949{1 + n // 899 % 12:02}01{100 + n % 899}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


Row = tuple[str | None, ...]
_SURNAMES, _GIVEN = "王李张刘陈杨黄赵吴周", "明华强芳丽伟娜敏静磊军洋勇艳杰"


@dataclass
class Source:
    """The department's database. `step` changes one table as departments do."""

    path: Path
    random: random.Random
    rows: dict[str, list[Row]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    _moment: datetime = datetime(2026, 1, 1, 8)
    _tags: int = 0
    _versions: int = 0

    def start(self, size: int) -> None:
        """The first content of all tables."""
        with sqlite3.connect(self.path) as link:
            for mode in MODES:
                link.execute(f"CREATE TABLE {dataset(mode)} ({', '.join(COLUMNS)})")
        for mode in MODES:
            for _ in range(size if mode == "full" else size // 10):
                self._append(mode, self._new())
            self.write(mode)

    def step(self, mode: str) -> None:
        """Some rows come, change, go, break and are mended; sometimes nothing happens."""
        self._tick()
        for _ in range(self.random.choice((0, 1, 1, 3, 8, 40))):
            known = self.rows[mode]
            self.random.choice((self._add, self._change, self._change, self._remove, self._break, self._repeat))(
                mode, self.random.choice(known) if known else self._new()
            )
        self.write(mode)

    def _add(self, mode: str, _: Row) -> None:
        self._append(mode, self._new())

    def _change(self, mode: str, row: Row) -> None:
        self._restate(mode, row, TZ=f"{self.random.randint(1, 400) / 4:g}")

    def _break(self, mode: str, row: Row) -> None:
        column, value, _ = self.random.choice(ERRORS)
        self._restate(mode, row, **{column: value})

    def _repeat(self, mode: str, row: Row) -> None:
        """The same row twice, or another version of it: later where there is a time, else a contradiction."""
        if broken(row) or sum(_key(other) == _key(row) for other in self.rows[mode]) > 1:
            return  # what waits twice, word for word, is kept once: nothing to count by
        if self.random.random() < 0.3:
            self._versions += 1
            row = with_(row, TZ=f"{100 + self._versions % 9000 / 100:g}", GXSJ=self._tick(later=True))
        self._append(mode, row)

    def _remove(self, mode: str, row: Row) -> None:
        if mode != "flagged":  # an increment does not tell: a scan of keys finds it
            self.rows[mode] = [other for other in self.rows[mode] if _key(other) != _key(row)]
        else:
            self._append(mode, with_(row, CZBS="D", GXSJ=self._tick(later=True)))

    def _restate(self, mode: str, row: Row, **cells: str | None) -> None:
        if mode == "flagged":  # a staging table: pushes are appended
            self._append(mode, with_(row, CZBS="U", GXSJ=self._tick(later=True), **cells))
            return
        changed = with_(row, GXSJ=self._tick(later=True), **cells)
        self.rows[mode] = [other for other in self.rows[mode] if _key(other) != _key(row)] + [changed]

    def _new(self) -> Row:
        self._tags += 1
        who = self.random.randrange(400)
        name = _SURNAMES[who % 10] + _GIVEN[who // 10 % 15] + _GIVEN[who // 7 % 15]
        number = citizen_no(who) if self.random.random() < 0.8 else None
        return ("2026", f"T{self._tags:06}", name, number, "示范市第一动物医院", "91350100M000100Y43",
                f"{self.random.randint(1, 400) / 4:g}", "2026-03-01", "I", self._tick())  # fmt: skip

    def _append(self, mode: str, row: Row) -> None:
        self.rows[mode].append(row)

    def _tick(self, *, later: bool = False) -> str:
        """A time of the source. Rows may tie, since clocks are coarse; versions of one row do not."""
        self._moment += timedelta(seconds=1 if later else self.random.choice((0, 1)))
        return self._moment.isoformat(" ")

    def write(self, mode: str) -> None:
        """Make the table what `rows` say."""
        with sqlite3.connect(self.path) as link:
            link.execute(f"DELETE FROM {dataset(mode)}")
            link.executemany(f"INSERT INTO {dataset(mode)} VALUES ({', '.join('?' * len(COLUMNS))})", self.rows[mode])


#: errors the generator makes: column, what stands there, and what should
ERRORS = (
    ("TZ", "999", "99.9"),
    ("SYR", None, "王小明"),
    ("ZJH", "110105194912310021", None),
    ("MYRQ", "2026-02-30", "2026-02-28"),
)
#: the items that those columns are read as
ITEMS = {"TZ": "weight_kg", "SYR": "owner_name", "ZJH": "owner_no", "MYRQ": "vaccinated_on"}


def broken(row: Row) -> bool:
    """Whether the generator put an error into the row."""
    return any(row[COLUMNS.index(column)] == value for column, value, _ in ERRORS)


def with_(row: Row, **cells: str | None) -> Row:
    """The row with some cells changed."""
    return tuple(cells.get(name, value) for name, value in zip(COLUMNS, row, strict=True))


def _key(row: Row) -> tuple[str | None, str | None]:
    return row[0], row[1]
