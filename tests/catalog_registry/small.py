"""A small catalogue as documents: three live resources of two departments, three that a third has only listed."""

from __future__ import annotations

from typing import Any

from catalog_registry import items, publication, resources
from catalog_registry.pages import Asked, Page
from core.actor import SYSTEM
from core.hub import Hub
from schemas.published import Document
from tests.catalog_registry.test_registry import contract

DEPARTMENT = 'id: {id}\nname: {name}\nenglish: {english}\ncredit_code: "114309000062870652"\ndivision: "430900"\n'
LISTING = """
listing: civil
reportedOn: 2026-06-30
systems:
- {id: civil_marriage, title: 婚姻登记系统}
resources:
- id: civil_marriages
  title: 婚姻登记信息
  system: civil_marriage
  summary: 夫妻双方及其登记日期，含建筑面积之外的一切。
  resourceClass: base
  shareType: 2
  shareCondition: 办理婚姻相关事项
  shareMethod: interface
  format: interface
  cycle: daily
  items: {xm: 姓名, djrq: {title: 登记日期, type: D}, xpzp: {title: 相片, type: G, shareType: 3}}
- id: civil_graves
  title: 公墓信息
  resourceClass: department
  shareType: 1
  shareMethod: file
  format: spreadsheet
  cycle: yearly
  items: {mc: 公墓名称, jzmj: {title: 建筑面积, type: N}, zdmj: {title: 占地面积, type: N}}
- id: civil_floors
  title: 养老机构建筑面积核定信息
  resourceClass: theme
  shareType: 1
  shareMethod: file
  format: electronic_file
  cycle: irregular
"""


def department(id: str, name: str, english: str) -> Document:
    return Document("department", id, "1", DEPARTMENT.format(id=id, name=name, english=english), f"{id}.yaml")


def listing(body: str = LISTING, id: str = "civil") -> Document:
    return Document("listing", id, "1", body, f"{id}.listing.yaml")


CIVIL = department("civil", "市民政局", "Civil affairs bureau")


def fill(hub: Hub) -> None:
    """Put the small catalogue into force."""
    publication.register(
        hub,
        [CIVIL, department("a", "市住房局", "Housing bureau"), listing(),
         contract("homes", "不动产权利登记信息"), contract("fund", "公积金账户"), contract("loans", "公积金贷款", "b")],
        SYSTEM,
    )  # fmt: skip


def ask(hub: Hub, q: str = "", *, of_items: bool = False, **said: Any) -> Page:
    with hub.read() as connection:
        return (items if of_items else resources).listed(hub, connection, Asked(q, **said))


def found(page: Page) -> list[str]:
    return [line["dataset"] for line in page.lines]
