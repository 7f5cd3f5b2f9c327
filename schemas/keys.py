"""What can be wrong with a row's key, or with what a source flags about it, as rules beside those of the value types."""

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
UNTIMED = Rule(
    code="key.untimed",
    severity="error",
    dimension="completeness",
    message=T("没有操作时间，无法判断先后", "no time of change: whether it is the latest cannot be said"),
    remedy=T("请来源部门补上操作时间后重新推送。", "Ask the department to push it again with its time."),
)
FLAG = Rule(
    code="key.flag",
    severity="error",
    dimension="conformity",
    message=T("操作标识不在约定之内", "the flag is none of those agreed"),
    remedy=T(
        "请来源部门核实后重新推送；确有新标识的，写入该任务的 flag。",
        "Ask the department to push it again; a new flag goes under `flag` of the feed.",
    ),
)
FUTURE = Rule(
    code="key.future",
    severity="error",
    dimension="timeliness",
    message=T("操作时间晚于收到的时间", "its time of change lies after it was received"),
    remedy=T(
        "请来源部门更正时间后重新推送；时间到后会自动再判断。",
        "Ask the department to push it again with the right time; it is judged again when that time has come.",
    ),
)
RULES = (MISSING, CONFLICT, UNTIMED, FLAG, FUTURE)
