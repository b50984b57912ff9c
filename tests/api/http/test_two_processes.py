"""Two processes of the service on one database: what is sent to both at the same time is one call."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from engine.adapters.ledger import SqlLedger, check, open_ledger
from engine.stock.ledger import stock_key
from engine.stock.records import DecisionRecord
from tests import builders
from tests.api.http.served import Served, order, served
from tests.ledgers import url_of

CALLS = 12
Pair = tuple[tuple[Served, SqlLedger], tuple[Served, SqlLedger]]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two services, each with a ledger of its own in the same database."""
    url = url_of("postgres", tmp_path)
    shop = builders.network(stock={("wh", "a"): 100, ("wh", "b"): 100})
    with ExitStack() as stack:
        made = []
        for name in ("one", "other"):
            ledger = open_ledger(url, writer=name)
            stack.callback(ledger.close)
            made.append((stack.enter_context(served(shop, ledger)), ledger))
        yield made[0], made[1]


def at_both(pair: Pair, send: Callable[[Served], Any]) -> list[Any]:
    """Send to both at the same moment."""
    barrier = Barrier(2)

    def one(shop: Served) -> Any:
        barrier.wait()
        return send(shop)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, [shop for shop, _ in pair]))


def row(pair: Pair, sku_no: int = 0) -> tuple[int, int]:
    found = pair[0][1].stock_row(stock_key(sku_no, 0))[0]
    return found.on_hand, found.reserved


def same(answers: list[Any]) -> None:
    """Both were answered the same, and nobody was told to come back."""
    first, second = answers
    assert (first.status_code, second.status_code) == (200, 200), (first.text, second.text)
    assert first.content == second.content
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == ["", "true"]


def test_an_order_sent_to_both_is_held_once_and_answered_the_same(pair: Pair) -> None:
    for i in range(CALLS):
        body = order(f"o{i}", quantity=2)
        same(at_both(pair, lambda shop, body=body, i=i: shop.call("POST", "/v1/allocations", body, key=f"k{i}")))
    ledger = pair[0][1]
    assert row(pair) == (100, 2 * CALLS)
    assert len(ledger.find(DecisionRecord, limit=1_000)) == CALLS
    assert check(ledger) == []


def test_orders_of_a_bulk_call_sent_to_both_are_held_once(pair: Pair) -> None:
    body = {"orders": [order(f"o{i}") for i in range(CALLS)]}
    first, second = at_both(pair, lambda shop: shop.call("POST", "/v1/allocations:bulk", body, key="bulk"))
    answers = [[entry["answer"] for entry in said.json()["results"]] for said in (first, second)]
    assert answers[0] == answers[1]
    assert row(pair) == (100, CALLS)


def test_a_change_of_stock_sent_to_both_is_made_once(pair: Pair) -> None:
    for i in range(CALLS):
        body = {"node": "wh", "sku": "a", "units": -1}
        same(at_both(pair, lambda shop, body=body, i=i: shop.call("POST", "/v1/stock:adjust", body, key=f"k{i}")))
    assert row(pair) == (100 - CALLS, 0)


def test_a_feed_without_numbers_sent_to_both_is_applied_once(pair: Pair) -> None:
    lines = b"\n".join([b'{"node":"wh","sku":"a","units":1}'] * 5)
    for i in range(CALLS):

        def send(shop: Served, i: int = i) -> Any:
            return shop.call("POST", "/v1/stock:sync", lines, key=f"f{i}", content_type="application/x-ndjson")

        first, second = at_both(pair, send)
        assert (first.status_code, first.content) == (200, second.content)
    assert row(pair) == (100 + 5 * CALLS, 0)


def test_a_key_that_the_other_process_knows_is_not_used_for_another_payload(pair: Pair) -> None:
    (one, _), (other, _) = pair
    assert one.call("POST", "/v1/allocations", order("o1"), key="k").status_code == 200
    refused = other.call("POST", "/v1/allocations", order("o1", quantity=2), key="k")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-payload")
    assert row(pair) == (100, 1)
