"""The table that every contender loads: 12 columns as a departmental system would have them, made inside PostgreSQL."""

from __future__ import annotations

import psycopg

COLUMNS = (
    "id bigint PRIMARY KEY", "person_no text", "person_name text", "phone text", "born date", "sex text", "division text",
    "firm_no text", "amount numeric(18,2)", "paid_on date", "status text", "changed_at timestamp",
)  # fmt: skip
NAMES = [column.split()[0] for column in COLUMNS]

# Numbers with a right check digit: weights of GB 11643 and, for firms, an organisation code of 9 characters with GB 11714's.
_ROWS = """
WITH base AS (
  SELECT i, date '1950-01-01' + (i * 7919 % 22000)::int AS born,
    (ARRAY['430902','430903','430921','430922','430923','430981'])[1 + i % 6] AS division
  FROM generate_series({low}::bigint, {high}) AS i
), numbered AS (
  SELECT *, division || to_char(born, 'YYYYMMDD') || lpad((1 + i % 900)::text, 3, '0') AS first17,
    lpad((i % 90000000)::text, 8, '0') AS firm8 FROM base
), checked AS (
  SELECT *,
    (SELECT substr('10X98765432', 1 +
        (sum(substr(first17, p, 1)::int * (ARRAY[7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2])[p]) % 11)::int, 1)
      FROM generate_series(1, 17) AS p) AS check_digit,
    (SELECT (11 - sum(substr(firm8, p, 1)::int * (ARRAY[3,7,9,10,5,8,4,2])[p]) % 11)::int
      FROM generate_series(1, 8) AS p) AS firm_check
  FROM numbered
)
SELECT i, first17 || check_digit,
  (ARRAY['王','李','张','刘','陈','杨','赵','黄'])[1 + i % 8] ||
    (ARRAY['伟','芳','娜','敏','静','秀英','丽','强'])[1 + i / 8 % 8],
  '13' || lpad((i * 7 % 1000000000)::text, 9, '0'), born, (ARRAY['1','2'])[1 + i % 2], division,
  firm8 || CASE firm_check WHEN 10 THEN 'X' WHEN 11 THEN '0' ELSE firm_check::text END,
  (i * 37 % 10000000) / 100.0, date '2015-01-01' + (i % 4000)::int, (ARRAY['01','02','05'])[1 + i % 3],
  timestamp '2026-01-01 00:00:00' + (i % 20000000)::int * interval '1 second'
FROM checked
"""


def make(dsn: str, rows: int) -> None:
    """Create and fill `source_rows`."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS source_rows")
        connection.execute(f"CREATE TABLE source_rows ({', '.join(COLUMNS)})")
        for low in range(0, rows, 250_000):
            high = min(low + 250_000, rows) - 1
            connection.execute(f"INSERT INTO source_rows {_ROWS.format(low=low, high=high)}")
        connection.execute("VACUUM ANALYZE source_rows")


def change_tenth(dsn: str, round_: int) -> None:
    """Change one row in ten; every round changes other contents."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "UPDATE source_rows SET amount = amount + 1, changed_at = changed_at + interval '1 day' WHERE id %% 10 = %s",
            [round_ % 10],
        )
        connection.execute("VACUUM ANALYZE source_rows")
