"""
What a store can give its customers: units of each sku that can be promised, and when they would be ready there.

For feeds of whole stores. The units are those of `atf` (engine/desk/availability.py), for all skus of a node in one go.
When they are ready is asked of the engine, as click & collect of one unit, for a few of the skus: what differs between
skus is hardly more than which of them may be collected at all, and a store's hours, backlog and capacity do not.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from engine.decide.brief import Brief
from engine.desk.ask import Planned, Wanted, answer
from engine.desk.state import State
from engine.domain.ids import LineId, NodeId, OrderId, SkuId
from engine.domain.order import Method, Order, OrderLine
from engine.domain.units import utc

ASKED_MAX = 8  # skus whose pick-up is decided, of each store


class LocalStockDoc(msgspec.Struct, kw_only=True):
    """Skus that a node has a row of, and units of each; ``days`` until the last of those asked is ready, if any is."""

    node: str
    at: datetime
    skus: list[str]
    units: list[int]
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStock:
    """What a node can give its customers. Changes nothing."""

    node: str
    channel: str = ""

    @property
    def name(self) -> str:
        """The operation."""
        return "local-stock"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Look it up in the view."""
        live, network = state.engine.live, state.engine.network
        node = int(state.view.node_at[state.node_no(self.node)])
        rows = np.flatnonzero(live.row_node == node)
        units = np.maximum(0, live.free_in(rows, self.channel))
        skus = [network.skus.ids[i] for i in (np.searchsorted(live.row_start, rows, side="right") - 1).tolist()]
        some = [skus[i] for i in np.flatnonzero(units)[:ASKED_MAX].tolist()]
        days = self._days(state, some, network.nodes[node].tz)
        document = LocalStockDoc(node=self.node, at=utc(state.now_s), skus=list(skus), units=units.tolist(), days=days)
        return Planned(answer(document))

    def _days(self, state: State, skus: list[SkuId], tz: str) -> int | None:
        """Local days from today until a unit is ready; None where nothing can be collected."""
        now = utc(state.now_s)
        orders = [
            Order(
                order_id=OrderId("local-stock"),
                placed_at=now,
                lines=(OrderLine(line_id=LineId("1"), sku=sku, quantity=1),),
                pickup_node=NodeId(self.node),
                channel=self.channel,
                methods=(Method.CLICK_AND_COLLECT,),
            )
            for sku in skus
        ]
        found = state.engine.decide_batch(orders, hold=False, settle=False)
        ready_s = [one.deliver_by_s for one in found if isinstance(one, Brief) and one.deliver_by_s is not None]
        if not ready_s:
            return None
        zone = ZoneInfo(tz)
        return (utc(max(ready_s)).astimezone(zone).date() - now.astimezone(zone).date()).days
