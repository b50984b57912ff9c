"""The ledgers that tests run on: the plain one, and both real ones in a database of their own."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engine.adapters.ledger import open_ledger
from engine.stock.ledger import Ledger
from tests.ledger_twin import LedgerTwin
from tests.postgres import Postgres

KINDS = ("twin", "sqlite", "postgres")


@cache
def server() -> Postgres:
    """One server for all tests of a process; it ends with the process."""
    return Postgres.for_good()


def url_of(kind: str, folder: Path) -> str:
    """The address of a new, empty database."""
    return f"sqlite:///{folder / 'ledger.db'}" if kind == "sqlite" else server().database()


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Each ledger in turn."""
    made: Ledger = LedgerTwin() if request.param == "twin" else open_ledger(url_of(request.param, tmp_path))
    try:
        yield made
    finally:
        made.close()
