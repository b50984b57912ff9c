"""Bring a database to the tables of this version; `migrations/versions` says how, one step a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from engine.adapters.ledger.schema import metadata

HERE = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 7_700_000  # of PostgreSQL's advisory locks: one process at a time upgrades
HEAD = "head"


def upgrade(url: str, revision: str = HEAD) -> None:
    """Upgrade a database to a revision; nothing happens where it is there already. Keeps all data."""
    _run(url, lambda config: command.upgrade(config, revision))


def revision_of(url: str) -> str | None:
    """The revision that a database is at; None where it has no tables yet."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def differences(url: str) -> list[Any]:
    """What tables of a database differ from those of this version."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return list(compare_metadata(MigrationContext.configure(connection), metadata))
    finally:
        engine.dispose()


def _run(url: str, work: Callable[[Config], None]) -> None:
    engine = _engine(url)
    config = Config()
    config.set_main_option("script_location", str(HERE))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            work(config)
    finally:
        engine.dispose()


def _engine(url: str) -> sa.Engine:
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, connect_args={"timeout": 60})

        @sa.event.listens_for(engine, "connect")
        def opened(connection: Any, _: Any) -> None:
            connection.isolation_level = None

        return engine
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
