"""What holds for all tests."""

import os


def pytest_configure() -> None:
    """Tables are as wide as in a pipe, whatever terminal the tests were started from."""
    os.environ.pop("COLUMNS", None)
