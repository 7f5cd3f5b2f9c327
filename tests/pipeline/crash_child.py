"""Runs one feed and kills its own process (SIGKILL) around a chosen function: `module:function:before|after`.

A fork server that has imported the pipeline once gives every test its own process in milliseconds.
"""

from __future__ import annotations

import importlib
import os
import signal
from typing import Any

from core.hub import Hub
from core.settings import Settings
from pipeline import journey
from tests import forked


def arm(point: str) -> None:
    """Replace the function by one that kills the process."""
    module_name, name, when = point.split(":")
    module = importlib.import_module(module_name)
    owner: Any = module
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, last)

    def deadly(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, last, deadly)


def run(point: str, feed: str, home: str, url: str) -> None:
    """In the child: arm the point, then run the feed into it."""
    arm(point)
    journey.run(Hub.open(Settings(home=home, database_url=url)), feed)


def killed(point: str, feed: str, hub: Hub) -> int:
    """Run a feed in a process that dies at the point; its exit code (−9 for SIGKILL)."""
    process = forked.context().Process(target=run, args=(point, feed, str(hub.home), hub.url))
    process.start()
    process.join(120)
    return process.exitcode or 0
