"""Random postings and counts do the same to both real ledgers as to the plain one."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.ledger import SqlLedger, check, open_ledger
from engine.stock.ledger import CapacityChange, Change, Count, FeedMark, Ledger, LimitChange, Move, Posting, StockChange
from engine.stock.records import IdempotencyKey, Part, Reservation
from engine.stock.records_oms import Exclusion, PickStats
from tests.examples import examples
from tests.ledger.cases import NOW_S, contents
from tests.ledger_twin import LedgerTwin
from tests.ledgers import url_of

KINDS = (Reservation, Part, Exclusion, PickStats, IdempotencyKey)
_count = iter(range(10**9))


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, ...]]:
    """All three, filled alike by one example after the other."""
    folder = tmp_path_factory.mktemp("random")
    real = [open_ledger(url_of(kind, folder)) for kind in ("sqlite", "postgres")]
    yield LedgerTwin(), *real
    for ledger in real:
        ledger.close()


class Random:
    """Postings about few rows, cells and records, so that most things happen to most of them."""

    def __init__(self, seed: int, example: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.example = example

    def pick(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def some(self, most: int, make: Any) -> list[Any]:
        return [make() for _ in range(self.rng.integers(0, most + 1))]

    def key(self) -> int:
        return self.example * 8 + int(self.rng.integers(4))

    def stock(self) -> StockChange:
        return StockChange(self.key(), self.pick(0, 0, 3, -1), self.pick(-1, 0, 1, 2), self.pick(None, 0, 1, -1))

    def capacity(self) -> CapacityChange:
        day, hour = self.example, self.pick(-1, 9)
        return CapacityChange(
            1, day, hour, self.pick(-1, 1, 1), self.pick(-1, 1, 2), self.pick(-1, 3), self.pick(-1, 4)
        )

    def limit(self) -> LimitChange:
        return LimitChange(1, self.example, self.pick(-1, 9), self.pick(-1, 0, 2), self.pick(-1, 1, 3))

    def record(self, versions: tuple[int, ...]) -> Any:
        name, version = f"{self.example}-{self.rng.integers(3)}", self.pick(*versions)
        if self.rng.random() < 0.5:
            state = self.pick("held", "ended")
            return Reservation(
                reservation_id=name,
                order_id="o",
                kind="hold",
                state=state,
                created_s=1,
                updated_s=int(self.rng.integers(9)),
                version=version,
            )
        return PickStats(
            node_no=1, sku_class=name, asked=int(self.rng.integers(9)), failed=0, updated_s=1, version=version
        )

    def exclusion(self) -> Exclusion:
        until_s = int(self.rng.integers(9))
        return Exclusion(order_id=f"{self.example}", node_no=self.pick(1, 2), sku_no=3, until_s=until_s, reason="x")

    def move(self) -> Move:
        return Move(self.key(), self.pick(-1, 2), NOW_S + self.pick(0, 5), "shipped", "r")

    def answer(self) -> IdempotencyKey | None:
        if self.rng.random() < 0.5:
            return None
        name = f"{self.example}-{self.rng.integers(4)}"
        body = f"{self.rng.integers(99)}"
        return IdempotencyKey(scope="s", key=name, fingerprint="f", status=200, body=body, created_s=1)

    def posting(self) -> Posting:
        return Posting(
            stock=self.some(2, self.stock),
            capacity=self.some(1, self.capacity),
            limits=self.some(1, self.limit) if self.rng.random() < 0.3 else [],
            moves=self.some(1, self.move),
            makes=self.some(2, lambda: self.record((1,))),
            changes=self.some(1, lambda: self.record((2, 2, 3))),
            puts=self.some(1, self.pick(self.exclusion, lambda: self.record((1, 2)))),
            drops=self.some(1, self.pick(self.exclusion, lambda: self.record((1,)))) if self.rng.random() < 0.3 else [],
            notices=self.some(1, lambda: self.pick("nodes", "policies")),
            key=self.answer(),
        )

    def count(self) -> Count:
        seq = self.pick(None, *range(1, 7))
        if self.rng.random() < 0.5:
            return Count(self.key(), int(self.rng.integers(-1, 9)), None, seq, self.pick(None, NOW_S + 2))
        return Count(self.key(), None, int(self.rng.integers(-2, 4)), seq)


def records(ledger: Ledger) -> list[list[bytes]]:
    return [[msgspec.json.encode(one) for one in ledger.find(kind, limit=100_000)] for kind in KINDS]


def _told(ledger: Ledger, mark: FeedMark, expected: int) -> list[Change]:
    """The feed since a mark, once all is in it: a transaction of somebody else may hold the last ones back a little."""
    for _ in range(5_000):
        told = ledger.changes(mark)
        if len(told) >= expected:
            break
    return told


@settings(max_examples=examples(40), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_three_ledgers_agree_on_every_outcome_and_end_alike(ledgers: tuple[Ledger, ...], seed: int) -> None:
    example = next(_count)
    dice = Random(seed, example)
    marks = [ledger.load(0).mark for ledger in ledgers]
    for _ in range(4):
        if dice.rng.random() < 0.3:
            counts, source = dice.some(6, dice.count), dice.pick("wms", "till")
            counted = [ledger.count(counts, NOW_S, source) for ledger in ledgers]
            assert all(one.results == counted[0].results and one.stock == counted[0].stock for one in counted)
        else:
            postings = dice.some(6, dice.posting)
            posted = [ledger.post(postings, NOW_S) for ledger in ledgers]
            assert all(one.outcomes == posted[0].outcomes for one in posted)
            assert all(sorted(one.stock) == sorted(posted[0].stock) for one in posted)
            assert all(sorted(one.capacity) == sorted(posted[0].capacity) for one in posted)
            assert all((one.seq < 0) == (posted[0].seq < 0) for one in posted)
    assert all(contents(ledger) == contents(ledgers[0]) for ledger in ledgers)
    assert all(records(ledger) == records(ledgers[0]) for ledger in ledgers)
    expected = len(ledgers[0].changes(marks[0]))
    told = [_told(ledger, mark, expected) for ledger, mark in zip(ledgers, marks, strict=True)]
    changed = [
        [(sorted(c.stock), sorted(c.capacity), sorted(c.notices)) for c in one if c.stock or c.capacity] for one in told
    ]
    assert all([c[:2] for c in one] == [c[:2] for c in changed[0]] for one in changed)


def test_random_postings_never_hit_the_last_guard(ledgers: tuple[Ledger, ...]) -> None:
    for ledger in ledgers[1:]:
        assert isinstance(ledger, SqlLedger)
        assert ledger.guard_hits == 0
        assert {found.kind for found in check(ledger)} <= {"leaked", "overdrawn", "oversold"}  # of rows without parts
