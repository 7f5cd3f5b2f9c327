"""Writes the real-estate register into a PostgreSQL database that stands in for Oracle, Dameng or Kingbase.

Tables BDC_FDCQ, BDC_QLR and BDC_XZ, upper-case and therefore quoted; GXSJ is local time without a zone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import psycopg
import pyarrow as pa
import pyarrow.csv as pcsv
from psycopg import sql

_TYPES = {
    "SXH": "integer", "JZMJ": "numeric(15,2)", "BDBZQSE": "numeric(18,2)", "DJSJ": "date", "QSSJ": "date",
    "JSSJ": "date", "GXSJ": "timestamp",
}  # fmt: skip
_LENGTHS = {
    "QLID": 32, "XZID": 32, "BDCDYH": 28, "BDCQZH": 100, "YWH": 30, "QLLX": 2, "DJLX": 3, "FDZL": 200, "GHYT": 3,
    "FWXZ": 2, "QSZT": 1, "QXDM": 6, "QLRMC": 200, "ZJZL": 2, "ZJH": 50, "QLRLX": 2, "GYFS": 1, "QLBL": 50, "DH": 20,
    "XZLX": 2, "CFLX": 1, "YGDJZL": 1, "DYFS": 1, "XZRMC": 200, "XZRZJH": 50,
}  # fmt: skip
KEYS = {"BDC_FDCQ": ("QLID",), "BDC_QLR": ("QLID", "SXH"), "BDC_XZ": ("XZID",)}


def write(tables: Mapping[str, pa.Table], url: str) -> None:
    """Replace the three tables in one transaction.

    `url` is a PostgreSQL URL, with or without SQLAlchemy's driver name. Raises psycopg.Error when the server cannot
    be reached or refuses.
    """
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1)) as connection:
        for name, key in KEYS.items():
            _replace(connection, name, tables[name], key)


def _replace(
    connection: psycopg.Connection[tuple[object, ...]], name: str, table: pa.Table, key: tuple[str, ...]
) -> None:
    quoted, columns = sql.Identifier(name), table.column_names
    connection.execute(sql.SQL("drop table if exists {}").format(quoted))
    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_TYPES.get(column) or f"varchar({_LENGTHS[column]})"))
        for column in columns
    ]
    connection.execute(sql.SQL("create table {} ({})").format(quoted, sql.SQL(", ").join(definitions)))
    buffer = io.BytesIO()
    # a null is an empty field and never quoted, which is how COPY's CSV form reads it
    pcsv.write_csv(table, buffer, pcsv.WriteOptions(include_header=False, quoting_style="needed"))
    with connection.cursor().copy(sql.SQL("copy {} from stdin (format csv)").format(quoted)) as copy:
        copy.write(buffer.getbuffer())
    keys = sql.SQL(", ").join(map(sql.Identifier, key))
    connection.execute(sql.SQL("alter table {} add primary key ({})").format(quoted, keys))
    connection.execute(sql.SQL("create index on {} ({})").format(quoted, sql.Identifier("GXSJ")))
