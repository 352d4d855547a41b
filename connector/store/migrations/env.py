"""Alembic's entry: runs the migrations on the connection that `store/migrate.py` hands over, in its transaction."""

from alembic import context

from connector.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
