"""Counterfactuals are true: each, made to the input, flips the decision as it says, and a smaller one does not."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.decide.again import decided_under, legs
from engine.decide.engine import Engine
from engine.decide.reasons import Change, Kind
from engine.decide.trial import signature_of
from engine.domain.plan import Status
from tests.strategies import Case, random_case

CHUNKS = 5
HURRIED_CHUNKS = 2
DECISIONS = 1_000
NO_DEADLINE_MS = 600_000  # what is compared is the optimum, on however slow a machine


def hurried(case: Case) -> Case:
    """The case five minutes after the cut-offs of half of the collections, where waiting costs."""
    paris = case.network.as_of.astimezone(ZoneInfo("Europe/Paris")) + timedelta(days=1)
    placed = paris.replace(hour=10 if case.seed % 3 else 15, minute=5, second=0).astimezone(UTC)
    order = replace(case.order, placed_at=placed, deliver_by=None, requested_by=None)
    policy = replace(case.policy, waiting_day_cents=900, weights_permille={}, pickup_places_max=0)
    return replace(case, order=order, policy=policy, recipe=f"hurried({case.recipe})")


def confirm(case: Case, counts: Counter[str]) -> None:
    """Explain one decision and put each counterfactual to the test."""
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    plan = engine.decide(case.order, deadline_ms=NO_DEADLINE_MS).plan
    why = engine.explain(case.order, plan)
    request = engine.chooser.request(case.order)
    counts["decisions"] += 1
    for found in (*why.binding, *why.counterfactuals):
        other = decided_under(engine, case.order, found.changes, NO_DEADLINE_MS)
        where = f"{case.recipe}: {found}, decided {other.cost_cents} {legs(other)}"
        assert other.cost_cents == found.cost_cents, where
        assert legs(other) == set(found.becomes), where
        assert other.status is Status.OPTIMAL, where
        assert not other.relaxed, where
        if found.smallest:
            assert signature_of(request, other) != signature_of(request, plan), where
        counts[found.changes[0].kind] += 1
        if found.smallest and len(found.changes) == 1 and (less := _less(found.changes[0])) is not None:
            other = decided_under(engine, case.order, (less,), NO_DEADLINE_MS)
            assert signature_of(request, other) == signature_of(request, plan), f"{case.recipe}: {less} is enough"
            counts["smallest"] += 1


def _less(change: Change) -> Change | None:
    """A change that is smaller by one; None where there is none, or the kind has no size."""
    if change.kind in (Kind.STOCK, Kind.ROOM) and change.units > 1:
        return replace(change, units=change.units - 1)
    if change.kind is Kind.PRICE and abs(change.cents) > 1:
        return replace(change, cents=change.cents - (1 if change.cents > 0 else -1))
    if change.kind is Kind.DELIVER_BY and change.moment is not None:
        return replace(change, moment=change.moment - timedelta(seconds=1))
    if change.kind is Kind.CUT_OFF and change.cut_off.count(":") == 1:
        hours, minutes = (int(part) for part in change.cut_off.split(":"))
        before = hours * 60 + minutes - 1
        return replace(change, cut_off=f"{before // 60:02}:{before % 60:02}")
    return None


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_would_have_flipped_a_decision_does_flip_it_and_less_does_not(chunk: int) -> None:
    counts: Counter[str] = Counter()
    hurry = chunk < HURRIED_CHUNKS
    for seed in np.random.SeedSequence([7, chunk]).generate_state(DECISIONS // CHUNKS):
        case = random_case(int(seed))
        confirm(hurried(case) if hurry else case, counts)
    assert counts["decisions"] == DECISIONS // CHUNKS
    for kind in (Kind.STOCK, Kind.PRICE, Kind.ROOM, Kind.RULE, Kind.CUT_OFF if hurry else Kind.DELIVER_BY):
        assert counts[kind] > 0, counts
    assert counts["smallest"] > 20, counts
