"""Alembic's entrance: migrations run on the connection that core.database gives."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], target_metadata=None, version_table="hutong_version"
)
context.run_migrations()
