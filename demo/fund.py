"""Writes the provident fund's database: MariaDB, or an SQLite file as a fund without a server would keep it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from demo import mariadb, sqlite

KEYS = {"dw_zhxx": ("dwzh",), "gr_zhxx": ("grzh",), "gr_mx": ("ywlsh",), "dk_zhxx": ("dkzh",)}
_SQLITE = "sqlite:///"
_TYPES = {
    **dict.fromkeys(("dwzh", "grzh", "dkzh", "ywlsh"), "varchar(20)"),
    **dict.fromkeys(("dwjcbl", "grjcbl"), "decimal(4,2)"),
    **dict.fromkeys(("dwjcrs", "dwfcrs", "dkqs"), "int"),
    **dict.fromkeys(("grjcjs", "gryjce", "dwyjce", "grzhye", "fse", "dkffe", "dkye"), "decimal(18,2)"),
    **dict.fromkeys(("dwkhrq", "khrq", "xhrq", "jzrq", "dkffrq", "dkjqrq"), "date NOT NULL"),
}  # fmt: skip


def write(tables: Mapping[str, pa.Table], url: str) -> None:
    """Replace the database: `sqlite:///<file>` or `mysql+pymysql://user:password@host:port/database`.

    Lower-case names. In SQLite dates yyyy-mm-dd, months yyyymm and amounts are text, counts integers; MariaDB has dates
    and decimals of its own, and 0000-00-00 for a day that is not known.
    """
    own = {name: tables[name] for name in KEYS}
    if url.startswith(_SQLITE):
        sqlite.write(Path(url.removeprefix(_SQLITE)), own, KEYS, integers=("dwjcrs", "dwfcrs", "dkqs"))
    else:
        mariadb.write(url, own, KEYS, _TYPES)
