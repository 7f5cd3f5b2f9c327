"""Names of administrative divisions in both languages: GB/T 2260 has Chinese ones only, English ones are their pinyin."""

from __future__ import annotations

from functools import lru_cache

from core.text import T
from schemas.codes import divisions

# the word a name ends with, the longest first; what stands before it is the name proper
_KINDS = (
    ("维吾尔自治区", "Uygur Autonomous Region"), ("壮族自治区", "Zhuang Autonomous Region"),
    ("回族自治区", "Hui Autonomous Region"), ("特别行政区", "Special Administrative Region"),
    ("自治区", "Autonomous Region"), ("自治州", "Autonomous Prefecture"), ("自治县", "Autonomous County"),
    ("自治旗", "Autonomous Banner"), ("地区", "Prefecture"), ("省", "Province"), ("市", ""), ("盟", "League"),
    ("县", "County"), ("区", "District"), ("旗", "Banner"),
)  # fmt: skip


@lru_cache(maxsize=1024)
def label(code: str) -> T:
    """The name of a division, as it stands alone; the code itself when nobody ever had it."""
    from pypinyin import lazy_pinyin  # a tenth of a second, and most commands need no name

    entries = divisions.history().get(code)
    if not entries:
        return T(code, code)
    name = entries[-1].name
    for ending, english in _KINDS:
        if name.endswith(ending) and len(name) > len(ending):
            proper = "".join(lazy_pinyin(name.removesuffix(ending))).capitalize()
            return T(name, f"{proper} {english}".strip())
    return T(name, "".join(lazy_pinyin(name)).capitalize())


@lru_cache(maxsize=1024)
def full(code: str) -> T:
    """The name from the province down, in English from the division up: Ziyang District, Yiyang, Hunan Province."""
    above = [part for part in (code[:2] + "0000", code[:4] + "00") if part != code and part in divisions.history()]
    return T(divisions.name(code) or code, ", ".join(label(part).en for part in (code, *reversed(above))))
