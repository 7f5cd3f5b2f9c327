"""What every tracked file owes to whoever reads it: nothing of one machine, no secret, a readable size."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT, files, text_of

# a home folder, this or that build machine's: nothing a reader could have
PATHS = re.compile(r"(?<![\w.~}])/(?:root|home/[a-z]|Users|work|mnt|opt/wheels)/")
KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
#: a file of 400 lines is asking a question; a table of cases may be a little longer
LONGEST = {False: 400, True: 500}


def test_no_path_of_a_machine_and_no_key() -> None:
    found = []
    for path in files():
        text = text_of(path)
        if text is not None and path.name != "test_files.py":
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for rule in (PATHS, KEY) for match in rule.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", sorted(path.name for path in files() if path.parent.name == "requirements"))
def test_requirements_are_locked_and_name_no_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "--hash=sha256:" in text and "://" not in text and "--index" not in text and "--find-links" not in text
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            assert "==" in line and line.endswith("\\"), f"{name}: {line}"


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in files()
        if path.suffix == ".py"
        and (count := len(path.read_text("utf-8").splitlines())) > LONGEST[path.is_relative_to(ROOT / "tests")]
    }
    assert long == {}


def test_nothing_large_or_generated_is_kept() -> None:
    heavy = [str(path.relative_to(ROOT)) for path in files() if path.stat().st_size > 1_500_000]
    assert heavy == []
    assert not [path for path in files() if path.suffix in {".pyc", ".log", ".sqlite", ".db", ".parquet"}]


def test_the_runner_of_checks_can_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
