"""Tests of the desk run on every ledger."""

from tests.ledgers import ledger

__all__ = ["ledger"]
