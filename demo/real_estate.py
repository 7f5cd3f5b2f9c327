"""Writes the real-estate register into a PostgreSQL database that stands in for Oracle, Dameng or Kingbase.

Tables BDC_FDCQ, BDC_QLR and BDC_XZ, upper-case and therefore quoted; GXSJ is local time without a zone.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from demo import postgres

_TYPES = {
    "SXH": "integer", "JZMJ": "numeric(15,2)", "BDBZQSE": "numeric(18,2)", "DJSJ": "date", "QSSJ": "date",
    "JSSJ": "date", "GXSJ": "timestamp",
} | postgres.texts({
    "QLID": 32, "XZID": 32, "BDCDYH": 28, "BDCQZH": 100, "YWH": 30, "QLLX": 2, "DJLX": 3, "FDZL": 200, "GHYT": 3,
    "FWXZ": 2, "QSZT": 1, "QXDM": 6, "QLRMC": 200, "ZJZL": 2, "ZJH": 50, "QLRLX": 2, "GYFS": 1, "QLBL": 50, "DH": 20,
    "XZLX": 2, "CFLX": 1, "YGDJZL": 1, "DYFS": 1, "XZRMC": 200, "XZRZJH": 50,
})  # fmt: skip
KEYS = {"BDC_FDCQ": ("QLID",), "BDC_QLR": ("QLID", "SXH"), "BDC_XZ": ("XZID",)}


def write(tables: Mapping[str, pa.Table], url: str) -> None:
    """Replace the three tables in one transaction. Raises psycopg.Error when the server cannot be reached or refuses."""
    with postgres.connect(url) as connection:
        for name, key in KEYS.items():
            postgres.replace(connection, name, tables[name], _TYPES, key, "GXSJ")
