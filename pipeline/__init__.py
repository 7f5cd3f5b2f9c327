"""A batch's journey in: extract, land, standardise, validate, merge, deliver. Plain Python; Airflow and the CLI call it."""
