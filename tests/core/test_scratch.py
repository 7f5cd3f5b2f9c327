"""Scratch folders: private, locked while in use, and swept after a process that was killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import scratch
from core.errors import NotReady


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path


def work_until_killed(folder: str) -> None:
    tempfile.tempdir = folder
    with scratch.folder() as mine:
        (mine / "copy.csv").write_text("430903199001011234")
        os.kill(os.getpid(), signal.SIGKILL)


def test_it_is_private_and_gone_after_use(temporary: Path) -> None:
    with scratch.folder() as mine:
        (mine / "copy.csv").write_text("x")
        assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_swept_by_the_next(temporary: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work_until_killed, args=(str(temporary),))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    [left] = temporary.iterdir()
    with scratch.folder() as mine:
        assert list(temporary.iterdir()) == [mine]
        assert mine != left


def test_one_that_is_in_use_is_not_swept(temporary: Path) -> None:
    with scratch.folder() as mine, scratch.folder() as other:
        scratch.sweep()
        assert mine.exists()
        assert other.exists()


def test_many_at_once_do_not_take_each_other_s(temporary: Path) -> None:
    broken: list[str] = []

    def work() -> None:
        for _ in range(30):
            with scratch.folder() as mine:
                (mine / "copy").write_text("x")
                if not (mine / "copy").exists():
                    broken.append(mine.name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert list(temporary.iterdir()) == []


def test_others_folders_and_links_are_left_alone(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "precious").write_text("x")
    (temporary / f"{scratch.PREFIX}link").symlink_to(elsewhere)
    (temporary / "hutong-other").mkdir()
    scratch.sweep()
    assert (elsewhere / "precious").exists()
    assert (temporary / "hutong-other").exists()


def test_a_folder_that_cannot_be_made_says_so(temporary: Path) -> None:
    tempfile.tempdir = str(temporary / "nowhere")
    with pytest.raises(NotReady, match="TMPDIR"), scratch.folder():
        pass
