"""What DAGs tell each other: a dataset has a new batch."""

from __future__ import annotations

from airflow.sdk import Asset

#: one event for every delivered batch, of whatever dataset
RECORDS = Asset(name="records", uri="hutong://records")


def of(dataset: str) -> Asset:
    """The current records of one dataset."""
    return Asset(name=dataset, uri=f"hutong://records/{dataset}")
