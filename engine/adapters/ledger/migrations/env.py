"""How Alembic reaches the database: on the connection that `migrate.py` hands it."""

from alembic import context

from engine.adapters.ledger.schema import metadata

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata,
    include_object=config.attributes.get("include_object"),
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
