"""A key's part that is about nobody is shown, but for a person's number that stands in it."""

from __future__ import annotations

import pytest

from libraries import business_key

NUMBER = "11010519491231002X"


@pytest.mark.parametrize("part", ["20260001234567", "(2026)鲁0102民初17号", "HT-2026 0001 7", "2026-01-01", ""])
def test_by_what_is_about_nobody_a_record_is_found(part: str) -> None:
    assert business_key.plain(part) == part


def test_of_a_long_part_the_beginning_is_shown() -> None:
    assert business_key.plain("鲁" * 100_000) == "鲁" * 200 + "…"


@pytest.mark.parametrize(
    "part",
    [
        NUMBER, f"王小明{NUMBER}", f"王小明 {NUMBER}", f"P{NUMBER}", f"{NUMBER}01", f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
        "１１０１０５１９４９１２３１００２Ｘ", "138 0013 8000", "王小明13800138000",
    ],
)  # fmt: skip
def test_nobodys_number_is_shown_however_it_is_written(part: str) -> None:
    shown = business_key.plain(part)
    assert shown in ("***", "110105****002X") and (shown != "***" or part != NUMBER)
