"""Cursors of keyset paging: where a page ended, opaque to whoever carries it."""

from __future__ import annotations

import base64
import binascii
import json

from catalog_registry.finding import STAGES, Order, Position
from core.errors import Invalid
from core.text import T


def write(order: Order, position: Position) -> str:
    """The cursor of a position in an order."""
    body = [order, position.stage, position.key, position.class_path, position.sequence, position.position]
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


def read(cursor: str, order: Order) -> Position | None:
    """The position; None for no cursor. Raises Invalid for one that was not given out, or was for another order."""
    if not cursor:
        return None
    try:
        said, stage, key, class_path, sequence, position = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        )
        good = (
            said == order and stage in STAGES and isinstance(class_path, str) and class_path.isalnum()
            and all(type(number) is int and 0 <= number < 2**31 for number in (sequence, position))
            and (type(key) is str and key.isascii() and key.isprintable() if order == "name" else type(key) is int)
            and (order == "name" or abs(key) < 2**62)
        )  # fmt: skip
        if not good:
            raise ValueError("not a position")
    except (binascii.Error, UnicodeDecodeError, ValueError, TypeError) as error:
        raise Invalid(
            T("游标无效。", "The cursor is not valid."),
            remedy=T("使用上一页给出的 next。", "Use the `next` of the previous page."), pointer="/after",
        ) from error  # fmt: skip
    return Position(stage, key, class_path, sequence, position)
