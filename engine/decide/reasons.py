"""What an explanation says, as data: why each node lost, which rules bind, which smallest changes would matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from engine.domain.ids import NodeId, ServiceId, SkuId
from engine.domain.order import Method
from engine.domain.plan import Shipment


class NodeReason(NamedTuple):
    """
    Why one node does not send the lines of a shipment: it would be dearer, or something stands in its way.

    ``code`` is "" for a node that could: then ``extra_cents`` is by how much the whole plan would be dearer (not above
    0 only where it would break a rule that couples shipments, or where the plan is not proven cheapest), and
    ``extra_by_rule`` adds up to it. Else it is a code of engine/options, and of the node's ways the one that got
    furthest is meant. ``deliver_by`` is when it would be there, also where that is too late. ``cut_off``: the last
    cut-off that was missed for an earlier hand-over; ``full_from``: when work could have started had there been room.
    """

    node: NodeId
    code: str
    method: Method | None
    service: ServiceId | None
    place: NodeId | None
    extra_cents: int | None
    rules: tuple[str, ...]  # with what each adds:
    extra_of_rules: Sequence[int] | None
    extra_co2e_g: int | None
    deliver_by: datetime | None
    distance_m: int
    sku: SkuId | None  # of which it has too few:
    units: int  # it can promise so many,
    wanted: int  # and these are asked for
    cut_off: datetime | None
    full_from: datetime | None

    @property
    def extra_by_rule(self) -> tuple[tuple[str, int], ...]:
        """By how much each cost term would differ; zeros left out, empty where it could not."""
        if self.extra_of_rules is None:
            return ()
        return tuple(pair for pair in zip(self.rules, self.extra_of_rules, strict=True) if pair[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another way to send the lines of a shipment, or of the whole order, and how its plan differs from the chosen."""

    shipment: Shipment
    extra_cents: int
    extra_by_rule: tuple[tuple[str, int], ...]  # adds up to extra_cents, zeros left out
    extra_co2e_g: int
    deliver_by: datetime
    breaks: str = ""  # the rule such a plan would break; "" where it could have been chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReasons:
    """Why one shipment is as it is: its cheapest rivals as whole plans, and the reason of every other node."""

    rivals: tuple[Rival, ...]
    nodes: tuple[NodeReason, ...]  # all that hold stock, but the one that sends it; in the network's order

    @property
    def could(self) -> list[NodeReason]:
        """Nodes that could have sent it, the least dear first."""
        found = [reason for reason in self.nodes if not reason.code]
        return sorted(found, key=lambda r: (r.extra_cents, r.deliver_by))

    @property
    def could_not(self) -> list[NodeReason]:
        """Nodes that could not: those that hold something of it first, then by distance."""
        found = [reason for reason in self.nodes if reason.code]
        return sorted(found, key=lambda r: (r.code == "no_stock" and r.units == 0, r.distance_m))


class Kind(StrEnum):
    """What a change is about."""

    STOCK = "stock"  # `units` more of `sku` on hand at `node`
    PRICE = "price"  # a shipment from `node` costs `cents` more (less, below 0)
    CUT_OFF = (
        "cut_off"  # the collection of `service` at `node`, at `collect`, has its cut-off at `cut_off`, not `before`
    )
    ROOM = "room"  # the limit `field` of `node` is `units` higher
    DELIVER_BY = "deliver_by"  # the order may arrive until `moment`
    RULE = "rule"  # the rule `field` does not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to what was decided on; which fields it has depends on its kind."""

    kind: Kind
    node: NodeId | None = None
    sku: SkuId | None = None
    service: ServiceId | None = None
    units: int = 0
    cents: int = 0
    cut_off: str = ""
    before: str = ""
    collect: str = ""
    field: str = ""
    moment: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A shipment of a plan in short."""

    method: Method
    node: NodeId
    service: ServiceId | None
    place: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """
    Changes that, made together, would have flipped the decision, and to what.

    ``cost_cents`` is what the order would then cost; ``smallest`` that no smaller change of that kind at that place
    flips it (of a decision by the stronger method that is not known).
    """

    changes: tuple[Change, ...]
    becomes: tuple[Leg, ...]
    cost_cents: int
    smallest: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """
    Reasons by shipment, in the plan's order.

    ``undivided``: the cheapest way to send a split order in one. ``binding``: rules of the order or policy without
    which it would have been decided otherwise. ``counterfactuals``: the smallest changes to stock, prices, cut-offs,
    room and dates that would have flipped it.
    """

    shipments: tuple[ShipmentReasons, ...]
    undivided: Rival | None = None
    binding: tuple[Counterfactual, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
