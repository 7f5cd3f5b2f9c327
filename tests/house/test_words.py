"""Text people read is there in both languages; names of the city's data are data, not code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter

import yaml

from pipeline import cases, undoing
from tests.house.tree import ROOT, files, modules

HANZI = re.compile(r"[\u4e00-\u9fff]")


def pairs() -> Iterator[tuple[str, str, str]]:
    """Every `T("…", "…")` in the product: place, Chinese, English; expressions in them as `{expression}`."""
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "T":
                place = f"{name}:{node.lineno}"
                written = [plain(argument) for argument in node.args]
                if written and all(text is not None for text in written):
                    assert len(written) == 2, f"{place}: T takes the Chinese and the English"
                    yield place, str(written[0]), str(written[1])


def plain(node: ast.expr) -> str | None:
    """The text of a string or f-string as written; None for what is computed elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts)
    return None


def test_every_text_is_in_both_languages() -> None:
    found = list(pairs())
    assert len(found) > 100
    half = [place for place, zh, en in found if bool(zh.strip()) != bool(en.strip())]
    untranslated = [
        place for place, zh, en in found if not HANZI.search(zh) and zh != en and re.search(r"[A-Za-z]{4}", zh)
    ]
    assert (half, untranslated) == ([], [])


def test_english_is_english() -> None:
    # quoted Chinese (a state, an example) is fine; a sentence of it is not
    assert [place for place, _, en in pairs() if len(HANZI.findall(en)) > 8] == []


def test_every_kind_of_decision_has_words() -> None:
    said, told_elsewhere = set(cases.KINDS), []  # what `deciding._record` is told
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "decisions.record":
                module = import_module(name.removesuffix(".py").replace("/", "."))
                try:
                    said.add(attrgetter(ast.unparse(node.args[1]))(module))
                except AttributeError:
                    told_elsewhere.append(name)
    assert (said, told_elsewhere) == (set(undoing.KINDS), ["pipeline/deciding.py"])


def test_no_module_names_a_dataset_or_a_system() -> None:
    ids: set[str] = set()
    for path in files():
        parts = path.relative_to(ROOT).parts
        if parts[:2] == ("schemas", "contracts") and path.name.endswith(".odcs.yaml"):
            ids.add(path.name.partition(".")[0])
        if parts[:2] == ("connectors", "systems") and path.suffix == ".yaml":
            ids.add(str(yaml.safe_load(path.read_text("utf-8"))["system"]))
    assert len(ids) > 10
    rule = re.compile(rf"\b(?:{'|'.join(sorted(ids))})\b")
    found = []
    for name, tree in modules("demo"):
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                match = rule.search(node.value)
                if match:
                    found.append(f"{name}:{node.lineno}: {match[0]}")
    assert found == []
