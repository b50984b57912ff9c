"""What decisions of one moment are taken on, and the parts that they make: enough to write them up later."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.decide.brief import Brief
from engine.desk.documents import VersionsDoc
from engine.domain.policy import Policy
from engine.network.cells import by_the_hour
from engine.network.model import Network, Node
from engine.stock.ledger import Numbers
from engine.stock.records import DAY, HOUR, Part, PartState


class Basis(NamedTuple):
    """What a decision is taken on. The ledger's numbers only ever become more, so they stay right."""

    network: Network
    policy: Policy
    numbers: Numbers
    node_numbers: Mapping[str, int]
    sku_numbers: Mapping[str, int]
    now_s: int
    stock_seq: int  # place in the feed up to which stock is known

    def versions(self) -> VersionsDoc:
        """The same in the caller's words."""
        return VersionsDoc(
            network=self.network.version,
            policy_id=self.policy.policy_id,
            policy_version=self.policy.version,
            stock_seq=self.stock_seq,
        )

    def parts_of(self, brief: Brief, reservation_id: str, state: PartState, *, first: int = 1) -> list[Part]:
        """The parts of a reservation that a decision makes, numbered from `first`."""
        nodes, node_index, numbers, skus = (
            self.network.nodes,
            self.network.node_index,
            self.node_numbers,
            self.sku_numbers,
        )
        return [
            Part(
                reservation_id=reservation_id,
                part=number,
                order_id=brief.order_id,
                node_no=numbers[leg.node],
                place_no=numbers[leg.place] if leg.place is not None else -1,
                method=leg.method.value,
                service=leg.service or "",
                lane=leg.lane,
                state=state.value,
                lines=tuple([(line.line_id, skus[line.sku], line.quantity) for line in leg.lines]),
                units=leg.units,
                cost_cents=leg.cost_cents,
                day=leg.pick_day,
                hour=leg.pick_hour,
                booked=booked_of(nodes[node_index[leg.node]]),
                pick_start_s=leg.pick_start_s,
                ship_by_s=leg.ship_by_s,
                deliver_by_s=leg.deliver_by_s,
                due_s=leg.ship_by_s,
                updated_s=self.now_s,
            )
            for number, leg in enumerate(brief.legs, start=first)
        ]


def booked_of(node: Node) -> int:
    """Which cells of a node are booked."""
    return DAY + HOUR * by_the_hour(node)
