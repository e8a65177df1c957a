"""Alembic's entry: runs on the connection that `koipond.store.migrate` hands over, in its transaction."""

from alembic import context

from koipond.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
