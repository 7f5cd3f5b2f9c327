"""Processes of their own in milliseconds: one fork server for each test process has imported the product once."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext


def context() -> ForkServerContext:
    """Where to make them. Whoever asks first starts the server, so everybody asks here: what it imports must not hang on who."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.warm"])
    return made
