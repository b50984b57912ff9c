"""What changes on a live stock while orders come in: rows, counts, lots, what is held back, capacity; and copies."""

from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import numpy as np
import pytest

from engine.decide.brief import Brief
from engine.decide.engine import Engine
from engine.decide.record import state_of
from engine.domain.errors import InputError
from engine.domain.ids import OrderId
from engine.domain.plan import Status
from engine.domain.policy import Policy
from engine.domain.units import day_number, epoch_s
from engine.network.live import Live
from engine.network.live_changes import put_stock, put_used, set_inbound, set_protection, set_safety
from engine.network.model import ChannelProtection, Inbound, SafetyStock
from tests import builders as b
from tests.random_networks import HORIZON_DAYS
from tests.strategies import orders_of, random_case

WH, ST = 0, 1


def _pairs(*pairs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    nodes, skus = zip(*pairs, strict=True)
    return np.array(nodes, dtype=np.int64), np.array(skus, dtype=np.int64)


def _equal(mine: Live, theirs: Live) -> bool:
    pairs = zip(mine.arrays(), theirs.arrays(), strict=True)
    return all(a.shape == b.shape and bool((a == b).all()) for a, b in pairs)


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_found_in_bulk_as_one_by_one(seed: int) -> None:
    live = random_case(seed).live
    nodes, skus = np.divmod(np.arange(len(live.network.nodes) * len(live.network.skus.ids)), len(live.network.skus.ids))
    found = live.rows_of(nodes, skus)
    assert found.tolist() == [live.row(int(node), int(sku)) for node, sku in zip(nodes, skus, strict=True)]


def test_a_stock_without_rows_has_none() -> None:
    live = Live(b.network(stock={}))
    assert live.rows_of(*_pairs((0, 0), (1, 2))).tolist() == [-1, -1]


@pytest.mark.parametrize("seed", range(30))
def test_a_stock_that_grew_is_the_stock_that_had_all_rows_from_the_start(seed: int) -> None:
    case = random_case(seed)
    stock = case.network.stock
    keep = np.arange(len(stock.node)) % 3 != 0
    columns = ("node", "sku", "on_hand", "reserved", "days_of_cover")
    few = replace(stock, **{name: getattr(stock, name)[keep] for name in columns})
    gone = np.flatnonzero(~keep)
    whole = Live(
        replace(
            case.network,
            stock=replace(
                stock, **{name: np.where(keep, getattr(stock, name), 0).astype(np.int32) for name in columns[2:]}
            ),
        ),
        HORIZON_DAYS,
    )
    less = Live(replace(case.network, stock=few), HORIZON_DAYS)
    less.day_orders[:] = whole.day_orders[:] = 2
    grown = less.grown(np.append(stock.node[gone], stock.node[0]), np.append(stock.sku[gone], stock.sku[0]))
    assert _equal(grown, whole)
    assert not _equal(grown, less)


def test_a_pair_that_is_no_index_makes_no_row() -> None:
    live = Live(b.network())
    with pytest.raises(InputError, match="Some node of a stock row"):
        live.grown(*_pairs((9, 0)))
    with pytest.raises(InputError, match="Some sku of a stock row"):
        live.grown(*_pairs((0, 9)))


@pytest.mark.parametrize("seed", range(30))
def test_rules_replaced_at_run_time_are_those_of_a_network_that_has_them(seed: int) -> None:
    case = random_case(seed)
    network = case.network
    nodes, skus = network.node_index, network.skus.index
    bare = replace(network, inbound=(), safety_stock=(), channel_protection=())
    live = Live(bare, HORIZON_DAYS, channels=("web", "app"))
    full = Live(network, HORIZON_DAYS, channels=("web", "app"))
    safety = {(nodes[r.node_id], skus[r.sku] if r.sku else None, r.channel): r.units for r in network.safety_stock}
    protected: dict[tuple[int, int, str], int] = {}
    for row in network.channel_protection:
        key = (nodes[row.node_id], skus[row.sku], row.channel)
        protected[key] = protected.get(key, 0) + row.units
    lots: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for lot in network.inbound:
        lots.setdefault((nodes[lot.node_id], skus[lot.sku]), []).append((epoch_s(lot.available_at), lot.units))
    for key, units in list(protected.items())[:1]:
        set_protection(live, {key: units + 1})  # is replaced, not added to
    set_safety(live, safety)
    set_protection(live, protected)
    set_inbound(live, lots)
    assert _equal(live, full)


def test_a_decision_sees_lots_that_became_due_and_units_that_were_protected() -> None:
    network = b.network(stock={("wh", "a"): 1, ("wh", "b"): 1, ("wh", "c"): 1})
    live = Live(network, channels=("web",))
    engine = Engine(network, live=live, policy=Policy(use_inbound=True))
    three = b.order(b.line("a", 3))
    assert engine.decide(three).plan.status == Status.INFEASIBLE
    set_inbound(live, {(WH, 0): [(epoch_s(b.AS_OF + timedelta(days=1)), 2)]})
    plan = engine.decide(three).plan
    assert plan.status == Status.OPTIMAL
    assert plan.shipments[0].promise.pick_start >= b.AS_OF + timedelta(days=1)
    (brief,) = engine.decide_batch([three], hold=False)
    assert isinstance(brief, Brief)
    assert brief.cost_cents == plan.cost_cents
    set_inbound(live, {(WH, 0): []})
    assert engine.decide(three).plan.status == Status.INFEASIBLE
    set_protection(live, {(WH, 1, "web"): 1})
    assert engine.decide(b.order("b")).plan.status == Status.INFEASIBLE
    assert engine.decide(b.order("b", channel="web")).plan.status == Status.OPTIMAL
    set_safety(live, {(WH, 2, ""): 1})
    assert engine.decide(b.order("c")).plan.status == Status.INFEASIBLE
    set_safety(live, {(WH, 2, ""): 0, (WH, None, "web"): 1})
    assert engine.decide(b.order("c")).plan.status == Status.OPTIMAL


def test_an_explanation_sees_a_rule_that_was_set_after_the_first_one() -> None:
    network = b.network(stock={("wh", "a"): 5, ("st", "a"): 5})
    live = Live(network)
    engine = Engine(network, live=live)
    order = b.order()
    engine.explain(order, engine.decide(order).plan)
    set_safety(live, {(ST, 0, ""): 5})
    why = engine.explain(order, engine.decide(order).plan, counterfactuals=False)
    assert {reason.node: reason.code for reason in why.shipments[0].nodes}["st"] == "no_stock"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda live: set_safety(live, {(WH, 0, "what"): 1}), r"Channel \(what\) is named by no rule"),
        (lambda live: set_safety(live, {(WH, 0, ""): -1}), r"Units held back \(-1\) at node \(wh\)"),
        (lambda live: set_protection(live, {(ST, 0, ""): -2}), r"Units held back \(-2\) at node \(st\)"),
        (lambda live: set_inbound(live, {(WH, 1): [(0, 0)]}), r"A lot due at sku \(b\) at node \(wh\) has no units"),
        (lambda live: put_stock(live, np.array([-1]), on_hand=[1]), "has no stock row"),
        (lambda live: put_stock(live, np.array([0, 3]), on_hand=[1, -4]), r"Number 1, on_hand \(-4\) of sku \(b\) at"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(change: object, message: str) -> None:
    live = Live(b.network())
    before = live.copy()
    with pytest.raises(InputError, match=message):
        change(live)  # type: ignore[operator]
    assert _equal(live, before)


def test_many_rows_and_cells_are_taken_over_at_once() -> None:
    nodes = (b.node(), b.store(capacity_hour_orders=5))
    live = Live(b.network(nodes=nodes))
    rows = live.rows_of(*_pairs((ST, 2), (WH, 0)))
    put_stock(live, rows, on_hand=[7, 8], reserved=[1, 2], price_cents=[30, 0])
    assert (live.available(ST, 2), live.available(WH, 0), live.bid_price_cents(ST, 2)) == (6, 6, 30)
    today = day_number(b.AS_OF.date())
    wh, st = np.array([WH, ST, WH]), np.array([ST, WH])
    put_used(live, wh, np.array([today, today + 1, today - 900]), np.array([3, 4, 5]), np.array([6, 7, 8]))
    assert live.used_day(WH, today) == (3, 6)
    assert live.used_day(ST, today + 1) == (4, 7)
    assert live.day_orders.sum() == 7  # what is long past was passed over
    put_used(live, st, np.array([today, today]), np.array([2, 9]), np.array([3, 9]), np.array([11, 11]))
    assert live.used_hour(ST, today, 11) == (2, 3)
    assert live.used_hour(WH, today, 11) == (0, 0)  # it has no hourly capacity


@pytest.mark.parametrize("seed", range(8))
def test_a_copy_decides_the_same_and_changes_nothing_here(seed: int) -> None:
    case = random_case(seed)
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    before = engine.live.copy()
    other = engine.on(engine.live.copy())
    orders = orders_of(case, 4)
    theirs = other.decide_batch(orders, deadline_ms=0)
    assert _equal(engine.live, before)
    mine = engine.decide_batch(orders, deadline_ms=0)
    settled = [(a, b) for a, b in zip(mine, theirs, strict=True) if isinstance(a, Brief) and a.method == "subset"]
    assert settled
    assert all(a == b for a, b in settled)


def test_explanations_of_another_thread_are_those_of_the_moment_that_was_copied() -> None:
    case = random_case(7, num_nodes=8)
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    orders = [order for order in orders_of(case, 8) if engine.decide(order).plan.method == "subset"]
    assert len(orders) > 3
    at_rest = [engine.explain(order, engine.decide(order).plan) for order in orders]
    view, failed, stop = engine.on(engine.live.copy()), list[object](), Event()

    def explain() -> None:
        try:
            while not stop.is_set():
                told = [view.explain(order, view.decide(order).plan) for order in orders]
                failed.extend(a for a, b in zip(told, at_rest, strict=True) if repr(a) != repr(b))
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=explain)
    thread.start()
    try:
        for _ in range(30):
            for answer in engine.decide_batch(orders, deadline_ms=0):
                assert isinstance(answer, Brief)
                engine.hold_brief(answer, -1)
            engine.decide_batch(orders[:1], deadline_ms=0)
    finally:
        stop.set()
        thread.join()
    assert failed == []
    assert not _equal(engine.live, view.live)


def test_an_engine_that_adopts_a_stock_decides_explains_and_offers_on_it() -> None:
    network = b.network(stock={("wh", "a"): 1})
    engine = Engine(network)
    order = b.order("b")
    assert engine.options(order) == ()
    assert engine.decide(order).plan.status == Status.INFEASIBLE
    grown = engine.live.grown(*_pairs((WH, 1), (ST, 1)))
    put_stock(grown, grown.rows_of(*_pairs((WH, 1), (ST, 1))), on_hand=[2, 2])
    engine.adopt(grown)
    plan = engine.decide(order).plan
    assert plan.status == Status.OPTIMAL
    assert engine.options(order)
    assert engine.explain(order, plan).shipments
    engine.decide_batch([order])
    assert grown.row_reserved.sum() == 1
    with pytest.raises(InputError, match="is not of network"):
        engine.adopt(Live(b.network()))


def test_a_node_that_offers_nothing_takes_no_order_and_says_that_it_is_paused() -> None:
    engine = Engine(b.network())
    assert engine.decide(b.order()).plan.shipments[0].node == "wh"
    paused = engine.with_nodes({"wh": replace(engine.network.nodes[WH], offers=())})
    plan = paused.decide(b.order()).plan
    assert plan.shipments[0].node == "st"
    why = paused.explain(b.order(), plan, counterfactuals=False)
    assert {reason.node: reason.code for reason in why.shipments[0].nodes}["wh"] == "paused"
    both = paused.with_nodes({"st": replace(engine.network.nodes[ST], offers=())})
    unmet = both.decide(b.order()).plan.unmet[0]
    assert set(unmet.reasons) >= {("wh", "paused"), ("st", "paused")}
    back = both.with_nodes({"wh": engine.network.nodes[WH]})
    assert back.decide(b.order()).plan.shipments[0].node == "wh"


def test_new_settings_of_a_node_keep_what_is_reserved_and_booked() -> None:
    engine = Engine(b.network(nodes=(b.node(capacity_hour_orders=9), b.store())))
    (brief,) = engine.decide_batch([b.order()])
    assert isinstance(brief, Brief)
    changed = engine.with_nodes({"wh": replace(engine.network.nodes[WH], capacity_day_orders=1, safety_stock=3)})
    leg = brief.legs[0]
    assert changed.live.used_day(WH, leg.pick_day) == (1, 1)
    assert changed.live.used_hour(WH, leg.pick_day, leg.pick_hour) == (1, 1)
    assert changed.live.row_reserved.sum() == 1
    assert changed.live.available(WH, 0) == 10 - 1 - 3
    (second,) = changed.decide_batch([b.order(nodes=("wh",), order_id=OrderId("o2"))])
    assert isinstance(second, Brief)
    assert second.legs[0].pick_day == leg.pick_day + 1  # today is full
    with pytest.raises(InputError, match=r"Node \(st\) cannot be replaced by \(wh\)"):
        engine.with_nodes({"st": engine.network.nodes[WH]})


def test_calendars_roll_on_and_what_was_booked_stays_at_its_day() -> None:
    engine = Engine(b.network())
    today, tomorrow = b.order(), b.order(order_id=OrderId("o2"), placed_at=b.AS_OF + timedelta(days=1))
    first, second = engine.decide_batch([today, tomorrow])
    assert isinstance(first, Brief)
    assert isinstance(second, Brief)
    later = engine.at(b.AS_OF + timedelta(days=2))
    assert later.live.first_day == engine.live.first_day + 2
    assert later.live.used_day(WH, second.legs[0].pick_day) == (1, 1)
    assert later.live.row_reserved.sum() == 2
    assert later.live.day_orders.sum() == 1  # the first one's day has left the window
    later.hold_brief(first, -1)
    later.hold_brief(second, -1)
    assert later.live.row_reserved.sum() == later.live.day_orders.sum() == 0
    far = engine.at(b.AS_OF + timedelta(days=400))
    assert (far.live.day_orders.sum(), far.live.row_reserved.sum()) == (0, 2)


@pytest.mark.parametrize("seed", range(12))
def test_an_engine_that_rolled_on_decides_what_one_built_for_that_day_decides(seed: int) -> None:
    case = random_case(seed)
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    as_of = case.network.as_of + timedelta(days=3)
    rolled = engine.at(as_of)
    network = replace(case.network, as_of=as_of)
    live = Live(network, HORIZON_DAYS)
    live.rows[:] = case.live.rows
    live.day_orders[:, :-3], live.day_units[:, :-3] = case.live.day_orders[:, 3:], case.live.day_units[:, 3:]
    live.hour_orders[:, :-3], live.hour_units[:, :-3] = case.live.hour_orders[:, 3:], case.live.hour_units[:, 3:]
    for at, limits in case.live.own_limits.items():
        live.set_limits(*at, *limits)
    assert _equal(rolled.live, live)
    order = replace(case.order, placed_at=case.order.placed_at + timedelta(days=3), deliver_by=None)
    built = Engine(network, live=live, policy=case.policy, guard=False)
    mine, theirs = rolled.decide(order).plan, built.decide(order).plan
    assert (mine.status, mine.cost_cents, mine.deliver_by) == (theirs.status, theirs.cost_cents, theirs.deliver_by)


def test_rules_of_a_network_are_read_as_they_are() -> None:
    network = b.network(
        stock={("wh", "a"): 9, ("st", "a"): 9},
        nodes=(b.node(safety_stock=1), b.store()),
        safety_stock=(
            SafetyStock(node_id=b.node().node_id, sku=None, channel="web", units=2),
            SafetyStock(node_id=b.node().node_id, sku=b.line("a").sku, channel="", units=3),
            SafetyStock(node_id=b.node().node_id, sku=b.line("a").sku, channel="app", units=4),
        ),
        channel_protection=(ChannelProtection(node_id=b.store().node_id, sku=b.line("a").sku, channel="web", units=2),),
        inbound=(Inbound(node_id=b.node().node_id, sku=b.line("a").sku, units=5, available_at=b.AS_OF),),
    )
    live = Live(network)
    assert [live.available(WH, 0, channel) for channel in ("", "web", "app", "shop")] == [6, 6, 5, 6]
    assert [live.available(ST, 0, channel) for channel in ("", "web", "app")] == [7, 9, 7]
    assert live.promisable(0, "app", use_inbound=True) == ((WH, 10), (ST, 7))
    assert live.promisable(0, "app", safety=False) == ((WH, 9), (ST, 7))


def test_a_journal_refuses_a_stock_with_rows_that_its_network_lacks() -> None:
    live = Live(b.network(stock={("wh", "a"): 1}))
    assert state_of(live.copy(), 1) is None
    with pytest.raises(InputError, match=r"The stock has 2 rows, network \(test\) has 1"):
        state_of(live.grown(*_pairs((ST, 0))), 1)
