"""How old a stock row is taken to be, and how sure it is with that: what is news of a shelf, and what is not."""

from datetime import timedelta

from engine.adapters.stock_rows import batch_of_ndjson
from engine.desk.counts import apply_feed
from engine.desk.desk import Desk
from engine.desk.fulfil import Fulfil, FulfilLine
from engine.desk.inbound import AdjustStock
from engine.desk.publish import publish
from engine.desk.settings import NodeChanges, SetNode
from engine.domain.ids import NodeId
from engine.domain.units import epoch_s, utc
from engine.stock.ledger import Ledger
from tests import builders
from tests.desk.desk_cases import Clock, allocate, following, settle
from tests.desk.near_cases import near
from tests.desk.test_reserve import at, hold
from tests.ledger_twin import LedgerTwin

NOW_S = epoch_s(builders.AS_OF)
DAY_S = 86_400
NETWORK = builders.network(lanes=(), stock={("wh", "a"): 5, ("st", "a"): 5, ("st", "b"): 5})


def told(desk: Desk, sku: str = "a") -> tuple[int, int]:
    """Seconds since the network's moment at which the store was told of, and how sure three units are."""
    (store,) = near(desk, (sku, 3))["stores"]
    (row,) = store["skus"]
    return epoch_s(builders.at(row["told_at"])) - NOW_S, row["sure_permille"]


def feed(desk: Desk, clock: Clock, text: str) -> None:
    batch = batch_of_ndjson(text.encode(), source="wms", batch=f"b{clock.now_s}")
    apply_feed(desk, batch, now_s=clock.now_s)


def test_counts_and_moves_are_news_of_a_shelf_and_reservations_are_none(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        assert told(desk) == (0, 999)
        clock.now_s += 3 * DAY_S
        settle(desk)
        desk.ask(hold(at("st", 1), name="h1"))
        assert told(desk)[0] == 0  # nobody looked at the shelf
        desk.ask(Fulfil(lines=(FulfilLine(reservation_id="h1", line_id="1", quantity=1, node="st"),)))
        assert told(desk)[0] == 3 * DAY_S  # somebody took one off it
        clock.now_s += DAY_S
        feed(desk, clock, '{"node": "st", "sku": "a", "on_hand": 4}')  # as many as were known
        assert told(desk)[0] == 4 * DAY_S
        clock.now_s += DAY_S
        day_before = utc(clock.now_s - 3_600)
        feed(desk, clock, f'{{"node": "st", "sku": "a", "on_hand": 3, "counted_at": "{day_before.isoformat()}"}}')
        assert told(desk)[0] == 5 * DAY_S - 3_600
        desk.ask(AdjustStock(node="st", sku="a", units=2))
        assert told(desk)[0] == 5 * DAY_S
        assert told(desk, "b")[0] == 0


def test_the_older_a_row_is_and_the_fewer_units_it_has_the_less_sure_it_is() -> None:
    with following(NETWORK, LedgerTwin()) as (desk, clock):
        found = []
        for _ in range(6):
            found.append(told(desk)[1])
            clock.now_s += 6 * DAY_S
            settle(desk)
        assert found == sorted(found, reverse=True)
        assert found[2] > found[3] > found[4] > found[5] > 0
        before = told(desk)[1]
        desk.ask(hold(at("st", 1), name="h1"))
        assert 0 < told(desk)[1] < before


def test_a_store_that_fails_picks_is_less_sure_of_each_sku_and_of_all_together(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, _):
        desk.ask(SetNode(node="st", changes=NodeChanges(rejection_ppm=200_000)))
        settle(desk)
        (store,) = near(desk, ("a", 3), ("b", 3))["stores"]
    assert [row["sure_permille"] for row in store["skus"]] == [800, 800]
    assert store["sure_permille"] == 640


def test_what_others_count_and_another_network_are_followed(ledger: Ledger) -> None:
    with (
        following(NETWORK, ledger, writer="one") as (one, clock),
        following(NETWORK, ledger, writer="two") as (two, other),
    ):
        clock.now_s = other.now_s = NOW_S + DAY_S
        feed(one, clock, '{"node": "st", "sku": "a", "on_hand": 4}')
        settle(two)
        if ledger.__class__ is not LedgerTwin:  # which names every writer alike, so that nobody hears of others
            assert told(two)[0] == told(one)[0] == DAY_S
        assert (told(two, "b")[0], told(one, "b")[0]) == (0, 0)
        later = builders.network(
            version="2",
            as_of=builders.AS_OF + timedelta(days=1),
            nodes=(builders.store("first"), *NETWORK.nodes),
            lanes=(),
            stock={("st", "a"): 1, ("first", "a"): 1},
        )
        publish(one, later, now_s=clock.now_s, exchange=one._follow.exchange, by="ann")  # type: ignore[union-attr]
        settle(one)
        assert (told(one)[0], told(one, "b")[0]) == (DAY_S, 0)


def test_an_order_that_is_decided_while_others_count_leaves_rows_as_old_as_they_are(ledger: Ledger) -> None:
    with following(NETWORK, ledger) as (desk, clock):
        clock.now_s += 2 * DAY_S
        settle(desk)
        order = builders.order(order_id="o1", destination=None, pickup_node=NodeId("st"))
        desk.ask(allocate(order, ttl_s=None))
        assert told(desk)[0] == 0
