"""
Small random networks and orders in which every rule binds often.

`random_case(seed)` is fast and deterministic; `cases()` is the same as a hypothesis strategy, which shrinks by
switching features off, then by fewer nodes and lines. `hungry` makes orders of them that have to be divided.
`tests/twin.py` finds the right optimum of a case.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from engine.domain.ids import LineId, OrderId
from engine.domain.order import METHODS, Destination, Method, Order, OrderLine
from engine.domain.policy import RULES, ChannelRule, Policy, Relaxation
from engine.network.live import Live
from engine.network.model import Network, Offer
from tests.dice import Dice
from tests.random_networks import HORIZON_DAYS, SITES, fill, random_network

FEATURES = (
    "backlog",
    "capacity",
    "carbon",
    "channels",
    "dims",
    "exceptions",
    "holes",
    "inbound",
    "line_rules",
    "order_rules",
    "places",
    "policy_prices",
    "restrictions",
    "safety",
    "surcharges",
    "weights",
)


@dataclass(frozen=True, eq=False)
class Case:
    """One order on one network with its stock and policy. `order` is merged. `recipe` makes it again."""

    seed: int
    network: Network
    live: Live
    policy: Policy
    order: Order
    recipe: str

    def __repr__(self) -> str:
        return self.recipe  # hypothesis prints what failed, and gives up on what is too long to print


def random_case(
    seed: int,
    *,
    num_lines: int | None = None,
    num_nodes: int | None = None,
    features: frozenset[str] = frozenset(FEATURES),
) -> Case:
    """One case; sizes are drawn (3-8 nodes, 1-5 lines) unless given."""
    sizes = f"num_lines={num_lines}, num_nodes={num_nodes}"
    recipe = f"random_case({seed}, {sizes}, features=frozenset({sorted(features)}))"
    dice = Dice(seed, features)
    lines = num_lines or dice.pick((1, 2, 2, 3, 3, 4, 5))
    network = random_network(dice, num_nodes or dice.between(4, 8), lines + 1)
    live = Live(network, HORIZON_DAYS)
    fill(dice, live)
    policy = _policy(dice)
    return Case(seed, network, live, policy, _order(dice, network, lines).merged(), recipe)


def hungry(case: Case, units_max: int = 9) -> Case:
    """The case with more units of every line than most nodes hold, so that lines are divided where they can be."""
    dice = Dice(case.seed, frozenset(FEATURES))
    lines = tuple(replace(line, quantity=dice.between(4, units_max)) for line in case.order.lines)
    order = replace(case.order, lines=lines, keep_together=())
    return replace(case, order=order, recipe=f"hungry({case.recipe}, {units_max})")


def orders_of(case: Case, num: int) -> list[Order]:
    """The order of a case and others on its network, every third one with more units than most nodes hold."""
    dice = Dice(case.seed + 1, frozenset(FEATURES))
    out = [case.order]
    for i in range(1, num):
        num_lines = dice.between(1, min(4, len(case.network.skus.ids)))
        order = replace(_order(dice, case.network, num_lines), order_id=OrderId(f"more{i}")).merged()
        out.append(hungry(replace(case, order=order)).order if i % 3 == 0 else order)
    return out


def _policy(dice: Dice) -> Policy:
    priced = "policy_prices"
    weights = {rule: dice.pick((0, 500, 1337)) for rule in RULES if dice.chance(8, "weights")}
    channels = {}
    if dice.chance(25, "channels"):
        channels["web"] = ChannelRule(
            methods=dice.pick(((), dice.some(METHODS, 75))),
            node_groups=dice.pick(((), ("g1",))),
            services=dice.pick(((), ("s0", "s1"))),
        )
    steps = (
        Relaxation(rule="deliver_by", days=2),
        Relaxation(rule="deliver_by", days=5),
        Relaxation(rule="max_distance"),
        Relaxation(rule="min_parcel_value"),
        Relaxation(rule="max_shipments"),
        Relaxation(rule="safety_stock"),
    )
    return Policy(
        weights_permille=weights,
        methods=METHODS if dice.chance(88) else dice.some(METHODS, 80),
        channels=channels,
        split_cents=dice.pick((0, 100, 300)),
        lateness_base_cents=dice.pick((0, 300)),
        lateness_day_cents=dice.pick((0, 150)),
        waiting_day_cents=dice.pick((0, 35)) if priced in dice.features else 0,
        resourcing_cents=dice.pick((0, 600)),
        capacity_price_cents=dice.pick((0, 500)) if priced in dice.features else 0,
        capacity_free_permille=dice.pick((0, 300, 600)),
        carbon_cents_per_tonne=dice.pick((0, 9_000, 900_000)) if "carbon" in dice.features else 0,
        trip_base_cents=dice.pick((0, 150)),
        trip_km_cents=dice.pick((0, 25)),
        pickup_places_max=dice.pick((0, 1, 2)) if "places" in dice.features else 0,
        priority_cents=dice.pick((0, 45)),
        unserved_base_cents=dice.pick((300, 2000)),
        promise_confidence_permille=dice.pick((500, 750, 900)),
        use_inbound=dice.chance(60, "inbound"),
        max_shipments=dice.pick((1, 2, 3, 8, 8)),
        max_shipments_per_line=dice.pick((1, 2, 4)),
        max_distance_m=dice.pick((0, 0, 0, 0, 0, 60_000)) if "order_rules" in dice.features else 0,
        min_parcel_value_cents=dice.pick((0, 0, 4000)),
        allow_quantity_split=dice.chance(75),
        relaxations=tuple(s for s in steps if dice.chance(45)),
    )


def _order(dice: Dice, network: Network, num_lines: int) -> Order:
    rules = "order_rules"
    nodes = tuple(node.node_id for node in network.nodes)
    services = tuple(service.service_id for service in network.services)
    ids = tuple(LineId(f"l{i}") for i in range(num_lines))
    skus = [network.skus.ids[int(i)] for i in dice.rng.permutation(len(network.skus.ids))[:num_lines]]
    lines = tuple(
        OrderLine(
            line_id=line_id,
            sku=sku,
            quantity=dice.pick((1, 1, 1, 2, 2, 3, 4)) if dice.chance(93) else dice.between(5, 11),
            pin_node=dice.pick(nodes) if dice.chance(4, "line_rules") else None,
        )
        for line_id, sku in zip(ids, skus, strict=True)
    )
    placed = network.as_of + timedelta(seconds=dice.below(36 * 3600))
    lat, lon, postcode, country, *_ = dice.pick(SITES[:4] if dice.chance(80) else SITES)
    exact = dice.chance(50)
    stores = [n.node_id for n in network.nodes if Offer.PICKUP in n.offers]
    collected = dice.chance(20, "places") and bool(stores)
    destination = Destination(
        country=country,
        postcode=postcode,
        lat=lat + 0.01 if exact else None,
        lon=lon + 0.01 if exact else None,
        residential=dice.chance(70),
    )
    together = dice.chance(20, "line_rules") and num_lines > 1
    methods: tuple[Method, ...] = dice.some(METHODS, 70) if dice.chance(6, rules) else ()
    return Order(
        order_id=OrderId("o1"),
        placed_at=placed,
        lines=lines,
        destination=None if collected and dice.chance(50) else destination,
        pickup_node=dice.pick(stores) if collected else None,
        channel=dice.pick(("", "web", "app", "shop")) if "channels" in dice.features else "",
        methods=methods,
        excluded_methods=(dice.pick(METHODS),) if dice.chance(10, rules) else (),
        nodes=dice.some(nodes, 80) if dice.chance(10, rules) else (),
        excluded_nodes=dice.some(nodes, 30) if dice.chance(15, rules) else (),
        services=dice.some(services, 70) if dice.chance(6, rules) else (),
        excluded_services=(dice.pick(services),) if dice.chance(10, rules) else (),
        deliver_by=placed + timedelta(hours=dice.between(12, 150)) if dice.chance(30, rules) else None,
        requested_by=placed + timedelta(hours=dice.between(1, 130)) if dice.chance(50, rules) else None,
        max_shipments=dice.between(1, 3) if dice.chance(15, rules) else None,
        max_shipments_per_line=dice.between(1, 2) if dice.chance(10, rules) else None,
        max_distance_m=dice.pick((20_000, 300_000)) if dice.chance(9, rules) else None,
        keep_together=(dice.some(ids, 60),) if together else (),
        partial=dice.chance(16, "line_rules"),
        signature=dice.chance(30, "surcharges"),
    )


def cases(lines_max: int = 4, nodes_max: int = 6) -> st.SearchStrategy[Case]:
    """Cases as a hypothesis strategy; a failing one shrinks to few features, nodes and lines."""
    return st.builds(
        lambda seed, lines, nodes, off: random_case(
            seed, num_lines=lines, num_nodes=nodes, features=frozenset(FEATURES) - off
        ),
        st.integers(0, 2**32 - 1),
        st.integers(1, lines_max),
        st.integers(3, nodes_max),
        st.frozensets(st.sampled_from(FEATURES)).map(lambda kept: frozenset(FEATURES) - kept),
    )
