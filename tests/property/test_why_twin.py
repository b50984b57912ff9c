"""What the compiled look at all nodes says of each of them, against asking every route of every node one by one."""

import numpy as np
from hypothesis import given, settings

from engine.decide.engine import Engine
from engine.decide.trial import Trial
from engine.domain.policy import RULES
from engine.domain.units import epoch_s
from engine.optimise.why_codes import CODES, FITS, W_CENTS, W_CODE, W_DELIVER, W_HAVE, W_ID, W_KIND, W_PLACE, W_SHORT
from engine.options.request import Items
from tests.examples import examples
from tests.strategies import Case, cases, random_case
from tests.why_twin import say

NUM_RANDOM = 150
RELAXED = ((), ("safety_stock",), ("max_distance", "deliver_by+5d"))


def _compare(case: Case, relaxed: tuple[str, ...]) -> set[str]:
    """Look at each line, and at all of them together, with and without a place in use; the codes that came up."""
    engine = Engine(case.network, live=case.live, policy=case.policy, guard=False)
    request = engine.chooser.request(case.order, relaxed)
    trial = Trial(engine.chooser)
    whole: Items = tuple((i, line.quantity) for i, line in enumerate(case.order.lines))
    sets: list[Items] = [whole, *(((i, 1),) for i, _ in whole), tuple((i, max(1, n // 2)) for i, n in whole)]
    trial.start(request, request, sets)
    seen: set[str] = set()
    for at, items in enumerate(sets):
        for used in (-1, *request.ways.places[:1]):
            found, terms = trial.why(at, used=trial.place_row(used))
            for node in range(len(case.network.nodes)):
                said = say(request, node, items, used)
                where = f"{case.recipe}, relaxed {relaxed}, items {items}, node {node}, used {used}"
                assert CODES[found[node, W_CODE]] == said.code, where
                seen.add(said.code)
                if said.code == "no_stock":
                    line = items[found[node, W_SHORT]][0]
                    assert found[node, W_HAVE] < items[found[node, W_SHORT]][1], where
                    if not case.policy.use_inbound:
                        assert found[node, W_HAVE] == request.available(node, line), where
                if found[node, W_CODE] != FITS:
                    continue
                assert said.route is not None
                assert said.shipment is not None
                place = int(found[node, W_PLACE])
                there = int(trial.orders.places[place, 0]) if place >= 0 else -1
                kind, which = int(found[node, W_KIND]), int(found[node, W_ID])
                assert trial.chooser.route(node, kind, which, there) == said.route, where
                assert found[node, W_DELIVER] == epoch_s(said.shipment.promise.deliver_by), where
                by_rule = zip(RULES, terms[node].tolist(), strict=True)
                assert tuple(sorted((rule, cents) for rule, cents in by_rule if cents)) == said.cents_by_rule, where
                assert found[node, W_CENTS] == terms[node].sum(), where
    return seen


def test_every_node_of_random_networks_says_what_its_routes_say_one_by_one() -> None:
    seeds = np.random.SeedSequence(31).generate_state(NUM_RANDOM)
    seen: set[str] = set()
    for i, seed in enumerate(seeds):
        seen |= _compare(random_case(int(seed)), RELAXED[i % len(RELAXED)])
    often = {
        "",
        "no_stock",
        "node",
        "pinned",
        "method",
        "service",
        "too_late",
        "no_route",
        "no_capacity",
        "place",
        "beyond_horizon",
    }
    assert often <= seen, sorted(seen)


@settings(max_examples=examples(40), deadline=None)
@given(case=cases())
def test_every_node_says_what_its_routes_say_whatever_features_are_on(case: Case) -> None:
    _compare(case, ())
