"""Tests of the ledger run on every ledger."""

from tests.ledgers import ledger

__all__ = ["ledger"]
