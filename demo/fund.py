"""Writes the provident fund's database: an SQLite file, as a fund without MariaDB would keep it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from demo import sqlite

KEYS = {"dw_zhxx": ("dwzh",), "gr_zhxx": ("grzh",), "gr_mx": ("ywlsh",), "dk_zhxx": ("dkzh",)}


def write(tables: Mapping[str, pa.Table], path: Path) -> None:
    """Replace the file. Lower-case names; dates yyyy-mm-dd, months yyyymm and amounts are text, counts integers."""
    sqlite.write(path, {name: tables[name] for name in KEYS}, KEYS, integers=("dwjcrs", "dwfcrs", "dkqs"))
