"""A Chinese page and its English sibling show the same commands and name the same things, so that neither drifts from the
other: whoever changes one changes both."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.documentation.pages import CHINESE, DOCS, READMES, Block, blocks, links, outline, spans, without_comments
from tests.house.tree import ROOT

CHINESE_PAGES = [page for page in DOCS if page.name.endswith(CHINESE)]


def english(page: Path) -> Path:
    """The sibling of a Chinese page."""
    return page.with_name(page.name.removesuffix(CHINESE) + ".md")


def said(block: Block) -> list[str]:
    """What must be the same in both: every line without its comment; of what a command prints (`text`), which is in the
    reader's language, line by line the ids and numbers."""
    if block.language == "text":
        return [" ".join(re.findall(r"[\w./<>=-]*[\d_/][\w./<>=-]*", line, re.A)) for line in block.text.splitlines()]
    return without_comments(block.text).splitlines()


def target(page: Path, link: str) -> str:
    """Where a link leads, of two editions always the English one."""
    return link if "://" in link else os.path.normpath(page.parent / link).replace(CHINESE, ".md")


@pytest.mark.parametrize("page", CHINESE_PAGES, ids=lambda page: page.name)
def test_both_editions_say_the_same(page: Path) -> None:
    other = english(page)
    assert [block.language for block in blocks(page)] == [block.language for block in blocks(other)]
    for mine, theirs in zip(blocks(page), blocks(other), strict=True):
        assert said(mine) == said(theirs)
    assert spans(page) == spans(other)
    assert {target(page, link) for link in links(page)} - {target(page, page.name)} == {
        target(other, link) for link in links(other)
    } - {str(other)}
    assert outline(page) == outline(other)


@pytest.mark.parametrize("page", CHINESE_PAGES, ids=lambda page: page.name)
def test_each_edition_leads_to_the_other(page: Path) -> None:
    other = english(page)
    mine, theirs = (each.read_text("utf-8").splitlines() for each in (page, other))
    assert mine[2] == f"English: [{theirs[0].removeprefix('# ')}]({other.name})"
    assert theirs[2] == f"中文:[{mine[0].removeprefix('# ')}]({page.name})"


def test_who_reads_chinese_is_led_to_chinese_pages() -> None:
    """But for the one link to the other edition, a Chinese page links to the Chinese edition of whatever has one."""
    astray = []
    for page in (READMES[1], *CHINESE_PAGES):
        for link in links(page):
            found = page.parent / link
            has_chinese = found.with_name(found.name.removesuffix(".md") + CHINESE).is_file()
            if "://" not in link and found.suffix == ".md" and not link.endswith(CHINESE) and has_chinese:
                astray += [f"{page.name}: {link}"] if found != english(page) else []
    assert astray == []
    first, second = READMES
    assert {target(first, link) for link in links(first)} == {target(second, link) for link in links(second)}


@pytest.mark.parametrize("page", [*READMES, *DOCS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = [
        link
        for link in links(page)
        if "://" not in link and not (page.parent / link.partition("#")[0]).exists() and not link.startswith("#")
    ]
    assert lost == []
    assert all((page.parent / link).resolve().is_relative_to(ROOT) for link in links(page) if "://" not in link)
