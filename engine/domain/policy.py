"""What the retailer wants: how much each term counts, and which rules hold. A decision names the version it used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.domain.errors import InputError
from engine.domain.order import METHODS, Method

RULES = (
    "carrier",
    "picking",
    "packaging",
    "split",
    "lateness",
    "waiting",
    "rejection",
    "opportunity",
    "capacity",
    "markdown",
    "transfer",
    "carbon",
    "trip",
    "priority",
    "unserved",
)
PRESELECT = ("cheapest", "fastest", "greenest")
RELAXATIONS = ("deliver_by", "max_distance", "max_shipments", "min_parcel_value", "safety_stock")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """What one sales channel may use; empty tuples mean no restriction."""

    methods: tuple[Method, ...] = ()
    node_groups: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One step taken when nothing is feasible. ``days`` is used by ``deliver_by`` only; other rules are dropped."""

    rule: str
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    Prices and rules of a decision. Money in cents, weights in permille (1000 = counts in full, 0 = off).

    Relaxations are tried in their order, each on top of the ones before, until a plan exists.
    """

    policy_id: str = "default"
    version: int = 1
    weights_permille: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # by rule; absent = 1000
    methods: tuple[Method, ...] = METHODS
    channels: Mapping[str, ChannelRule] = field(default_factory=lambda: MappingProxyType({}))
    split_cents: int = 200  # per shipment after the first
    lateness_base_cents: int = 300  # per shipment after requested_by
    lateness_day_cents: int = 200  # per started day after requested_by
    waiting_day_cents: int = 0  # per started day between placing and the promise, per shipment
    resourcing_cents: int = 600  # what one failed pick of a line costs
    capacity_price_cents: int = 0  # per shipment, at full utilisation
    capacity_free_permille: int = 600  # utilisation up to which capacity costs nothing
    carbon_cents_per_tonne: int = 0
    trip_base_cents: int = 150  # of the customer, once per order, where the place is our proposal
    trip_km_cents: int = 25
    trip_co2e_g_per_km: int = 120  # there and back is counted by twice the distance
    trip_distance_m_max: int = 30_000
    pickup_places_max: int = 5  # nearest places looked at where the order leaves the place open
    priority_cents: int = 0  # per step of a node's priority
    unserved_base_cents: int = 2_000  # per line left unserved, where partial orders are allowed
    unserved_value_permille: int = 300  # and this share of its value
    promise_confidence_permille: int = 900
    use_inbound: bool = False  # may promise stock that is due
    max_shipments: int = 8
    max_shipments_per_line: int = 4
    max_distance_m: int = 0  # 0: no limit; of home deliveries
    min_parcel_value_cents: int = 0  # of every shipment of a split order
    allow_quantity_split: bool = True
    shop_price_permille: int = 1000  # what the customer pays, as a share of what a way costs us
    shop_price_least_cents: int = 0
    shop_price_step_cents: int = 10  # prices are rounded up to a multiple
    shop_free_from_cents: int = 0  # value of the goods from which all but couriers are free; 0: never
    shop_preselect: str = "cheapest"  # or fastest, greenest
    shop_options_max: int = 6
    shop_places_max: int = 3
    shop_tiers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # permille of prices, by tier
    shop_think_s: int = 120  # a quote is planned as if it were ordered so much later: customers take their time
    shop_quote_ttl_s: int = 900  # how long a quote stands, and holds what it was asked to hold
    shop_backup_cents: int = 0  # price of the way home that is offered where none can be computed in time; 0: none is
    shop_backup_days: int = 7  # and in how many days it promises to be there
    resell_opened: bool = False  # units that came back opened are on sale again at once
    resell_damaged: bool = False  # likewise damaged; as new always are, unsellable never
    relaxations: tuple[Relaxation, ...] = (
        Relaxation(rule="deliver_by", days=2),
        Relaxation(rule="deliver_by", days=5),
        Relaxation(rule="max_distance"),
        Relaxation(rule="min_parcel_value"),
    )

    def __post_init__(self) -> None:
        who = f"Policy ({self.policy_id})"
        for rule, weight in self.weights_permille.items():
            if rule not in RULES:
                raise InputError(f"{who} weighs an unknown rule ({rule}).", f"one of {', '.join(RULES)}.")
            if not 0 <= weight <= 1_000_000:
                raise InputError(f"{who} weighs ({rule}) with ({weight}) permille, not in 0..1000000.", "1000 is 1.")
        for step in self.relaxations:
            if step.rule not in RELAXATIONS:
                raise InputError(f"{who} relaxes an unknown rule ({step.rule}).", f"one of {', '.join(RELAXATIONS)}.")
            if (step.rule == "deliver_by") != (step.days > 0):
                raise InputError(f"{who} relaxes ({step.rule}) by ({step.days}) days.", "days go with deliver_by only.")
        for name in (n for n in self.__slots__ if n.endswith(("_cents", "_permille", "_m", "_max", "per_km"))):
            value = getattr(self, name)
            if isinstance(value, int) and value < 0:
                raise InputError(f"{who} has a negative {name} ({value}).", "use 0 to switch it off.")
        if not 0 < self.promise_confidence_permille < 1000:
            raise InputError(
                f"{who} promises with confidence ({self.promise_confidence_permille}) permille.", "900 is nine in ten."
            )
        if self.capacity_free_permille >= 1000:
            raise InputError(f"{who} has capacity_free_permille ({self.capacity_free_permille}).", "below 1000.")
        if self.shop_preselect not in PRESELECT:
            raise InputError(f"{who} preselects ({self.shop_preselect}).", f"one of {', '.join(PRESELECT)}.")
        for tier, permille in self.shop_tiers.items():
            if not 0 <= permille <= 10_000:
                raise InputError(f"{who} has tier ({tier}) pay ({permille}) permille.", "0 is free, 1000 the price.")
        for name, least in (("shop_think_s", 0), ("shop_quote_ttl_s", 1), ("shop_backup_days", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{who} has {name} ({getattr(self, name)}).", f"at least {least}.")
        if self.shop_options_max < 1:
            raise InputError(f"{who} shows no option (shop_options_max).", "at least 1.")
        if self.max_shipments < 1 or self.max_shipments_per_line < 1:
            raise InputError(f"{who} allows no shipment at all.", "max_shipments of at least 1.")

    def weight(self, rule: str) -> int:
        """The weight of a rule in permille."""
        return self.weights_permille.get(rule, 1000)
