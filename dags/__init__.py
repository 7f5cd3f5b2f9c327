"""Airflow's entrance: one DAG per feed, golden records on assets. DAG files hold a loop and a list of steps, no work."""
