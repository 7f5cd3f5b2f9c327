"""What the fork server imports and does once, so that no process of a test has to: great_expectations takes five seconds.
No module of `cli`: its help is in the language of whoever imports it."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
import rich.console
import typer

from api import app
from catalog_registry import publication
from connectors import system as systems
from core.backup import restore, take
from pipeline import journey
from pipeline.standardise import Standardiser
from pipeline.validate import Judge
from schemas import contract as contracts
from tests.crash import chores, worker
from tests.crash.world import COLUMNS, SYSTEM_ID, documents

__all__ = ["app", "chores", "journey", "publication", "pytest", "restore", "rich", "take", "typer", "worker"]


def warm() -> None:
    """Judge one row by every contract of the small world."""
    texts = {(kind, id): text for kind, id, text in documents()}
    system = systems.load(texts["system", SYSTEM_ID], file="warm")
    for feed in system.feeds:
        contract = contracts.load(texts["contract", feed.dataset], file="warm")
        rows = pa.RecordBatch.from_pylist([dict.fromkeys(COLUMNS, "1")])
        standardiser = Standardiser(contract, feed, date(2026, 1, 1))
        Judge(contract)(standardiser(rows), standardiser)


warm()
