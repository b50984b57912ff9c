"""What holds for all tests."""

import os

from tests.examples import register_profiles


def pytest_configure() -> None:
    """Tables are as wide as in a pipe, whatever terminal the tests were started from; examples are the same ones."""
    os.environ.pop("COLUMNS", None)
    register_profiles()
