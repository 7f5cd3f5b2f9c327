"""Airflow's entrance: one DAG per feed, golden records on assets. A loop and a list of steps; no work here."""
