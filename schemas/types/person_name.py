"""Names of persons: middle dots unified to ·, blanks inside removed; hanzi untouched."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, names
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_COMPOUND = (
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|申屠|公孙|"
    "慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|子车|亓官|司寇|巫马|公西|颛孙|壤驷|公良|漆雕|乐正|宰父|谷梁|拓跋|夹谷|"
    "轩辕|令狐|段干|百里|呼延|东郭|南门|羊舌|微生|公户|公玉|公仪|梁丘|公仲|公上|公门|公山|公坚|左丘|公伯|西门|公祖|第五|"
    "公乘|贯丘|公皙|南荣|东里|东宫|仲长|子书|子桑|即墨|达奚|褚师|吴铭|纳兰|完颜|叶赫|欧陽|司馬|諸葛|東方|尉遲"
)
_MASK = rf"^(?:({_COMPOUND})[^·].*|([^·\s]).+|.+)$"


class PersonName(ValueType):
    name = "person_name"
    title = T("姓名", "Name of a person")
    judges = "names"
    own_rules = (
        names.lost_rule("person_name"),
        Rule(
            "person_name.several",
            "error",
            "conformity",
            T("一个单元格里有几个姓名", "Several names in one cell"),
            T(
                "请来源按人分行，或在数据契约中声明 separator",
                "Ask for one row per person, or declare a separator in the contract",
            ),
        ),
        Rule(
            "person_name.test",
            "error",
            "accuracy",
            T("测试数据", "Test data"),
            T("请来源部门从正式库中清除", "Ask the source department to remove it from its live database"),
        ),
        Rule(
            "person_name.unusual",
            "warning",
            "conformity",
            T("含有姓名中不常见的字符（数字、符号）", "Holds characters unusual in a name (digits, signs)"),
            T("对照证件核对姓名", "Compare the name with the document"),
        ),
        Rule(
            "person_name.short",
            "warning",
            "completeness",
            T("姓名只有一个字或已脱敏", "A single character, or masked"),
            T("对照证件补全姓名", "Complete the name from the document"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        cells = columns.text(cells)
        values = columns.repair(cells, columns.rows_where(cells, names.odd_bytes), names.tidy)
        return values, np.zeros(len(values), np.uint32)

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        odd = columns.rows_where(values, names.odd_bytes)
        for pattern, code in (
            (names.LOST, "lost_character"),
            (r"[、,，;；/|]", "several"),
            (r"(?i)^(?:test|ceshi)(?:user|name)?\d*$", "test"),
            (r"[0-9０-９@#$%^&_=+<>\[\]{}~!！:：\"\\]", "unusual"),
            (r"[*＊×]", "short"),
        ):
            reasons[names.found_in(values, odd, pattern)] |= self.bit(code)
        reasons[columns.mask(pc.starts_with(values, "测试"))] |= self.bit("test")
        length = columns.lengths(values)
        short = np.flatnonzero((length > 0) & (length <= 4))
        if short.size:
            reasons[short[columns.mask(pc.equal(pc.utf8_length(values.take(pa.array(short))), 1))]] |= self.bit("short")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return pc.replace_substring_regex(values, r"(?s)" + _MASK, r"\1\2*")


TYPE = PersonName()
