"""What can be wrong with a row's key, as rules beside those of the value types."""

from __future__ import annotations

from core.text import T
from schemas.types import Rule

ITEM = "_key"
MISSING = Rule(
    code="key.missing",
    severity="error",
    dimension="completeness",
    message=T("主键项为空", "an item of the key is empty"),
    remedy=T("请在来源系统补上该行的主键。", "Fill in the key of this row in the source system."),
)
CONFLICT = Rule(
    code="key.conflict",
    severity="error",
    dimension="consistency",
    message=T(
        "同一批中两行主键相同而内容不同，无法判断先后", "two rows of one batch have this key, differ, and have no order"
    ),
    remedy=T(
        "请在来源系统去重，或为该来源配置水位字段。", "Remove one in the source system, or give the feed a watermark."
    ),
)
RULES = (MISSING, CONFLICT)
