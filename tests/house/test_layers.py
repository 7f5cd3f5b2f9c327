"""import-linter watches every package there is (its `exhaustive` needs a container, and ours are flat)."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from tests.house.tree import ROOT, packages

CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_list_is_the_tree() -> None:
    said = CONFIGURATION["tool"]["importlinter"]
    layered = {name.strip() for layer in said["contracts"][0]["layers"] for name in layer.split("|")}
    assert set(said["root_packages"]) == packages() == layered


def test_the_wheel_and_the_type_checker_cover_the_tree() -> None:
    tools = CONFIGURATION["tool"]
    assert set(tools["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages()
    assert set(tools["mypy"]["files"]) >= packages()


def test_every_package_says_what_lives_there() -> None:
    for name in packages():
        head = (ROOT / name / "__init__.py").read_text("utf-8")
        assert head.startswith('"""') and len(head) > 20, name


def test_imports_go_downwards() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]
