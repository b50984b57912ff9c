"""Opening, upgrading, copying, auditing and pruning the real ledgers."""

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
import sqlalchemy as sa

from engine.adapters.ledger import SqlLedger, backup, check, open_ledger, restore, upgrade
from engine.adapters.ledger.migrate import differences, revision_of
from engine.adapters.ledger.schema import TABLES, metadata
from engine.domain.errors import InputError
from engine.network.model import ChannelProtection, Inbound, SafetyStock
from engine.stock.ledger import Count, FeedMark, Move, Posting, StockChange, stock_key
from engine.stock.records import EventRecord, IdempotencyKey, PartState, Reservation
from engine.stock.records_oms import Delivery, HeldBack, Lot, Webhook
from tests import builders
from tests.ledger.cases import NOW_S, TODAY, allocation, contents, event, part, remembered, stocked
from tests.ledgers import url_of

DAY_S = 86_400


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


@pytest.fixture
def real(url: str) -> Iterator[SqlLedger]:
    made = open_ledger(url)
    yield made
    made.close()


def everything(ledger: SqlLedger) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the feed, which begins anew in a copy."""
    with ledger.reader() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(sa.select(table)))
            for name, table in metadata.tables.items()
            if name != "feed"
        }


# --- opening


def test_a_network_is_numbered_and_its_stock_written_once(real: SqlLedger) -> None:
    network = builders.network(
        inbound=(
            Inbound(
                node_id=builders.node().node_id,
                sku=builders.network().skus.ids[0],
                units=7,
                available_at=builders.AS_OF,
            ),
        ),
        safety_stock=(SafetyStock(node_id=builders.node().node_id, sku=None, channel="", units=2),),
        channel_protection=(
            ChannelProtection(
                node_id=builders.node().node_id, sku=builders.network().skus.ids[0], channel="web", units=1
            ),
        ),
    )
    numbers = real.open(network, NOW_S)
    assert numbers.nodes == [node.node_id for node in network.nodes]
    assert numbers.skus == list(network.skus.ids)
    table = network.stock
    expected = {
        stock_key(sku, node): (on_hand, reserved)
        for node, sku, on_hand, reserved in zip(
            table.node.tolist(), table.sku.tolist(), table.on_hand.tolist(), table.reserved.tolist(), strict=True
        )
        if on_hand or reserved
    }
    assert contents(real)[0] == expected
    assert [lot.units for lot in real.find(Lot)] == [7]
    assert [(kept.rule, kept.sku_no, kept.units) for kept in real.find(HeldBack)] == [
        ("protection", 0, 1),
        ("safety", -1, 2),
    ]
    real.post([Posting(stock=[StockChange(stock_key(0, 0), 5, 0)])], NOW_S)
    before = everything(real)
    assert real.open(network, NOW_S) == numbers
    assert everything(real) == before


def test_nodes_and_skus_that_come_later_get_the_next_numbers(real: SqlLedger) -> None:
    first = builders.network()
    real.open(first, NOW_S)
    more = builders.network(nodes=(builders.node("new"), *first.nodes))
    assert real.open(more, NOW_S).nodes == [*(node.node_id for node in first.nodes), "new"]


def test_stock_is_loaded_in_the_order_of_its_keys_however_much_there_is(real: SqlLedger) -> None:
    keys = np.random.default_rng(1).permutation(250_000)[:230_000].tolist()
    for at in range(0, len(keys), 20_000):
        stocked(real, {key: key % 97 for key in keys[at : at + 20_000]})
    found = real.load(0)
    assert found.key.tolist() == sorted(keys)
    assert (found.on_hand == found.key % 97).all()
    assert not found.reserved.any()
    assert (found.seq > 0).sum() == np.count_nonzero(found.on_hand)


# --- upgrading


def test_a_database_of_the_first_version_is_upgraded_with_all_it_holds(url: str) -> None:
    upgrade(url, "0001")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO stock (key, on_hand, reserved, seq) VALUES (5, 9, 2, 1)")
        connection.exec_driver_sql("INSERT INTO capacity VALUES (5, 1, -1, 2, 3)")
        made = allocation("old", 5)
        for record in made.makes[:1]:
            values = {name: getattr(record, name) for name in record.__struct_fields__}
            connection.execute(sa.insert(TABLES[Reservation]).values(values))
    engine.dispose()
    assert revision_of(url) == "0001"
    ledger = open_ledger(url)
    assert contents(ledger) == ({5: (9, 2)}, {(5, 1, -1): (2, 3)})
    assert ledger.find(Reservation) == made.makes[:1]
    assert ledger.count([Count(5, 4, None, 1)], NOW_S, "wms").results == ["applied"]
    assert [finding.kind for finding in check(ledger)] == ["overdrawn", "overdrawn"]  # by no part
    ledger.close()


def test_migrations_lead_to_the_tables_that_the_records_ask_for(url: str) -> None:
    upgrade(url)
    assert differences(url) == []
    revision = revision_of(url)
    assert revision is not None
    assert revision > "0001"
    upgrade(url)
    assert revision_of(url) == revision


# --- copies


def another(url: str, folder: Path) -> str:
    """Where no ledger is yet, of the same kind."""
    return f"sqlite:///{folder / 'another.db'}" if url.startswith("sqlite") else url_of("postgres", folder)


def filled(ledger: SqlLedger) -> None:
    ledger.open(builders.network(), NOW_S)
    moved = Posting(stock=[StockChange(9, -1, 0)], moves=[Move(9, -1, NOW_S, "shipped", 'é\t\\N "x"\n')])
    stocked(ledger, {9: 5})
    ledger.post([allocation("a", 9), moved, allocation("b", 9, deliver_by_s=3)], NOW_S)
    ledger.count([Count(9, None, 2, 4), Count(9, 6, None, 3)], NOW_S, "wms")


def test_a_copy_holds_all_and_works_on(real: SqlLedger, url: str, tmp_path: Path) -> None:
    filled(real)
    copy, second = tmp_path / "copy", another(url, tmp_path)
    backup(url, copy)
    expected = everything(real)
    real.post([allocation("later", 9)], NOW_S)
    restore(second, copy)
    restored = open_ledger(second)
    found = everything(restored)
    found["events"] = [(*row[:1], expected["events"][0][1], *row[2:]) for row in found["events"]]
    expected["events"] = [(*row[:1], expected["events"][0][1], *row[2:]) for row in expected["events"]]
    assert found == expected
    last = max(row[3] for row in expected["stock"])
    posted = restored.post([allocation("c", 9)], NOW_S)
    assert posted.seq > last
    assert [one.subject for one in restored.find(EventRecord, order=("xid", "event_no"))] == ["a", "b", "c"]
    assert [change.mark.seq for change in restored.changes(restored.load(0).mark)] == []
    assert check(restored) == []
    assert restored.count([Count(9, None, 2, 4)], NOW_S, "wms").results == ["repeated"]
    restored.close()


def test_a_webhook_goes_on_in_a_copy_with_the_first_event_it_has_not_had(tmp_path: Path) -> None:
    ledger = open_ledger(url_of("postgres", tmp_path))
    for subject in "abc":
        ledger.post([Posting(makes=[event(subject)])], NOW_S)
    events = ledger.find(EventRecord, order=("xid", "event_no"))
    hook = Webhook(
        webhook_id="w",
        url="u",
        types="",
        secret="s",
        after_xid=events[1].xid,
        after_no=events[1].event_no,
        created_s=1,
        updated_s=1,
    )
    ledger.post([Posting(puts=[hook])], NOW_S)
    backup(ledger.url, tmp_path / "copy")
    ledger.close()
    second = url_of("postgres", tmp_path)
    restore(second, tmp_path / "copy")
    restored = open_ledger(second)
    (found,) = restored.find(Webhook)
    after = (found.after_xid, found.after_no)
    left = restored.find(EventRecord, order=("xid", "event_no"), after=(*after, found.after_no))
    assert [one.subject for one in left] == ["c"]
    restored.post([Posting(makes=[event("d")])], NOW_S)
    left = restored.find(EventRecord, order=("xid", "event_no"), after=(*after, found.after_no))
    assert [one.subject for one in left] == ["c", "d"]
    restored.close()


def test_copies_overwrite_nothing_and_only_copies_are_put_back(real: SqlLedger, url: str, tmp_path: Path) -> None:
    stocked(real, {1: 1})
    backup(url, tmp_path / "copy")
    with pytest.raises(InputError, match="is there already"):
        backup(url, tmp_path / "copy")
    with pytest.raises(InputError, match="already"):
        restore(url, tmp_path / "copy")
    empty = another(url, tmp_path)
    with pytest.raises(InputError, match="There is no ledger"):
        backup(empty, tmp_path / "other")
    with pytest.raises(InputError, match="is not there"):
        restore(empty, tmp_path / "none")
    (tmp_path / "text").write_text("no copy of anything, but long enough to look at" * 20)
    with pytest.raises(InputError):
        restore(empty, tmp_path / "text")
    with zipfile.ZipFile(tmp_path / "zip", "w") as other:
        other.writestr("manifest.json", '{"format": "another"}')
    with pytest.raises(InputError):
        restore(empty, tmp_path / "zip")


# --- auditing and pruning


def test_a_sound_ledger_has_no_findings_and_each_fault_is_found(real: SqlLedger) -> None:
    stocked(real, {1: 5, 2: 5, 3: 1})
    real.post([allocation("a", 1, 2), allocation("b", 2, 1)], NOW_S)
    assert check(real) == []
    with real.write_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE stock SET reserved = 3 WHERE key = 1")
        connection.exec_driver_sql("UPDATE stock SET reserved = 0 WHERE key = 2")
        connection.exec_driver_sql("UPDATE stock SET reserved = 2 WHERE key = 3")
        connection.exec_driver_sql("UPDATE capacity SET orders = 7 WHERE node_no = 1 AND hour = 9")
        connection.exec_driver_sql("DELETE FROM capacity WHERE node_no = 2 AND hour = -1")
    found = sorted((finding.kind, finding.where, finding.found, finding.expected) for finding in check(real))
    assert found == [
        ("leaked", "node 1, sku number 0", 3, 2),
        ("leaked", "node 2, sku number 0", 0, 1),
        ("leaked", "node 3, sku number 0", 2, 0),
        ("overdrawn", f"node 1, day {TODAY}, hour 9, orders", 7, 1),
        ("overdrawn", f"node 2, day {TODAY}, hour -1, orders", 0, 1),
        ("overdrawn", f"node 2, day {TODAY}, hour -1, units", 0, 1),
        ("oversold", "node 3, sku number 0", 2, 1),
    ]


def test_a_part_that_ended_holds_no_units_and_books_what_it_says(real: SqlLedger) -> None:
    stocked(real, {1: 5})
    taken = allocation("a", 1, 2)
    real.post([taken], NOW_S)
    expired = part("a", 1, 2, state=PartState.EXPIRED.value, version=2)
    real.post([Posting(stock=[StockChange(1, 0, -2)], changes=[expired])], NOW_S)
    assert check(real) == []
    given = [cell._replace(orders=-1, units=-2) for cell in taken.capacity]
    real.post([Posting(capacity=given)], NOW_S)
    assert {finding.kind for finding in check(real)} == {"overdrawn"}
    real.post([Posting(changes=[msgspec.structs.replace(expired, booked=0, version=3)])], NOW_S)
    assert check(real) == []


def test_old_answers_feed_and_moves_are_dropped_and_numbers_are_not_given_again(real: SqlLedger) -> None:
    stocked(real, {1: 5})
    old = Posting(
        stock=[StockChange(1, -1, 0)], moves=[Move(1, -1, NOW_S, "shipped", "r")], makes=[event()], key=remembered()
    )
    seq = real.post([old], NOW_S).seq
    real.prune(NOW_S + int(timedelta(hours=1).total_seconds()))
    assert real.get(IdempotencyKey, "c", "k") is not None
    assert len(real.changes(FeedMark())) == 2
    real.prune(NOW_S + 100 * DAY_S)
    assert real.get(IdempotencyKey, "c", "k") is None
    assert real.changes(FeedMark()) == []
    assert real.find(EventRecord) == []
    assert real.post([Posting(stock=[StockChange(1, 1, 0)], makes=[event()])], NOW_S).seq > seq
    assert real.find(EventRecord)[0].event_no > 1
    assert contents(real)[0] == {1: (5, 0)}


def test_events_wait_for_webhooks_as_long_as_somebody_may_still_take_them(real: SqlLedger) -> None:
    def hook(name: str, state: str, after_no: int) -> Webhook:
        found = real.find(EventRecord)[after_no - 1] if after_no else None
        return Webhook(
            webhook_id=name,
            url="https://example.org",
            types="",
            secret="whsec_x",
            state=state,
            after_xid=found.xid if found is not None else 0,
            after_no=found.event_no if found is not None else 0,
            created_s=NOW_S,
            updated_s=NOW_S,
        )

    def left() -> list[int]:
        return [one.event_no for one in real.find(EventRecord)]

    def delivery(hook_name: str, event_no: int, state: str) -> Delivery:
        return Delivery(webhook_id=hook_name, event_no=event_no, state=state, next_s=0)

    for _ in range(6):
        real.post([Posting(makes=[event()])], NOW_S)
    assert left() == [1, 2, 3, 4, 5, 6]
    hooks = [hook("active", "active", 5), hook("paused", "paused", 3), hook("gone", "gone", 0)]
    open_ones = [delivery("active", 1, "dead"), delivery("active", 2, "waiting"), delivery("gone", 3, "waiting")]
    real.post([Posting(makes=[*hooks, *open_ones])], NOW_S)
    real.prune(NOW_S + 29 * DAY_S)
    assert left() == [1, 2, 3, 4, 5, 6]
    real.prune(NOW_S + 31 * DAY_S)
    assert left() == [1, 2, 4, 5, 6]  # 1 is dead for somebody, 2 is on its way, 4 and 5 may be resumed
    real.prune(NOW_S + 91 * DAY_S)
    assert left() == [2, 6]
