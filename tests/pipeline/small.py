"""A small source of the tests' own: one contract with a composite key and two subjects, one SQLite system."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from schemas import published
from schemas.published import Document

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: pet_licence
name: 养犬登记
version: 1.0.0
status: active
domain: city_management
schema:
- name: pet_licence
  logicalType: object
  properties:
  - {name: year, businessName: 年度, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
  - {name: tag, businessName: 犬牌号, logicalType: string, primaryKey: true, primaryKeyPosition: 2, required: true}
  - {name: owner_name, businessName: 饲养人, logicalType: string, required: true, classification: personal,
     customProperties: [{property: valueType, value: person_name}]}
  - {name: owner_no, businessName: 证件号码, logicalType: string, classification: personal,
     customProperties: [{property: valueType, value: citizen_no}]}
  - {name: clinic_name, businessName: 免疫机构, logicalType: string, customProperties: [{property: valueType, value: organisation_name}]}
  - {name: clinic_no, businessName: 机构代码, logicalType: string, customProperties: [{property: valueType, value: organisation_no}]}
  - {name: weight_kg, businessName: 体重, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 200}}
  - {name: vaccinated_on, businessName: 免疫日期, logicalType: date}
  customProperties:
  - {property: subjects, value: [{role: owner, id: owner_no, name: owner_name}, {role: clinic, id: clinic_no, name: clinic_name}]}
  - {property: catalogue, value: {resourceClass: department, shareType: 1, shareMethod: interface, open: false}}
slaProperties: [{property: frequency, value: 1, unit: d}]
"""

SYSTEM_TEXT = """
system: pets
title: 养犬管理系统
department: city_management
connector: sql
secret: pets
feeds:
- contract: pet_licence
  source: {{table: pets}}
  mode: {mode}
  {watermark}
  columns: {{ND: year, QP: tag, SYR: owner_name, ZJH: owner_no,
    JG: clinic_name, JGDM: clinic_no, TZ: weight_kg, MYRQ: vaccinated_on}}
  ignore: [BZ]
  expect: {{rows: {{min: {minimum}}}, shrink: {shrink}}}
  covers: {{divisions: ["430900"]}}
"""
DEPARTMENT = """
id: city_management
name: 城市管理局
credit_code: 11370800MB28559184
division: "430900"
"""
FEED = "pets.pet_licence"
COLUMNS = ("ND", "QP", "SYR", "ZJH", "JG", "JGDM", "TZ", "MYRQ", "BZ", "GXSJ")

Row = tuple[object, ...]


def row(
    tag: str, *, year: int = 2026, owner: str = "王小明", number: str | None = "11010519491231002X", weight: object = 12.5,
    on: str = "2026-03-01", changed: str = "2026-03-01 08:00:00", clinic: str = "示范市第一动物医院",
    code: str | None = "91350100M000100Y43", note: str = "备注",
) -> Row:  # fmt: skip
    """One row of the source, in its column order."""
    return (year, tag, owner, number, clinic, code, weight, on, note, changed)


@dataclass
class Small:
    """The small source and the hub that reads it."""

    hub: Hub
    path: Path

    def write(self, rows: list[Row], columns: tuple[str, ...] = COLUMNS) -> None:
        """Replace the source's table."""
        with sqlite3.connect(self.path) as connection:
            connection.execute("DROP TABLE IF EXISTS pets")
            connection.execute(f"CREATE TABLE pets ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO pets VALUES ({marks})", rows)

    def publish(
        self,
        *,
        mode: str = "full",
        minimum: int = 0,
        shrink: str = "90%",
        contract: str = CONTRACT,
        system: str | None = None,
    ) -> None:
        """Put the documents into force."""
        mark = "watermark: GXSJ" if mode != "full" else ""
        text = system or SYSTEM_TEXT.format(mode=mode, watermark=mark, minimum=minimum, shrink=shrink)
        if mode == "full":
            text = text.replace("ignore: [BZ]", "ignore: [BZ, GXSJ]")
        with self.hub.begin() as connection:
            published.publish(
                connection,
                [
                    Document("department", "city_management", "1", DEPARTMENT, "test"),
                    Document("contract", "pet_licence", "1", contract, "test"),
                    Document("system", "pets", "1", text, "test"),
                ],
                SYSTEM,
            )
            secrets.put(connection, self.hub.keys, "pets", {"url": f"sqlite:///{self.path}"})
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)
