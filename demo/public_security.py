"""Writes the exchange staging database public security pushes into: a PostgreSQL database.

HJ_CZRK holds every push still there, several for one RYBS, each flagged by CZBS (I, U, D) and timed by CZSJ, in local time
without a zone; HJ_BD a row for each change. Dates are eight digits.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from demo import postgres

_TYPES = {"CZSJ": "timestamp"} | postgres.texts({
    "RYBS": 32, "GMSFHM": 18, "XM": 100, "CYM": 100, "XB": 1, "MZ": 2, "CSRQ": 8, "HH": 20, "HLX": 1, "YHZGX": 2,
    "HJQH": 6, "HJDZ": 200, "PCS": 100, "HYZK": 2, "RYZT": 1, "ZXSJ": 8, "CZBS": 1, "BDBH": 32, "BDLX": 2, "BDRQ": 8,
    "BDQ": 200, "BDH": 200,
})  # fmt: skip
# the staging tables, and the tables of the city they hold: the last push of each record, and the pushes before it
PARTS = {"HJ_CZRK": ("HJ_CZRK", "HJ_CZRK_earlier"), "HJ_BD": ("HJ_BD",)}


def write(tables: Mapping[str, pa.Table], url: str) -> None:
    """Replace both tables in one transaction. Raises psycopg.Error when the server cannot be reached or refuses."""
    with postgres.connect(url) as connection:
        for name, parts in PARTS.items():
            pushed = pa.concat_tables([tables[part] for part in parts]).sort_by("CZSJ")
            postgres.replace(connection, name, pushed, _TYPES, index="CZSJ")
