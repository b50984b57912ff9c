"""
Every cent of a plan has a name: the cost terms of a shipment and of an order (MODEL.md section 4).

Of a shipment with n lines, u units, weight W (g), from node k, all in cents before the policy's weight:

    picking      cost_order + cost_line n + cost_unit u + rounded((handling_order_s + handling_line_s n) * labour, 3600)
    packaging    packaging * num_parcels                                         carrier routes
    carrier      num_parcels * price of one parcel                               carrier routes, see parcels.py
    transfer     cost_order + cost_unit u                                        lanes
    lateness     lateness_base + lateness_day * ceil((deliver_by - requested_by) / 86400)     if that is positive
    waiting      waiting_day * ceil((deliver_by - placed_at) / 86400)
    rejection    sum over lines of rounded(rejection_ppm * resourcing, 10^6), the rate of the sku's class
    opportunity  sum over lines of bid_price(k, sku) * quantity
    markdown     sum over lines of -rounded(value * min(10^6, markdown_ppm_per_day * days_of_cover), 10^6) * quantity
    capacity     capacity_price * x^2 // (1000 - free)^2,  x = max(0, util - free)
    priority     priority_cents * priority of k
    carbon       rounded(co2e_g * carbon_cents_per_tonne, 10^6)

    co2e_g       co2e_g_per_parcel * num_parcels + rounded(W * distance_m * co2e_g_per_tonne_km, 10^9)
    util         max over orders and units of used * 1000 // capacity of k's pick day before this order, at most 1000

Of an order:

    split        split_cents * (shipments - 1)
    trip         trip_base + rounded(trip_km * distance_m, 1000), and its carbon as one more carbon term
    unserved     unserved_base + rounded(value * quantity * unserved_value_permille, 1000)    a term for each line

Each term is weighed by the policy and rounded on its own. Sums over lines (and over extra shipments) are weighed and
rounded part by part, so that what a line adds does not depend on the others. Terms that come to 0 are left out;
picking and carrier are not.
"""

from collections.abc import Iterable, Sequence

from engine.costs.parcels import ParcelPrice
from engine.costs.words import counted, kg, km, money, percent
from engine.domain.plan import CostTerm
from engine.domain.policy import Policy
from engine.domain.units import DAY_S, rounded, weighted_cents
from engine.network.live import Live
from engine.network.model import Network, Node
from engine.network.routes import Route

PPM = 1_000_000


def shipment_terms(
    network: Network,
    live: Live,
    policy: Policy,
    route: Route,
    *,
    items: tuple[tuple[int, int], ...],
    distance_m: int,
    price: ParcelPrice | None,
    deliver_s: int,
    placed_s: int,
    requested_s: int | None,
    pick_day: int,
) -> tuple[CostTerm, ...]:
    """
    Cost terms of one shipment, in the order of MODEL.md section 4.

    Parameters
    ----------
    network, live, policy
        Prices, stock and capacity before this order, weights.
    route
        The way the shipment goes.
    items
        (sku index, quantity) of every line.
    distance_m
        From the route's node to the destination, or to its place.
    price
        Of the parcels; None exactly for routes without a service.
    deliver_s, placed_s, requested_s
        Epoch seconds of the promise, of the order and of the date it asks for, if any.
    pick_day
        Local day number of the pick at the node.
    """
    node = network.nodes[route.node]
    units = sum([quantity for _, quantity in items])
    terms = [_picking(policy, node, len(items), units)]
    if price is not None:
        cents = node.packaging_cents * price.num_parcels
        if cents:
            _add(
                terms,
                policy,
                "packaging",
                cents,
                f"{counted(price.num_parcels, 'parcel')} x {money(node.packaging_cents)}",
            )
        terms.append(_carrier(network, policy, route, price))
    if route.lane >= 0:
        _add_transfer(terms, network, policy, route, units)
    if requested_s is not None and deliver_s > requested_s:
        days = _started_days(deliver_s - requested_s)
        base, by_day = policy.lateness_base_cents, policy.lateness_day_cents * days
        because = f"{counted(days, 'day')} late: {money(base)} + {days} x {money(policy.lateness_day_cents)}"
        _add(terms, policy, "lateness", base + by_day, because, (("base", base), ("days", by_day)))
    if policy.waiting_day_cents:
        days = _started_days(deliver_s - placed_s)
        because = f"{counted(days, 'day')} x {money(policy.waiting_day_cents)}"
        _add(terms, policy, "waiting", policy.waiting_day_cents * days, because)
    _add_line_terms(terms, network, live, policy, route.node, items)
    if policy.capacity_price_cents:
        _add_capacity(terms, live, policy, route.node, pick_day)
    if policy.priority_cents and node.priority:
        because = f"priority {node.priority} x {money(policy.priority_cents)}"
        _add(terms, policy, "priority", policy.priority_cents * node.priority, because)
    if policy.carbon_cents_per_tonne:
        weight_g = sum([int(network.skus.weight_g[sku]) * quantity for sku, quantity in items])
        num = price.num_parcels if price is not None else 0
        _add_carbon(terms, policy, co2e_g(network, route, weight_g=weight_g, num_parcels=num, distance_m=distance_m))
    return tuple(terms)


def order_terms(
    network: Network,
    policy: Policy,
    *,
    num_shipments: int,
    trip_distance_m: int | None,
    unserved: Iterable[tuple[int, int]],
) -> tuple[CostTerm, ...]:
    """
    Cost terms of an order as a whole.

    Parameters
    ----------
    network, policy
        Values of skus, prices and weights.
    num_shipments
        Shipments of the plan.
    trip_distance_m
        From the destination to the place that the plan proposes; None without one, or where the customer chose it.
    unserved
        (sku index, quantity) of every line that the plan leaves out.
    """
    terms: list[CostTerm] = []
    if num_shipments > 1:
        because = f"{num_shipments} shipments: {num_shipments - 1} x {money(policy.split_cents)}"
        extra = [(f"shipment {i}", policy.split_cents) for i in range(2, num_shipments + 1)]
        _add_by_part(terms, policy, "split", extra, because)
    if trip_distance_m is not None:
        base, way = policy.trip_base_cents, rounded(policy.trip_km_cents * trip_distance_m, 1000)
        because = f"{money(base)} + {km(trip_distance_m)} x {money(policy.trip_km_cents)}"
        _add(terms, policy, "trip", base + way, because, (("base", base), ("distance", way)))
        if policy.carbon_cents_per_tonne:
            _add_carbon(terms, policy, trip_co2e_g(policy, trip_distance_m))
    for sku, quantity in unserved:
        base = policy.unserved_base_cents
        share = rounded(int(network.skus.value_cents[sku]) * quantity * policy.unserved_value_permille, 1000)
        because = f"{quantity} x {network.skus.ids[sku]}: {money(base)} + {percent(policy.unserved_value_permille, 10)}"
        _add(terms, policy, "unserved", base + share, f"{because} of the value", (("base", base), ("value", share)))
    return tuple(terms)


def co2e_g(network: Network, route: Route, *, weight_g: int, num_parcels: int, distance_m: int) -> int:
    """
    Emissions of a shipment in grams; 0 for click and collect.

    Parameters
    ----------
    network, route
        The way it goes and who carries it.
    weight_g
        Of all its units.
    num_parcels
        0 on a lane.
    distance_m
        From the route's node to the destination, or to its place.
    """
    if route.service >= 0:
        service = network.services[route.service]
        way = rounded(weight_g * distance_m * service.co2e_g_per_tonne_km, 10**9)
        return service.co2e_g_per_parcel * num_parcels + way
    if route.lane >= 0:
        return rounded(weight_g * distance_m * network.lanes[route.lane].co2e_g_per_tonne_km, 10**9)
    return 0


def trip_co2e_g(policy: Policy, distance_m: int) -> int:
    """Emissions in grams of the customer's trip to a place, there and back."""
    return rounded(2 * distance_m * policy.trip_co2e_g_per_km, 1000)


def _picking(policy: Policy, node: Node, num_lines: int, units: int) -> CostTerm:
    work_s = node.handling_order_s + node.handling_line_s * num_lines
    labour = rounded(work_s * node.labour_cents_per_hour, 3600)
    parts = (
        ("order", node.cost_order_cents),
        ("lines", node.cost_line_cents * num_lines),
        ("units", node.cost_unit_cents * units),
        ("labour", labour),
    )
    raw = sum([cents for _, cents in parts])
    work = (
        f"{node.handling_order_s} s + {num_lines} x {node.handling_line_s} s at {money(node.labour_cents_per_hour)}/h"
    )
    fixed = raw - labour
    because = f"{money(fixed)} + {work}" if fixed else work
    return CostTerm(
        rule="picking",
        amount_cents=weighted_cents(raw, policy.weight("picking")),
        raw_cents=raw,
        because=because,
        parts=_nonzero(parts),
    )


def _carrier(network: Network, policy: Policy, route: Route, price: ParcelPrice) -> CostTerm:
    service = network.services[route.service]
    raw = price.num_parcels * price.unit_price_cents
    charged = f" charged as {kg(price.charged_weight_g)}" if price.charged_weight_g > price.weight_g else ""
    size = f"{counted(price.num_parcels, 'parcel')} of {kg(price.weight_g)}{charged}"
    return CostTerm(
        rule="carrier",
        amount_cents=weighted_cents(raw, policy.weight("carrier")),
        raw_cents=raw,
        because=f"{size}, zone {network.zone_ids[price.zone]}, {service.name or service.service_id}",
        parts=price.parts,
    )


def _add_transfer(terms: list[CostTerm], network: Network, policy: Policy, route: Route, units: int) -> None:
    lane = network.lanes[route.lane]
    parts = (("order", lane.cost_order_cents), ("units", lane.cost_unit_cents * units))
    because = (
        f"{lane.origin} to {lane.target}: {money(lane.cost_order_cents)} + {units} x {money(lane.cost_unit_cents)}"
    )
    _add(terms, policy, "transfer", lane.cost_order_cents + lane.cost_unit_cents * units, because, parts)


def _add_line_terms(
    terms: list[CostTerm], network: Network, live: Live, policy: Policy, k: int, items: tuple[tuple[int, int], ...]
) -> None:
    """Rejection, opportunity and markdown: weighed and rounded line by line."""
    node, skus = network.nodes[k], network.skus
    lines = counted(len(items), "line")
    rates = [network.rejection_ppm(k, sku) for sku, _ in items]
    if any(rates):
        each = f"{lines}, each " if len(items) > 1 else ""
        told = " or ".join([percent(ppm, 10_000) for ppm in dict.fromkeys(rates)])
        because = f"{each}p = {told} x {money(policy.resourcing_cents)}"
        parts = [
            (skus.ids[sku], rounded(ppm * policy.resourcing_cents, PPM))
            for ppm, (sku, _) in zip(rates, items, strict=True)
        ]
        _add_by_part(terms, policy, "rejection", parts, because)
    prices = [(skus.ids[sku], live.bid_price_cents(k, sku) * quantity) for sku, quantity in items]
    if any(cents for _, cents in prices):
        _add_by_part(terms, policy, "opportunity", prices, f"bid prices of {lines}")
    if node.markdown_ppm_per_day:
        losses = []
        for sku, quantity in items:
            ppm = min(PPM, node.markdown_ppm_per_day * live.days_of_cover(k, sku))
            losses.append((skus.ids[sku], -rounded(int(skus.value_cents[sku]) * ppm, PPM) * quantity))
        because = f"{lines} would lose {percent(node.markdown_ppm_per_day, 10_000)} of value a day"
        _add_by_part(terms, policy, "markdown", losses, because)


def _add_capacity(terms: list[CostTerm], live: Live, policy: Policy, k: int, pick_day: int) -> None:
    free = policy.capacity_free_permille
    util = 0
    for used, capacity in zip(live.used_day(k, pick_day), live.limits_of_day(k, pick_day), strict=True):
        if capacity:  # where it is 0 there is no room at all, and no shipment to price
            util = max(util, min(1000, used * 1000 // capacity))
    x = max(0, util - free)
    raw = policy.capacity_price_cents * x**2 // (1000 - free) ** 2
    if raw:
        because = f"{percent(util, 10)} used, free up to {percent(free, 10)}"
        _add(terms, policy, "capacity", raw, because)


def _add_carbon(terms: list[CostTerm], policy: Policy, grams: int) -> None:
    raw = rounded(grams * policy.carbon_cents_per_tonne, 1_000_000)
    _add(terms, policy, "carbon", raw, f"{grams} g x {money(policy.carbon_cents_per_tonne)}/t")


def _add(
    terms: list[CostTerm],
    policy: Policy,
    rule: str,
    raw: int,
    because: str,
    parts: tuple[tuple[str, int], ...] = (),
) -> None:
    """Append a term unless it comes to 0."""
    amount = weighted_cents(raw, policy.weight(rule))
    if amount:
        terms.append(CostTerm(rule=rule, amount_cents=amount, raw_cents=raw, because=because, parts=_nonzero(parts)))


def _add_by_part(
    terms: list[CostTerm], policy: Policy, rule: str, parts: Sequence[tuple[str, int]], because: str
) -> None:
    """Append a term that is weighed and rounded part by part, unless it comes to 0."""
    weight = policy.weight(rule)
    amount = sum([weighted_cents(cents, weight) for _, cents in parts])
    if amount:
        raw = sum([cents for _, cents in parts])
        terms.append(CostTerm(rule=rule, amount_cents=amount, raw_cents=raw, because=because, parts=_nonzero(parts)))


def _nonzero(parts: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple([part for part in parts if part[1]])


def _started_days(seconds: int) -> int:
    return -(-seconds // DAY_S)
