"""A shop per test, with all adapters on."""

from collections.abc import Iterator

import pytest

from tests.api.adapters.platforms import platforms
from tests.api.http.served import Served


@pytest.fixture
def shop() -> Iterator[Served]:
    """All adapters on."""
    with platforms() as running:
        yield running


@pytest.fixture(scope="module")
def steady() -> Iterator[Served]:
    """The same for all tests of a file, none of which changes anything."""
    with platforms() as running:
        yield running
