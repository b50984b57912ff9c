"""
A digest of each table of a network, to tell whether two networks are the same to a decision.

A network's version is a name that its owner gives; who edits a table and forgets the name is found out here. Names of
the network, notes on what is made up, and policies are left out: a decision reads none of them, or brings its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec
import numpy as np

from engine.network.model import Network, SkuTable, StockTable, ZonePairs

DIGITS = 16
_LEFT_OUT = ("name", "version", "synthetic", "meta", "policies")


def table_digests(network: Network) -> dict[str, str]:
    """
    A digest by field of the network, in the order of its fields.

    They depend on values, their types and the order of rows, and are the same on every machine.
    """
    encoder = msgspec.json.Encoder(enc_hook=_plain)
    return {
        field.name: hashlib.sha256(encoder.encode(_listed(getattr(network, field.name)))).hexdigest()[:DIGITS]
        for field in fields(Network)
        if field.name not in _LEFT_OUT
    }


def one_digest(by_table: Mapping[str, str]) -> str:
    """The digest of all tables together."""
    text = "\n".join(f"{name} {digest}" for name, digest in by_table.items())
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _listed(value: Any) -> Any:
    """A table of columns as its fields alone, without what it has worked out since."""
    if isinstance(value, (SkuTable, StockTable, ZonePairs)):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _plain(value: Any) -> Any:
    """What JSON does not know: an array as a digest of its bytes, a read-only mapping as a mapping."""
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return [str(little.dtype), list(little.shape), hashlib.sha256(little.tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(type(value))
