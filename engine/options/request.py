"""An order resolved on a network: its skus, pins and limits, what is relaxed, and what stock could serve it."""

import sys
from functools import cached_property

from engine.domain.errors import InputError
from engine.domain.order import Order, OrderLine
from engine.domain.plan import Refusal, ShipmentLine
from engine.domain.policy import Policy, Relaxation
from engine.domain.units import DAY_S, epoch_s
from engine.network.live import Live
from engine.network.model import Network, Sku
from engine.options.tools import Tools
from engine.options.ways import Ways

Items = tuple[tuple[int, int], ...]  # (index of the line, units of it)


def relaxed_name(step: Relaxation) -> str:
    """The name of a relaxation in `Plan.relaxed`: "deliver_by+2d", "max_distance"."""
    return f"{step.rule}+{step.days}d" if step.days else step.rule


class Request:
    """
    One order on one network, its stock and policy, with some rules relaxed.

    Parameters
    ----------
    network, live, policy
        What is known and left before this order.
    order
        Merged already: no two lines share a sku.
    tools
        Of the network.
    relaxed
        Names as `relaxed_name` gives them. Of several "deliver_by+2d" the most days count.

    Raises
    ------
    InputError
        Where the order names what the network does not know.
    """

    def __init__(
        self,
        network: Network,
        live: Live,
        policy: Policy,
        order: Order,
        tools: Tools,
        *,
        relaxed: tuple[str, ...] = (),
    ) -> None:
        self.network = network
        self.live = live
        self.policy = policy
        self.order = order
        self.tools = tools
        self.relaxed = relaxed
        self.sku_index = tuple(_sku_index(order, line, tools) for line in order.lines)
        self.pins = tuple(_pin(order, line, network) for line in order.lines)
        self.ways = Ways(tools, policy, order, any_distance="max_distance" in relaxed)
        self.placed_s = epoch_s(order.placed_at)
        self.requested_s = epoch_s(order.requested_by) if order.requested_by is not None else None
        self.deliver_by_s = _deadline_s(order, relaxed)
        own = order.max_shipments if order.max_shipments is not None else sys.maxsize
        self.shipments_max = sys.maxsize if "max_shipments" in relaxed else min(own, policy.max_shipments)
        by_line = order.max_shipments_per_line
        self.shipments_per_line_max = min(by_line or sys.maxsize, policy.max_shipments_per_line)
        self.min_parcel_value_cents = 0 if "min_parcel_value" in relaxed else policy.min_parcel_value_cents
        self._with_safety = "safety_stock" not in relaxed

    @cached_property
    def skus(self) -> tuple[Sku, ...]:
        """The sku of each line."""
        return tuple(self.tools.sku(index) for index in self.sku_index)

    @cached_property
    def whole_lines(self) -> tuple[ShipmentLine, ...]:
        """The lines of a shipment of all of it."""
        lines = self.order.lines
        return tuple([ShipmentLine(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in lines])

    def available(self, node: int, line: int) -> int:
        """Units of a line that a node could give in the end: available to promise and, if used, inbound."""
        sku = self.sku_index[line]
        units = self.live.free(node, sku, self.order.channel, safety=self._with_safety)
        if self.policy.use_inbound:
            units += sum(due for _, due in self.live.inbound(node, sku))
        return max(0, units)

    def release_s(self, node: int, items: Items) -> int | Refusal:
        """When work on the items may start at a node: at placing, or when the last inbound unit needed is there."""
        release_s = self.placed_s
        for line, quantity in items:
            starts_s = self.live.starts_at(
                node,
                self.sku_index[line],
                quantity,
                self.order.channel,
                safety=self._with_safety,
                use_inbound=self.policy.use_inbound,
            )
            if starts_s is None:
                node_id, units = self.network.nodes[node].node_id, self.available(node, line)
                return Refusal("no_stock", f"{node_id} can promise {units} of {self.skus[line].sku}, not {quantity}.")
            release_s = max(release_s, starts_s)
        return release_s

    def promisable(self, line: int) -> tuple[tuple[int, int], ...]:
        """Nodes that could give at least one unit of a line, ascending, with how many; see `available`."""
        return self.live.promisable(
            self.sku_index[line], self.order.channel, safety=self._with_safety, use_inbound=self.policy.use_inbound
        )

    def holders(self, line: int) -> tuple[int, ...]:
        """Nodes that could give at least one unit of a line, ascending."""
        return tuple(node for node, _ in self.promisable(line))


def _sku_index(order: Order, line: OrderLine, tools: Tools) -> int:
    found = tools.network.skus.index.get(line.sku)
    if found is None:
        near = tools.sku_like(line.sku)
        hint = f"({near}): case counts." if near is not None else "check the id, or add it to skus.csv."
        raise InputError(f"Sku ({line.sku}) of order ({order.order_id}), line ({line.line_id}), is unknown.", hint)
    return found


def _pin(order: Order, line: OrderLine, network: Network) -> int:
    if line.pin_node is None:
        return -1
    found = network.node_index.get(line.pin_node)
    if found is None:
        raise InputError(
            f"Order ({order.order_id}) pins line ({line.line_id}) to an unknown node ({line.pin_node}).",
            "check the node's id.",
        )
    return found


def _deadline_s(order: Order, relaxed: tuple[str, ...]) -> int | None:
    if order.deliver_by is None:
        return None
    days = [int(name.removeprefix("deliver_by+").removesuffix("d")) for name in relaxed if "deliver_by+" in name]
    return epoch_s(order.deliver_by) + DAY_S * max(days, default=0)
