"""Random courses of decisions, commits, releases and stock changes: written, read back and decided again, all equal."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.adapters.journal import Journal, JournalWriter
from engine.decide.engine import Engine
from engine.decide.events import Committed, Decided, Source, canonical, header_of
from engine.decide.record import Recorder
from engine.decide.replay import Outcome, Player, decisions_of, state_before
from engine.domain.order import Order
from engine.domain.plan import Decision
from engine.domain.policy import Policy
from tests.dice import Dice
from tests.strategies import FEATURES, Case, orders_of, random_case


def recorded(case: Case, path: Path, num: int) -> tuple[list[Order], Engine]:
    """Take a random course through some orders; returns them and the engine as it is at the end."""
    dice, network = Dice(case.seed + 2, frozenset(FEATURES)), case.network
    engine = Engine(network, live=case.live, policy=case.policy, guard=False)
    header = header_of(network, case.policy, case.live.num_days, Source(network="random"))
    orders, held = orders_of(case, num), list[tuple[Recorder, Decision]]()
    stock = network.stock
    with JournalWriter(path, header) as writer:
        first = Recorder(engine, writer)
        second = first.under(replace(case.policy, version=case.policy.version + 1, split_cents=0))
        for order in orders:
            recorder = dice.pick((first, second))
            decision = recorder.decide(order, dice.pick((None, 0, 2_000)))
            if dice.between(0, 3):
                recorder.commit(decision)
                held.append((recorder, decision))
            if held and dice.between(0, 3) == 0:
                by, given_back = held.pop(dice.between(0, len(held) - 1))
                by.release(given_back)
            at = dice.between(0, len(stock.node) - 1)
            node, sku = network.nodes[stock.node[at]].node_id, network.skus.ids[stock.sku[at]]
            if dice.between(0, 1):
                recorder.set_stock(node, sku, dice.between(0, 9))
            else:
                recorder.add_stock(node, sku, dice.between(0, 3))
    return orders, engine


@pytest.mark.parametrize("seed", range(25))
def test_every_recorded_decision_comes_out_the_same_again(seed: int, tmp_path: Path) -> None:
    case = random_case(seed)
    path = tmp_path / "journal.ndjson"
    orders, engine = recorded(case, path, 8)
    journal = Journal(path)
    seqs = decisions_of(journal)
    assert [journal.decided(seq).order for seq in seqs] == orders
    player = Player(journal, case.network)
    verdicts = list(player.run(frozenset(seqs)))
    assert [verdict.order_id for verdict in verdicts] == [order.order_id for order in orders]
    cut = {seq for seq in seqs if journal.decided(seq).cut}
    assert {v.seq for v in verdicts if v.outcome == Outcome.VERIFIED} == cut
    assert all(verdict.outcome != Outcome.DIFFERENT for verdict in verdicts), verdicts
    for entry in journal.entries[seqs[-1] :]:
        player.apply(entry)
    for mine, theirs in zip(player.engine.live.arrays(), engine.live.arrays(), strict=True):
        assert (mine == theirs).all()  # the last state too


@pytest.mark.parametrize("seed", range(25, 32))
def test_each_decision_can_be_made_again_alone(seed: int, tmp_path: Path) -> None:
    case = random_case(seed)
    path = tmp_path / "journal.ndjson"
    orders, _ = recorded(case, path, 5)
    journal = Journal(path)
    for order in orders:
        engine, decided = state_before(journal, case.network, order.order_id)
        assert decided.order == order
        (seq,) = decisions_of(journal, order.order_id)
        (verdict,) = Player(journal, case.network).run(frozenset((seq,)))
        assert verdict.outcome == (Outcome.VERIFIED if decided.cut else Outcome.EQUAL)
        if decided.plan.method == "subset":
            assert engine.decide(order).plan == decided.plan


@pytest.mark.parametrize("seed", range(40, 52))
def test_a_plan_that_was_changed_in_any_amount_is_found_out(seed: int, tmp_path: Path) -> None:
    case = random_case(seed)
    path = tmp_path / "journal.ndjson"
    recorded(case, path, 4)
    journal = Journal(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for entry in journal.entries:
        if entry.kind != "decide":
            continue
        event = journal.event(entry)
        assert isinstance(event, Decided)
        plan = event.plan
        if plan.shipments:
            shipment = plan.shipments[0]
            term = replace(shipment.terms[0], amount_cents=shipment.terms[0].amount_cents + 1)
            changed = replace(shipment, terms=(term, *shipment.terms[1:]))
            plan, field = replace(plan, shipments=(changed, *plan.shipments[1:])), "shipments[0].terms[0].amount_cents"
        else:
            plan, field = replace(plan, bound_cents=plan.bound_cents + 1), "bound_cents"
        wrong = Decided(
            seq=event.seq,
            order=event.order,
            plan=plan,
            policy=event.policy,
            deadline_ms=event.deadline_ms,
            clock=event.clock,
            cut=event.cut,
        )
        other = tmp_path / "other.ndjson"
        other.write_bytes(b"".join([*lines[: entry.line - 1], canonical(wrong) + b"\n"]))
        (verdict,) = Player(Journal(other), case.network).run(frozenset((event.seq,)))
        if event.cut and not event.plan.shipments:
            continue  # nothing in such an answer can be recounted but what the rules say
        assert verdict.outcome == Outcome.DIFFERENT
        assert event.cut or verdict.field == field


def test_what_is_recorded_depends_on_no_later_policy(tmp_path: Path) -> None:
    case = random_case(3)
    path = tmp_path / "journal.ndjson"
    recorded(case, path, 3)
    journal = Journal(path)
    changed = replace(case.network, policies=(Policy(policy_id="other"),), name="renamed", version="2")
    verdicts = list(Player(journal, changed).run(frozenset(decisions_of(journal))))
    assert all(verdict.outcome != Outcome.DIFFERENT for verdict in verdicts)
    assert any(isinstance(journal.event(entry), Committed) for entry in journal.entries)
