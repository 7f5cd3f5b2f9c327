"""Every setting is described in both languages, and something reads it."""

from __future__ import annotations

import ast
import re

import pytest

from core.settings import Settings
from tests.house.tree import modules


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_described_in_both_languages(name: str) -> None:
    about = Settings.model_fields[name].description or ""
    zh, slash, en = about.partition(" / ")  # `hutong config show` prints one of the halves
    assert re.search(r"[\u4e00-\u9fff]", zh) and slash and re.search(r"[A-Za-z]{3}", en)


def test_a_setting_that_nobody_reads_is_none() -> None:
    read = {node.attr for _, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(Settings.model_fields) - read == set()
