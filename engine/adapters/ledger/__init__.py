"""The ledger in SQLite and PostgreSQL."""

import os
import socket

from engine.adapters.ledger.audit import Finding, check
from engine.adapters.ledger.dump import backup, restore
from engine.adapters.ledger.migrate import upgrade
from engine.adapters.ledger.store import CONNECTIONS, SqlLedger
from engine.domain.errors import InputError

__all__ = ["Finding", "SqlLedger", "backup", "check", "open_ledger", "restore", "upgrade"]


def open_ledger(url: str, *, writer: str | None = None, connections: int = CONNECTIONS) -> SqlLedger:
    """
    Open a ledger, its tables made or upgraded where needed.

    Parameters
    ----------
    url
        sqlite:///file, or postgresql://user:password@host:port/database.
    writer
        The name of this process in the feed; made from host and process by default.
    connections
        To PostgreSQL, at most.
    """
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise InputError(f"Ledger ({url}) is of no known kind.", "sqlite:///ledger.db or postgresql://host/database.")
    return SqlLedger(url, writer or f"{socket.gethostname()}:{os.getpid()}", connections)
