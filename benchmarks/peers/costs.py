"""
What shipments of every set of lines cost, as arrays by node and set: engine/MODEL.md section 4 written down once more.

A set of lines is a number whose bit i stands for line i. In the letters of MODEL.md, with K nodes and n lines:

    measures    (2**n,)        lines, units, weight (g), of each set
    node_cents  (K, 2**n)      picking, rejection, opportunity, markdown, priority: whatever the route is
    prices      (rows, 2**n)   parcels and their price for each (service, zone, ship day, target) that is asked for
"""

import numpy as np

from benchmarks.peers.dates import NEVER, Ints, Picks
from engine.costs.parcels import Contents
from engine.domain.plan import Refusal
from engine.domain.units import DAY_S
from engine.options.evaluate import Evaluator
from engine.options.ways import Way


def rounded(top: Ints, divisor: int) -> Ints:
    """Divide and round half up."""
    out: Ints = (2 * top + divisor) // (2 * divisor)
    return out


def weighted(evaluator: Evaluator, rule: str, cents: Ints) -> Ints:
    """Weigh amounts of a rule by the policy."""
    return rounded(cents * evaluator.policy.weight(rule), 1000)


def sums(values: list[int]) -> Ints:
    """The sum of every set."""
    out = np.zeros(1 << len(values), dtype=np.int64)
    for i, value in enumerate(values):
        out[1 << i : 2 << i] = out[: 1 << i] + value
    return out


def node_cents(evaluator: Evaluator, nodes: Ints) -> Ints:
    """What each set costs at each node, whatever the route; (num_nodes, num_sets)."""
    policy, lines = evaluator.policy, evaluator.order.lines
    rows = [evaluator.network.nodes[k] for k in nodes]
    num, units = sums([1] * len(lines)), sums([line.quantity for line in lines])

    def column(name: str) -> Ints:
        return np.array([getattr(row, name) for row in rows], dtype=np.int64).reshape(-1, 1)

    work_s = column("handling_order_s") + column("handling_line_s") * num
    raw = column("cost_order_cents") + column("cost_line_cents") * num + column("cost_unit_cents") * units
    cents = weighted(evaluator, "picking", raw + rounded(work_s * column("labour_cents_per_hour"), 3600))
    cents += weighted(evaluator, "priority", policy.priority_cents * column("priority"))
    for i, line in enumerate(lines):
        name = evaluator.skus[i].sku_class
        ppm = np.array([dict(row.rejection_by_class).get(name, row.rejection_ppm) for row in rows], dtype=np.int64)
        fails = weighted(evaluator, "rejection", rounded(ppm * policy.resourcing_cents, 10**6))[:, None]
        held = np.flatnonzero(np.arange(1 << len(lines)) >> i & 1)
        cents[:, held] += fails
        cents[:, held] += _stock_cents(evaluator, nodes, column("markdown_ppm_per_day")[:, 0], i, line.quantity)
    return cents


def _stock_cents(evaluator: Evaluator, nodes: Ints, markdown_ppm: Ints, i: int, quantity: int) -> Ints:
    """Opportunity and markdown of a line at each node, (num_nodes, 1)."""
    live, sku = evaluator.live, evaluator.sku_index[i]
    low, high = int(live.row_start[sku]), int(live.row_start[sku + 1])
    rows = low + np.searchsorted(live.row_node[low:high], nodes)
    known = rows < high
    known[known] = live.row_node[rows[known]] == nodes[known]
    bid, cover = np.zeros((2, len(nodes)), dtype=np.int64)
    bid[known], cover[known] = live.row_price_cents[rows[known]], live.row_cover_days[rows[known]]
    lost = rounded(evaluator.skus[i].value_cents * np.minimum(10**6, markdown_ppm * cover), 10**6) * quantity
    cents = weighted(evaluator, "opportunity", bid * quantity) + weighted(evaluator, "markdown", -lost)
    return cents[:, None]


def date_cents(evaluator: Evaluator, picks: Picks, deliver_s: Ints) -> Ints:
    """Lateness, waiting and capacity of each pick that arrives at an instant; NEVER where it is too late."""
    policy = evaluator.policy
    arrives = np.where(deliver_s < NEVER, deliver_s, evaluator.placed_s)
    cents = weighted(evaluator, "waiting", policy.waiting_day_cents * -(-(arrives - evaluator.placed_s) // DAY_S))
    if evaluator.requested_s is not None:
        late_days = -(-(arrives - evaluator.requested_s) // DAY_S)
        fee = weighted(evaluator, "lateness", policy.lateness_base_cents + policy.lateness_day_cents * late_days)
        cents += np.where(arrives > evaluator.requested_s, fee, 0)
    if policy.capacity_price_cents:
        cents += weighted(evaluator, "capacity", _capacity_cents(evaluator, picks))
    last_s = evaluator.deliver_by_s if evaluator.deliver_by_s is not None else NEVER - 1
    return np.where(deliver_s <= last_s, cents, NEVER)


def _capacity_cents(evaluator: Evaluator, picks: Picks) -> Ints:
    """The raw price of capacity, which rises with what is used on the day of a pick."""
    policy, free = evaluator.policy, evaluator.policy.capacity_free_permille
    out = np.zeros(len(picks.node), dtype=np.int64)
    for at in np.flatnonzero(picks.end_s < NEVER):
        cell = int(picks.node[at]), int(picks.day[at])
        used, limits = evaluator.live.used_day(*cell), evaluator.live.limits_of_day(*cell)
        util = max((u * 1000 // limit for u, limit in zip(used, limits, strict=True) if limit), default=0)
        over = max(0, min(1000, util) - free)
        out[at] = policy.capacity_price_cents * over**2 // (1000 - free) ** 2
    return out


class Prices:
    """
    Parcels of an order's sets of lines and what the carrier takes for them, by (service, zone, ship day, place).

    Each price is one call of the plain rate cards; nodes that share a row share it.
    """

    def __init__(self, evaluator: Evaluator, wanted: Ints, num_sets: int) -> None:
        self.evaluator = evaluator
        quantities = [line.quantity for line in evaluator.order.lines]
        self._contents: list[tuple[int, Contents]] = [
            (int(held), evaluator.contents(tuple((i, q) for i, q in enumerate(quantities) if held >> i & 1)))
            for held in wanted
        ]
        self._rows: dict[tuple[int, int, int, int], int] = {}
        # Row 0 is that of routes without a carrier.
        self.num_parcels: list[Ints] = [np.zeros(num_sets, dtype=np.int64)]
        self.cents: list[Ints] = [np.zeros(num_sets, dtype=np.int64)]

    def row(self, way: Way, zone: int, ship_day: int) -> int:
        """The row of a service (that of `way`) to a zone on a day, and to the target of `way`."""
        key = (way.route.service, zone, ship_day, way.route.place)
        if key not in self._rows:
            self._rows[key] = len(self.cents)
            self._add(way, zone, ship_day)
        return self._rows[key]

    def _add(self, way: Way, zone: int, ship_day: int) -> None:
        evaluator, service = self.evaluator, way.route.service
        num, raw = np.zeros((2, len(self.cents[0])), dtype=np.int64)
        barred = [bool(sku.services) and self._name(service) not in sku.services for sku in evaluator.skus]
        never = sum(1 << i for i, out in enumerate(barred) if out)
        missing = np.ones(len(raw), dtype=bool)
        for held, contents in self._contents:
            if held & never:
                continue
            price = evaluator.tools.cards.price(
                service, zone, ship_day, contents, way.target, evaluator.order.signature
            )
            if not isinstance(price, Refusal):
                num[held], raw[held] = price.num_parcels, price.num_parcels * price.unit_price_cents
                missing[held] = False
        self.num_parcels.append(num)
        self.cents.append(np.where(missing, NEVER, weighted(evaluator, "carrier", raw)))

    def _name(self, service: int) -> str:
        return self.evaluator.network.services[service].service_id


def carbon_cents(evaluator: Evaluator, co2e_g: Ints) -> Ints:
    """The price of emissions."""
    return weighted(evaluator, "carbon", rounded(co2e_g * evaluator.policy.carbon_cents_per_tonne, 10**6))
