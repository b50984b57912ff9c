"""
Whether the offers of carts are exact: beside every plan that there is, listed by the plain layers.

Small random networks on which every rule binds often, and carts of the US network that only a few nodes may serve. Of
each cart every plan for home alone and for each place alone is made and priced (`tests.twin.all_plans`, which shares no
code with the kernels); the fastest, the cheapest and the greenest of them must cost, arrive and emit what those of the
offers do.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from benchmarks.record import Figures
from engine.decide.engine import Engine
from engine.domain.order import METHODS, Order
from engine.network.model import Network
from engine.options.evaluate import Evaluator
from engine.options.ways import PLACE_METHODS
from tests.strategies import orders_of, random_case
from tests.twin import all_plans

Value = tuple[int, int, int]  # cost in cents, date in epoch seconds, grams
LISTED_MAX = 3_000  # plans of a cart; more take too long to list
US_NODES, US_LINES = 4, 2  # that may serve a cart, and lines that it keeps


def exactness(network: Network, orders: Iterable[Order], carts: int, us_carts: int) -> Figures:
    """Shares of carts, of random networks and of a given one, whose best offers are the best of all plans."""
    equal, compared, offered = share(random_carts(), carts)
    us_equal, us_compared, us_offered = share(few_nodes(network, orders), us_carts)
    return {
        "exact_share": round((equal + us_equal) / max(1, compared + us_compared), 4),
        "exact_carts": compared + us_compared,
        "exact_carts_of_network": us_compared,
        "exact_offers": offered + us_offered,
    }


def share(carts: Iterator[tuple[Engine, Order]], most: int) -> tuple[int, int, int]:
    """How many carts are equal, of how many that have a plan, with how many offers."""
    equal = compared = offered = 0
    for engine, order in carts:
        if compared == most:
            break
        if ways_of(engine, order) > LISTED_MAX:
            continue
        found = [(one.value, one.exact) for one in engine.offers.find(order)]
        listed = [value for target in targets(engine, order) for value in values(engine, target)]
        if not listed and not found:
            continue
        compared += 1
        offered += len(found)
        if listed and all(exact for _, exact in found):
            equal += best([value for value, _ in found]) == best(listed)
    return equal, compared, offered


def best(found: Iterable[Value]) -> tuple[int, tuple[int, int], tuple[int, int]] | None:
    """The cheapest (cost), the fastest (date, cost) and the greenest (grams, cost)."""
    values = list(found)
    if not values:
        return None
    return min(v[0] for v in values), min((v[1], v[0]) for v in values), min((v[2], v[0]) for v in values)


def random_carts() -> Iterator[tuple[Engine, Order]]:
    """Orders that leave open where they go, without rules that take anything back; without end."""
    seed = 0
    while True:
        case = random_case(seed)
        policy = replace(case.policy, relaxations=(), allow_quantity_split=False)
        engine = Engine(case.network, live=case.live, policy=policy, guard=False)
        for order in orders_of(case, 6):
            if order.destination is not None:
                yield engine, replace(order, pickup_node=None, partial=False)
        seed += 1


def few_nodes(network: Network, orders: Iterable[Order]) -> Iterator[tuple[Engine, Order]]:
    """Orders of a network with few of their lines, which only the first nodes of each line's offers may serve."""
    engine = Engine(network, guard=False)
    for number, order in enumerate(orders):
        lines = order.merged().lines[:US_LINES]
        request = engine.chooser.request(replace(order, lines=lines, keep_together=()))
        holders = [node for line in range(len(lines)) for node in request.holders(line)]
        near = [node for node in request.ways.places if node in set(holders)][:1]
        spread = [holders[(number + i * len(holders) // US_NODES) % len(holders)] for i in range(US_NODES) if holders]
        names = tuple(dict.fromkeys(network.nodes[node].node_id for node in (near + spread)[:US_NODES]))
        yield engine, replace(order, lines=lines, keep_together=(), nodes=names, pickup_node=None, partial=False)


def targets(engine: Engine, order: Order) -> Iterator[Order]:
    """The order for home alone, and for each of its places alone."""
    home = tuple(method for method in order.methods or METHODS if method not in PLACE_METHODS)
    if home:
        yield replace(order, methods=home)
    for place in engine.chooser.request(order).ways.places:
        yield replace(order, pickup_node=engine.network.nodes[place].node_id)


def values(engine: Engine, order: Order) -> Iterator[Value]:
    """Those of every plan of an order."""
    request = Evaluator(engine.network, engine.live, engine.policy, order, engine.tools)
    for plan in all_plans(request):
        if plan.deliver_by is not None:
            yield plan.cost_cents, int(plan.deliver_by.timestamp()), plan.co2e_g


def ways_of(engine: Engine, order: Order) -> int:
    """About how many plans there are to list, for all targets."""
    lines = len(order.lines)
    return sum(
        len(Evaluator(engine.network, engine.live, engine.policy, target, engine.tools).routes) ** lines
        for target in targets(engine, order)
    )
