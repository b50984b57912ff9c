"""What a recorder writes and a player makes of it, by hand; tapes of clocks; stock that is told from outside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.adapters.journal import Journal, JournalWriter
from engine.decide.engine import Engine
from engine.decide.events import Committed, Decided, Released, Source, State, canonical, header_of
from engine.decide.record import KNOWN_MAX, Recorder
from engine.decide.replay import Outcome, Player, Verdict, decisions_of, first_difference, state_before
from engine.domain.errors import InputError
from engine.domain.ids import NodeId, OrderId, SkuId
from engine.domain.order import Order
from engine.domain.plan import Status
from engine.domain.policy import Policy
from engine.optimise.mip_clock import Clock, OffTapeError, Playback, Tape
from tests import builders

NETWORK = builders.network()
WH, A = NodeId("wh"), SkuId("a")
LINES = 14  # too many for the kernel


Open = Callable[[Engine], Recorder]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j"


@pytest.fixture
def record(path: Path) -> Iterator[Open]:
    """Starts to record an engine at `path`; every event is there at once."""
    with ExitStack() as stack:

        def start(engine: Engine) -> Recorder:
            header = header_of(engine.network, engine.policy, engine.live.num_days, Source(network="network"))
            return Recorder(engine, stack.enter_context(JournalWriter(path, header, flush_every=1)))

        yield start


def order(order_id: str = "o", quantity: int = 1) -> Order:
    return replace(builders.order(builders.line("a", quantity)), order_id=OrderId(order_id))


def replayed(path: Path, network: Any = NETWORK, policy: Policy | None = None) -> list[Verdict]:
    journal = Journal(path)
    return list(Player(journal, network, policy).run(frozenset(decisions_of(journal))))


def outcomes(path: Path) -> list[Outcome]:
    return [verdict.outcome for verdict in replayed(path)]


def large_network(num_lines: int = LINES) -> Any:
    names = [f"s{i}" for i in range(num_lines)]
    skus = builders.sku_table(*names)
    return builders.network(
        skus=skus, stock=builders.stock_table(NETWORK.nodes, skus, {("wh", name): 9 for name in names})
    )


def test_stock_that_was_told_is_decided_on_now_and_in_the_replay(path: Path, record: Open) -> None:
    engine = Engine(NETWORK)
    recorder = record(engine)
    for node in NETWORK.nodes:
        if engine.live.row(NETWORK.node_index[node.node_id], NETWORK.skus.index[A]) >= 0:
            recorder.set_stock(node.node_id, A, 0)
    assert recorder.decide(order("none")).plan.status == Status.INFEASIBLE
    recorder.add_stock(WH, A, 3)
    recorder.commit(recorder.decide(order("three", 3)))
    assert recorder.decide(order("more")).plan.status == Status.INFEASIBLE
    recorder.set_stock(WH, A, 4)
    assert recorder.decide(order("one")).plan.status == Status.OPTIMAL
    assert outcomes(path) == [Outcome.EQUAL] * 4


@pytest.mark.parametrize(
    ("node", "sku", "units", "words"),
    [
        ("nowhere", "a", 1, r"Node \(nowhere\)"),
        ("wh", "zzz", 1, r"Sku \(zzz\)"),
        ("wh", "a", -1, r"Units on hand \(-1\)"),
        ("wh", "a", 2**31, r"2147483648"),
    ],
)
def test_a_stock_change_that_cannot_be_is_refused_and_not_recorded(
    node: str, sku: str, units: int, words: str, path: Path, record: Open
) -> None:
    engine = Engine(NETWORK)
    recorder = record(engine)
    before = engine.live.rows.copy()
    with pytest.raises(InputError, match=words) as caught:
        recorder.set_stock(NodeId(node), SkuId(sku), units)
    assert caught.value.hint
    assert (engine.live.rows == before).all()
    assert Journal(path).entries == ()


def test_stock_cannot_fall_below_nothing_nor_appear_where_no_row_is() -> None:
    skus = builders.sku_table("a", "b")
    network = builders.network(skus=skus, stock=builders.stock_table(NETWORK.nodes, skus, {("wh", "a"): 2}))
    engine = Engine(network)
    with pytest.raises(InputError, match=r"\(-1\)"):
        engine.add_stock(WH, A, -3)
    with pytest.raises(InputError, match="no stock row"):
        engine.add_stock(WH, SkuId("b"), 1)
    engine.add_stock(WH, A, -2)
    assert engine.live.available(network.node_index[WH], 0) == 0


def test_a_journal_that_begins_in_mid_course_begins_with_what_is_held(path: Path, record: Open) -> None:
    node = replace(NETWORK.nodes[NETWORK.node_index[WH]], capacity_hour_orders=50, capacity_day_units=80)
    nodes = tuple(node if n.node_id == WH else n for n in NETWORK.nodes)
    network = replace(NETWORK, nodes=nodes)
    engine = Engine(network)
    for i in range(3):
        engine.commit(engine.decide(order(f"before{i}", 2)))
    engine.live.row_price_cents[0] = 5
    recorder = record(engine)
    journal = Journal(path)
    assert isinstance(journal.event(journal.entries[0]), State)
    player = Player(journal, network)
    player.until(2)
    for mine, theirs in zip(player.engine.live.arrays(), engine.live.arrays(), strict=True):
        assert (mine == theirs).all()
    recorder.decide(order("after"))
    assert [verdict.outcome for verdict in replayed(path, network)] == [Outcome.EQUAL]


def test_limits_of_single_days_are_replayed_whether_they_were_set_before_or_meanwhile(path: Path, record: Open) -> None:
    engine = Engine(NETWORK)
    index, days = NETWORK.node_index[WH], range(engine.live.first_day, engine.live.first_day + engine.live.num_days)
    free = engine.decide(order("free")).plan
    for day in days:
        engine.live.set_limits(index, day, -1, 0, None)
    recorder = record(engine)
    full = recorder.decide(order("full")).plan
    assert free.shipments[0].node == WH
    assert all(shipment.node != WH for shipment in full.shipments)
    for day in days:
        recorder.set_limits(WH, day, -1, None, None)
    recorder.set_limits(WH, days[1], 10, None, 4)
    assert recorder.decide(order("again")).plan.shipments == free.shipments
    assert outcomes(path) == [Outcome.EQUAL] * 2
    player = Player(Journal(path), NETWORK)
    player.until(len(Journal(path).entries) + 1)
    assert player.engine.live.own_limits == engine.live.own_limits == {(index, days[1], 10): (None, 4)}
    with pytest.raises(InputError, match="unknown"):
        recorder.set_limits(NodeId("x"), days[0], -1, 1, None)


def test_a_fresh_engine_leaves_no_state_in_its_journal(path: Path, record: Open) -> None:
    record(Engine(NETWORK))
    assert Journal(path).entries == ()


def test_a_decision_is_held_by_its_number_and_any_other_plan_in_full(path: Path, record: Open) -> None:
    engine = Engine(NETWORK)
    recorder = record(engine)
    first = recorder.decide(order("x"))
    recorder.commit(first)
    recorder.decide(order("x", 2))  # decided anew: its number is the order's now
    recorder.release(first)
    stranger = engine.decide(order("stranger"))
    recorder.commit(stranger)
    recorder.release(stranger)
    journal = Journal(path)
    events = [journal.event(entry) for entry in journal.entries]
    assert events[1] == Committed(seq=2, decision=1)
    assert events[3] == Released(seq=4, plan=first.plan)
    assert events[4:] == [Committed(seq=5, plan=stranger.plan), Released(seq=6, plan=stranger.plan)]
    player = Player(journal, NETWORK)
    player.until(7)
    assert (player.engine.live.rows == Engine(NETWORK).live.rows).all()
    assert outcomes(path) == [Outcome.EQUAL] * 2


def test_a_recorder_forgets_the_oldest_decisions_but_still_holds_them(
    path: Path, record: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KNOWN_MAX >= 1_000
    monkeypatch.setattr("engine.decide.record.KNOWN_MAX", 2)
    recorder = record(Engine(NETWORK))
    decisions = [recorder.decide(order(f"o{i}")) for i in range(4)]
    recorder.commit(decisions[0])
    recorder.commit(decisions[3])
    journal = Journal(path)
    assert journal.event(journal.entries[4]) == Committed(seq=5, plan=decisions[0].plan)
    assert journal.event(journal.entries[5]) == Committed(seq=6, decision=4)


def test_decisions_under_several_policies_are_each_made_again_under_their_own(path: Path, record: Open) -> None:
    recorder = record(Engine(NETWORK))
    dear = recorder.under(Policy(policy_id="dear", waiting_day_cents=900))
    assert dear.under(Policy(policy_id="dear", waiting_day_cents=900))._policy == dear._policy
    plans = [by.decide(order(name)).plan for name, by in (("1", recorder), ("2", dear), ("3", recorder))]
    assert plans[0].cost_cents != plans[1].cost_cents
    journal = Journal(path)
    assert [entry.kind for entry in journal.entries] == ["policy", "decide", "decide", "decide"]
    assert outcomes(path) == [Outcome.EQUAL] * 3
    instead = replayed(path, policy=Policy(policy_id="dear", waiting_day_cents=900))
    assert [verdict.outcome for verdict in instead] == [Outcome.DIFFERENT, Outcome.EQUAL, Outcome.DIFFERENT]


def test_a_policy_number_that_no_line_brings_is_refused(path: Path, record: Open) -> None:
    recorder = record(Engine(NETWORK))
    recorder.decide(order())
    text = (path).read_text(encoding="utf-8")
    (path).write_text(text.rstrip()[:-1] + ',"policy":3}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2 names policy number \(3\)"):
        replayed(path)


def test_a_plan_that_names_another_node_is_refused_where_it_would_be_held(path: Path, record: Open) -> None:
    recorder = record(Engine(NETWORK))
    recorder.commit(recorder.decide(order()))
    recorder.decide(order("last"))
    lines = (path).read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace('"node":"', '"node":"x-')
    (path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3 names what the network does not have"):
        replayed(path)


@pytest.mark.parametrize("table", ["stock", "nodes", "rates"])
def test_another_network_is_refused_with_what_differs_whatever_its_version_says(
    table: str, path: Path, record: Open
) -> None:
    recorder = record(Engine(NETWORK))
    recorder.decide(order())
    stock, node, rate = NETWORK.stock, NETWORK.nodes[0], NETWORK.rates[0]
    changed = {
        "stock": replace(stock, on_hand=stock.on_hand + np.int32(1)),
        "nodes": (replace(node, cost_order_cents=node.cost_order_cents + 1), *NETWORK.nodes[1:]),
        "rates": (replace(rate, price_cents=rate.price_cents + 1), *NETWORK.rates[1:]),
    }
    other = replace(NETWORK, **{table: changed[table]})
    with pytest.raises(InputError, match=rf"version {NETWORK.version}\).*What differs: {table}\.") as caught:
        replayed(path, other)
    assert "--network" in caught.value.hint


def test_the_state_before_an_order_is_the_one_that_it_was_decided_on(path: Path, record: Open) -> None:
    recorder = record(Engine(NETWORK))
    for i in range(3):
        recorder.commit(recorder.decide(order(f"o{i}", 2)))
    journal = Journal(path)
    engine, decided = state_before(journal, NETWORK, "o1")
    assert decided.plan == journal.decided(3).plan
    assert int(engine.live.row_reserved.sum()) == int(Engine(NETWORK).live.row_reserved.sum()) + 2
    with pytest.raises(InputError, match=r"Order \(o9\)"):
        state_before(journal, NETWORK, "o9")


def test_the_first_difference_has_a_path_and_both_values() -> None:
    plan = Engine(NETWORK).decide(order()).plan
    other = replace(plan, shipments=(replace(plan.shipments[0], num_parcels=9),))
    assert first_difference(plan, other) == ("shipments[0].num_parcels", "1", "9")
    assert first_difference(plan, replace(plan, shipments=()))[0] == "shipments"


def test_clocks_give_the_answers_of_a_tape_again_whatever_the_time_is() -> None:
    tape = Tape()
    clock = Clock(1_000.0, tape)
    part = clock.part(0.5)
    said = [clock.late(), part.late(), part.left(), clock.late(), Clock(-1.0, tape).late()]
    again = Playback(tape.answers)
    clock = Clock(0.0, again)
    part = clock.part(0.5)
    assert [clock.late(), part.late(), part.left(), clock.late(), clock.late()] == said
    assert said[-1] is True
    assert again.ended
    assert len(tape.answers) == 5  # seconds, twice not late, seconds, once not late, late
    with pytest.raises(OffTapeError):
        clock.late()


def test_a_search_that_takes_another_course_is_off_its_tape() -> None:
    with pytest.raises(OffTapeError):
        Clock(1.0, Playback((1,))).left()
    with pytest.raises(OffTapeError):
        Clock(1.0, Playback((0.5,))).late()


def test_a_clock_without_end_writes_nothing_on_its_tape() -> None:
    tape = Tape()
    clock = Clock(None, tape)
    assert (clock.left(), clock.late(), clock.solver_s(), clock.part(0.1).late()) == (None, False, None, False)
    assert tape.answers == []


def test_solvers_that_ended_by_themselves_get_all_the_time_they_want_in_a_replay() -> None:
    assert Clock(9.0, Tape()).solver_s(3.0) == 3.0
    assert Clock(9.0, Playback(())).solver_s(3.0) is None


def test_the_stronger_method_takes_the_same_course_again(path: Path, record: Open) -> None:
    network = large_network()
    recorder = record(Engine(network))
    large = replace(builders.order(*network.skus.ids), order_id=OrderId("large"))
    decision = recorder.decide(large)
    assert decision.plan.method == "mip"
    assert decision.plan.status == Status.OPTIMAL
    event = Journal(path).decided(1)
    assert event.clock
    assert not event.cut
    assert [verdict.outcome for verdict in replayed(path, network)] == [Outcome.EQUAL]


def cut(event: Decided, **changes: Any) -> Decided:
    """The event as if a solver's clock had cut its plan short."""
    return Decided(seq=event.seq, order=event.order, plan=replace(event.plan, **changes), clock=event.clock, cut=True)


def test_a_plan_cut_short_is_not_made_again_but_every_rule_and_cent_of_it_is_checked(path: Path, record: Open) -> None:
    recorder = record(Engine(NETWORK))
    recorder.decide(order())
    lines = (path).read_bytes().splitlines(keepends=True)
    event = Journal(path).decided(1)
    cheapest = event.plan.shipments[0]
    terms = (replace(cheapest.terms[0], amount_cents=cheapest.terms[0].amount_cents + 1), *cheapest.terms[1:])
    short = {"status": Status.FEASIBLE, "limit": "deadline", "bound_cents": 0}
    for changes, outcome in (
        (short, Outcome.VERIFIED),
        (short | {"shipments": (replace(cheapest, terms=terms),)}, Outcome.DIFFERENT),
        (short | {"bound_cents": event.plan.cost_cents + 1}, Outcome.DIFFERENT),
        (short | {"order_id": OrderId("other")}, Outcome.DIFFERENT),
        (short | {"shipments": ()}, Outcome.DIFFERENT),
    ):
        (path).write_bytes(lines[0] + canonical(cut(event, **changes)) + b"\n")
        assert outcomes(path) == [outcome], changes
