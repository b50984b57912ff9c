"""A served app per test; the ledgers in turn."""

from collections.abc import Iterator

import pytest

from tests.api.http.ops_cases import in_service
from tests.api.http.served import Served, served
from tests.ledgers import ledger

__all__ = ["ledger", "shop"]


@pytest.fixture
def shop() -> Iterator[Served]:
    """The app without any API key, for whoever is on this machine."""
    with served() as running:
        yield running


@pytest.fixture
def whole() -> Iterator[Served]:
    """Likewise, with events, webhooks, metrics and health."""
    with in_service() as running:
        yield running
