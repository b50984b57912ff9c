"""What tests of the service share."""

from tests.ledgers import ledger

__all__ = ["ledger"]
