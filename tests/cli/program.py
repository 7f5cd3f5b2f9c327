"""`hutong` as an operator runs it: a process with its own arguments, environment, streams and exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import forked

ROOT = Path(__file__).resolve().parents[2]
Hutong = Callable[..., subprocess.CompletedProcess[str]]
_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


def hutong(home: Path, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`hutong ARGUMENTS` on one home, without a terminal, in English; more variables by name. What it stands on is imported
    already, the command line itself is not: it says its help in the language it finds."""
    with tempfile.TemporaryDirectory() as folder:
        streams = {name: Path(folder) / name for name in _STREAMS}
        streams["stdin"].write_text(stdin, "utf-8")
        process = forked.context().Process(target=_run, args=(arguments, environment(home, variables), streams))
        process.start()
        process.join(300)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"hutong {' '.join(arguments)}")
        out, error = (
            streams[name].read_text("utf-8") if streams[name].exists() else "" for name in ("stdout", "stderr")
        )
    return subprocess.CompletedProcess(["hutong", *arguments], process.exitcode, out, error)


def started(home: Path, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """The same from nothing, as a shell starts it: where the process itself is what is tested, or it starts others."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        input=stdin,
        env=environment(home, variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
    )


def environment(home: Path, variables: dict[str, str]) -> dict[str, str]:
    """The variables of a process of an installation."""
    return {**os.environ, "HUTONG_HOME": str(home), "HUTONG_LANG": "en", **variables}


def of(done: subprocess.CompletedProcess[str]) -> Any:
    """The document that a command printed; it went well."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _run(arguments: tuple[str, ...], variables: dict[str, str], streams: dict[str, Path]) -> None:
    """In the child: everything as a shell would have set it."""
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    sys.argv = ["hutong", *arguments]
    for number, (name, mode) in enumerate(_STREAMS.items()):
        with streams[name].open(mode) as stream:
            os.dup2(stream.fileno(), number)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    from cli.main import main

    main()
