"""Information items: which departments hold one, under which sharing type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from catalog_registry import departments, pages
from catalog_registry.facets import LISTED
from catalog_registry.pages import Asked, Page
from core.hub import Hub
from schemas.derive import catalogue
from schemas.published import Published


def listed(hub: Hub, connection: Connection, asked: Asked) -> Page:
    """The items that a question finds; without a question there are none. The sharing type is the item's own."""
    return pages.page(hub, connection, asked, _line, items=True)


def described(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as the catalogue keeps it, with its labels."""
    kind, share = catalogue.ITEM_TYPES[item["type"]], catalogue.SHARE_TYPES[item["share_type"]]
    return {
        **item, "type_label": kind.zh, "type_label_en": kind.en, "share_label": share.zh, "share_label_en": share.en,
    }  # fmt: skip


def _line(published: Published, row: Mapping[str, Any]) -> dict[str, Any]:
    told = described(row["item"])
    kept = ("name", "title", "type", "type_label", "type_label_en", "share_type", "share_label", "share_label_en")
    return {name: told[name] for name in kept} | {
        "resource": {
            "code": row["code"], "dataset": row["dataset"], "title": row["title"], "live": row["state"] != LISTED,
        },
        "department": departments.named(published, row["department"]),
    }  # fmt: skip
