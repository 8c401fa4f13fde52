"""Alembic's entry: runs on the connection that `sipetl.warehouse.upgrade` hands over."""

from alembic import context
from sqlalchemy import text

from sipetl.warehouse import tables

connection = context.config.attributes["connection"]
for schema in tables.SCHEMAS:
    connection.execute(text(f"create schema if not exists {schema}"))
context.configure(
    connection=connection,
    target_metadata=tables.metadata,
    version_table="alembic_version",
    version_table_schema="ops",
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name in tables.SCHEMAS,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
