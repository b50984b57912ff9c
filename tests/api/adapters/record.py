"""
Writes golden files of the checkouts anew, with what they are answered now: to be read, then committed.

    python -m tests.api.adapters.record            all of them
    python -m tests.api.adapters.record saleor-list
"""

import sys
from typing import Any

import msgspec

from tests.api.adapters.platforms import (
    GOLDEN,
    Send,
    golden,
    names,
    platforms,
    send_bigcommerce,
    send_function,
    send_saleor,
    send_shopify,
)

SENDERS: dict[str, Send] = {
    "shopify-points": send_function,
    "shopify-rates": send_shopify,
    "saleor-": send_saleor,
    "bigcommerce-": send_bigcommerce,
}
FILES = {name: sent for prefix, sent in SENDERS.items() for name in names(prefix)}
WIDE = 112


def text_of(value: Any, depth: int = 0) -> str:
    """JSON as a person would write it: what fits in a line is one."""
    flat = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    if len(flat) + depth <= WIDE or not isinstance(value, dict | list) or not value:
        return flat
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        rows = [f"{pad}{text_of(key)}: {text_of(part, depth + 1)}" for key, part in value.items()]
    else:
        rows = [pad + text_of(part, depth + 1) for part in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return opened + "\n" + ",\n".join(rows) + "\n" + " " * depth + closed


def record(name: str) -> None:
    """Write one."""
    exchanges = golden(name)
    with platforms() as shop:
        for one in exchanges:
            answer = FILES[name](shop, one["method"], one["path"], one["body"])
            one |= {"status": answer.status_code, "answer": answer.json()}
    (GOLDEN / f"{name}.json").write_text(text_of(exchanges) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FILES:
        record(chosen)
