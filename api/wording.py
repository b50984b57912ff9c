"""How amounts, times and rules read for people: one wording for the command line and the report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.domain.order import Method, Order
from engine.domain.plan import Plan, Shipment, Status

if TYPE_CHECKING:
    from engine.decide.reasons import Change, Counterfactual, NodeReason
    from engine.network.model import Network

METHOD_TITLES = {
    Method.SHIP_FROM_WAREHOUSE: "Ship from warehouse",
    Method.SHIP_FROM_STORE: "Ship from store",
    Method.DROP_SHIP: "Drop-ship by vendor",
    Method.CLICK_AND_COLLECT: "Click & collect",
    Method.SHIP_TO_STORE: "Ship to store",
    Method.SAME_DAY: "Same-day courier",
    Method.PICKUP_POINT: "Pickup point",
}
KIND_TITLES = {
    "warehouse": "Warehouse",
    "store": "Store",
    "dark_store": "Dark store",
    "vendor": "Vendor",
    "pickup_point": "Pickup point",
}
STATUS_TITLES = {
    Status.OPTIMAL: "optimal",
    Status.FEASIBLE: "feasible",
    Status.INFEASIBLE: "cannot be served",
    Status.NOT_FOUND: "no plan found in time",
}
RULE_TITLES = {
    "carrier": "Carrier",
    "picking": "Picking and packing",
    "packaging": "Packaging",
    "split": "Split",
    "lateness": "Lateness",
    "waiting": "Waiting",
    "rejection": "Failed picks",
    "opportunity": "Stock needed later",
    "capacity": "Busy node",
    "markdown": "Markdown avoided",
    "transfer": "Transfer",
    "carbon": "Carbon",
    "trip": "Customer's trip",
    "priority": "Node priority",
    "unserved": "Unserved lines",
}
RELAXED_TITLES = {
    "max_distance": "any distance",
    "max_shipments": "any number of shipments",
    "min_parcel_value": "shipments of any value",
    "safety_stock": "safety stock used",
}
REASON_TITLES = {
    "no_stock": "too little stock",
    "no_route": "no way to the customer",
    "method": "its methods are not allowed",
    "node": "the order leaves it out",
    "service": "its services are not allowed",
    "channel": "not for this channel",
    "too_far": "too far",
    "too_late": "too late",
    "pinned": "the line is pinned elsewhere",
    "ships_alone": "the article travels alone",
    "node_group": "the article is not sold from there",
    "sku_service": "no service may carry the article",
    "hazardous": "no service takes hazardous goods",
    "oversize": "too bulky for its services",
    "too_heavy": "too heavy for its services",
    "too_large": "too large for its services",
    "too_many_parcels": "too many parcels",
    "no_price": "no price for that zone and weight",
    "no_zone": "no zone to the customer",
    "no_capacity": "no capacity left",
    "no_collection": "no collection",
    "no_transit": "no transit time known",
    "no_lane": "no transfer there",
    "never_open": "never works",
    "place_never_opens": "the place never opens",
    "place": "only to another place than the rest of the order",
    "no_source": "holds no stock",
    "beyond_horizon": "beyond the known calendar",
}
RULE_FIELDS = {
    "deliver_by": "its last moment",
    "methods": "its choice of methods",
    "nodes": "its choice of nodes",
    "services": "its choice of services",
    "keep_together": "lines that go together",
    "pins": "lines pinned to a node",
    "channel": "the rules of its channel",
    "policy_methods": "the policy's choice of methods",
    "max_distance": "the limit on distance",
    "max_shipments": "the limit on shipments",
    "min_parcel_value": "the least value of a shipment",
    "safety_stock": "safety stock",
}
ROOM_WORDS = {
    "capacity_day_orders": "order a day",
    "capacity_day_units": "unit a day",
    "capacity_hour_orders": "order an hour",
    "capacity_hour_units": "unit an hour",
}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
BEFORE_AMOUNT = {"$", "£"}


def money(cents: int, currency: str, *, sign: bool = False) -> str:
    """
    An amount with its currency; a true minus sign; with ``sign`` also a plus.

    >>> money(123456, "EUR"), money(-5, "USD"), money(120, "BRL", sign=True)
    ('1,234.56 €', '−$0.05', '+1.20 BRL')
    """
    symbol = SYMBOLS.get(currency, currency)
    bare = amount(cents, sign=sign)
    if symbol not in BEFORE_AMOUNT:
        return f"{bare} {symbol}"
    return f"{bare[0]}{symbol}{bare[1:]}" if bare[0] in "−+" else f"{symbol}{bare}"


def amount(cents: int, *, sign: bool = False) -> str:
    """
    An amount without its currency, for lists in which the currency is clear.

    >>> amount(-123456), amount(5, sign=True)
    ('−1,234.56', '+0.05')
    """
    prefix = "−" if cents < 0 else "+" if sign else ""
    return f"{prefix}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def local_moment(moment: datetime, tz: str) -> str:
    """
    Weekday, date and minute in a time zone.

    >>> from datetime import UTC
    >>> local_moment(datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "Europe/Paris")
    'Mon 23 Nov 10:30'
    """
    return moment.astimezone(ZoneInfo(tz)).strftime("%a %d %b %H:%M")


def local_window(start: datetime, end: datetime, tz: str) -> str:
    """
    A delivery window in a time zone: the day once where both ends share it, one instant where they are equal.

    >>> from datetime import UTC
    >>> a, b = datetime(2026, 11, 24, 7, tzinfo=UTC), datetime(2026, 11, 24, 19, tzinfo=UTC)
    >>> local_window(a, b, "Europe/Paris"), local_window(b, b, "Europe/Paris")
    ('Tue 24 Nov 08:00-20:00', 'Tue 24 Nov 20:00')
    """
    if start == end:
        return local_moment(end, tz)
    zone = ZoneInfo(tz)
    a, b = start.astimezone(zone), end.astimezone(zone)
    if a.date() == b.date():
        return f"{a:%a %d %b} {a:%H:%M}-{b:%H:%M}"
    return f"{a:%a %d %b} - {b:%a %d %b %H:%M}"


def span(length: timedelta) -> str:
    """
    A length of time in its two largest units.

    >>> span(timedelta(days=1, hours=5)), span(timedelta(minutes=95)), span(timedelta(seconds=20))
    ('1 d 5 h', '1 h 35 min', '0 min')
    """
    minutes = int(length.total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def distance(metres: int) -> str:
    """Kilometres, one digit below ten."""
    return f"{metres / 1000:.1f} km" if metres < 10_000 else f"{metres / 1000:,.0f} km"


def mass(grams: int) -> str:
    """Grams below a kilogram, kilograms above."""
    return f"{grams} g" if grams < 1000 else f"{grams / 1000:,.1f} kg"


def plural(count: int, noun: str) -> str:
    """
    A count with its noun.

    >>> plural(1, "line"), plural(2, "day"), plural(3, "category")
    ('1 line', '2 days', '3 categories')
    """
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}s"


def rule_title(rule: str) -> str:
    """The name of a cost rule for people."""
    return RULE_TITLES.get(rule, rule.replace("_", " ").capitalize())


def reason_title(code: str) -> str:
    """A refusal's code in words; what is no code is words already."""
    return REASON_TITLES.get(code, code.replace("_", " "))


def reasons_summary(reasons: Iterable[tuple[str, str]]) -> str:
    """
    How many nodes failed for which reason, most frequent first.

    >>> reasons_summary([("a", "no_stock"), ("b", "too_far"), ("c", "no_stock")])
    'too little stock (2 nodes), too far (1 node)'
    """
    counts = Counter(code for _, code in reasons)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason_title(code)} ({plural(count, 'node')})" for code, count in ranked)


def node_title(network: "Network", node_id: str | None) -> str:
    """Name and id of a node; the id alone where it has no name."""
    index = network.node_index.get(node_id) if node_id is not None else None  # type: ignore[call-overload]
    if index is None:
        return node_id or ""
    name = network.nodes[index].name
    return f"{name} ({node_id})" if name and name != node_id else str(node_id)


def shipment_tz(network: "Network", order: Order, shipment: Shipment) -> str:
    """The time zone in which a customer reads a shipment's dates: of the place, else of the destination."""
    if shipment.place is not None:
        return network.nodes[network.node_index[shipment.place]].tz
    assert order.destination is not None, "a home delivery has a destination"
    return network.area_of(order.destination.country, order.destination.postcode).tz


def order_tz(network: "Network", order: Order) -> str:
    """The time zone in which a customer reads an order's dates: of the destination, else of the chosen place."""
    if order.destination is not None:
        return network.area_of(order.destination.country, order.destination.postcode).tz
    assert order.pickup_node is not None, "an order has a destination or a pickup node"
    return network.nodes[network.node_index[order.pickup_node]].tz


def order_summary(network: "Network", order: Order) -> str:
    """One sentence on what the customer asked for."""
    if order.pickup_node is not None:
        where = f"to be collected at {node_title(network, order.pickup_node)}"
    else:
        assert order.destination is not None, "an order has a destination or a pickup node"
        where = f"to {order.destination.postcode} {order.destination.country}"
    tz = order_tz(network, order)
    dates = "".join(
        f", {words} {local_moment(moment, tz)}"
        for words, moment in (("wanted by", order.requested_by), ("not after", order.deliver_by))
        if moment is not None
    )
    return f"{plural(len(order.lines), 'line')}, placed {local_moment(order.placed_at, tz)}, {where}{dates}."


def plan_headline(plan: Plan, currency: str) -> str:
    """One sentence on a plan: how good, how much, in how many shipments."""
    if plan.status in (Status.INFEASIBLE, Status.NOT_FOUND):
        return f"{STATUS_TITLES[plan.status].capitalize()}."
    proof = "proven cheapest" if plan.status is Status.OPTIMAL else f"within {plan.gap:.1%} of the bound"
    return f"{money(plan.cost_cents, currency)} in {plural(len(plan.shipments), 'shipment')}, {proof}."


def relaxed_words(relaxed: Sequence[str]) -> str:
    """
    What a plan was allowed beyond the order's rules; of several shifts of its date the largest.

    >>> relaxed_words(("deliver_by+2d", "deliver_by+5d", "max_distance"))
    'up to 5 days later, any distance'
    """
    shifts = [name.removeprefix("deliver_by+").removesuffix("d") for name in relaxed if "deliver_by" in name]
    days = max(map(int, shifts), default=0)
    later = [f"up to {plural(days, 'day')} later"] if days else []
    return ", ".join(later + [RELAXED_TITLES[name] for name in relaxed if name in RELAXED_TITLES])


def node_reason(network: "Network", reason: "NodeReason", tz: str) -> str:
    """Why a node lost, in a sentence without its name; dates in the time zone of who waits, cut-offs in the node's."""
    here = network.nodes[network.node_index[reason.node]].tz
    if reason.code == "no_stock":
        return (
            f"can promise {reason.units} of {reason.sku}, not {reason.wanted}"
            if reason.units
            else "has none to promise"
        )
    if reason.code == "too_late" and reason.deliver_by is not None:
        words = f"would be there by {local_moment(reason.deliver_by, tz)}"
    elif reason.code:
        words = reason_title(reason.code)
        return f"{words}: {distance(reason.distance_m)}" if reason.code == "too_far" else words
    else:
        rules = sorted(reason.extra_by_rule, key=lambda part: -abs(part[1]))
        words = ", ".join(f"{rule_title(rule)} {amount(cents, sign=True)}" for rule, cents in rules)
    if reason.cut_off is not None:
        words = f"{words}; cut-off {local_moment(reason.cut_off, here)} missed"
    if reason.full_from is not None:
        words = f"{words}; full from {local_moment(reason.full_from, here)}"
    return words


def change_words(network: "Network", change: "Change", tz: str) -> str:
    """
    One change, as it follows "would be decided otherwise …".

    ``tz``: of who waits for the order.
    """
    where = node_title(network, change.node)
    if change.kind == "stock":
        return f"with {change.units} more of {change.sku} at {where}"
    if change.kind == "price":
        by = money(abs(change.cents), network.currency)
        return f"if a shipment from {where} cost {by} {'less' if change.cents < 0 else 'more'}"
    if change.kind == "cut_off":
        return f"if the cut-off of {change.service} at {where} were {change.cut_off}, not {change.before}"
    if change.kind == "room":
        return f"with room for {change.units} more {ROOM_WORDS[change.field]} at {where}"
    if change.kind == "deliver_by":
        assert change.moment is not None, "a date has a moment"
        return f"if it might arrive until {local_moment(change.moment, tz)}"
    return f"without {RULE_FIELDS[change.field]}"


def counterfactual_words(network: "Network", found: "Counterfactual", plan: Plan, tz: str) -> str:
    """Changes that flip a decision, what it becomes, and what that would cost beside the plan."""
    changes = " and ".join(change_words(network, change, tz) for change in found.changes)
    legs = [
        f"{METHOD_TITLES[leg.method].lower()}: {leg.node}" + (f" by {leg.service}" if leg.service else "")
        for leg in found.becomes
    ]
    becomes = " + ".join(legs) or "nothing is served"
    cost = money(found.cost_cents, network.currency)
    if plan.shipments:
        cost = f"{cost}, {money(found.cost_cents - plan.cost_cents, network.currency, sign=True)}"
    return f"{changes[:1].upper()}{changes[1:]}: {becomes}, {cost}"
