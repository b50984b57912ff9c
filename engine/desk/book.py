"""
What a desk remembers beside the view, as the ledger has it: settings, what is blocked, which skus are waited for.

It is read when the desk starts, again where the feed brings a notice that it was changed elsewhere, and kept by the
desk's own commands once they are durable (`Planned.then`). Used by the desk's thread only.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from engine.desk.blocked import Blocked
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.network.live_changes import set_inbound, set_protection, set_safety
from engine.stock.ledger import key_parts, stock_key
from engine.stock.records import Record
from engine.stock.records_oms import Backorder, Exclusion, HeldBack, Lot, NodeSetting, PolicyRecord, SkuSetting

if TYPE_CHECKING:
    from engine.desk.state import State

EXCLUSIONS, SKUS, BACKORDERS = "exclusions", "skus", "backorders"  # notices
POLICIES, NODES, INBOUND, HELD_BACK = "policies", "nodes", "inbound", "held_back"
PAGE = 10_000
R = TypeVar("R", bound=Record)


class Book:
    """Empty until read."""

    def __init__(self) -> None:
        self.blocked = Blocked()
        self.read_policies: tuple[Policy, ...] = ()  # of the network as it was read
        self.policies: dict[str, list[PolicyRecord]] = {}  # written later, by id
        self.node_changes: dict[str, dict[str, Any]] = {}  # by node id: the fields of NodeChanges that are set
        self.nodes_version = 0  # how often they changed
        self._next_s: int | None = None  # when something begins or ends by itself

    @property
    def next_s(self) -> int | None:
        """When something that is remembered here begins or ends by itself; None for never."""
        return self._next_s

    def read(self, state: "State") -> None:
        """Read everything."""
        self.read_policies = state.engine.network.policies
        self.read_lots(state)
        self.read_held_back(state)
        self.read_blocked(state)
        self.read_waiting(state)
        self.read_nodes(state)
        self.read_policy_records(state)

    def notice(self, state: "State", notices: set[str]) -> None:
        """Read again what others have changed."""
        if notices & {EXCLUSIONS, SKUS}:
            self.read_blocked(state)
        if BACKORDERS in notices:
            self.read_waiting(state)
        if INBOUND in notices:
            self.read_lots(state)
        if HELD_BACK in notices:
            self.read_held_back(state)
        if NODES in notices:
            self.read_nodes(state)
        if POLICIES in notices:
            self.read_policy_records(state)

    def turn(self, state: "State") -> None:
        """Let begin and end what is due."""
        if self._next_s is None or state.now_s < self._next_s:
            return
        over = self.blocked.end(state.now_s)
        if over:
            self.blocked.apply(state.view)
            state.view.risen |= over & state.view.watched
        self._follow_policy(state)
        self._plan_next(state)

    def policy(self, policy_id: str, now_s: int) -> Policy:
        """
        The version of a policy that is valid at a moment: the highest of those that are; else as the network had it.

        Raises InputError where it is unknown.
        """
        valid = [
            record
            for record in self.policies.get(policy_id, ())
            if record.valid_from_s <= now_s and (record.valid_to_s is None or now_s < record.valid_to_s)
        ]
        if valid:
            return msgspec.json.decode(max(valid, key=lambda r: r.policy_version).document_json, type=Policy)
        read = [policy for policy in self.read_policies if policy.policy_id == policy_id]
        if not read:
            known = ", ".join(sorted({p.policy_id for p in self.read_policies} | set(self.policies)))
            raise InputError(f"Policy ({policy_id}) is unknown, or not valid now.", f"one of {known}.")
        return max(read, key=lambda policy: policy.version)

    def read_policy_records(self, state: "State") -> None:
        """The versions of policies; the one that is valid takes over."""
        self.policies = {}
        for record in _all(state, PolicyRecord):
            self.policies.setdefault(record.policy_id, []).append(record)
        self._follow_policy(state)
        self._plan_next(state)

    def _follow_policy(self, state: "State") -> None:
        policy = self.policy(state.engine.policy.policy_id, state.now_s)
        if policy != state.engine.policy:
            state.engine = state.engine.under(policy)

    def read_nodes(self, state: "State") -> None:
        """What is set of nodes; engine/desk/exchange.py makes the engine that follows it."""
        found = {
            str(state.node_id(record.node_no)): msgspec.json.decode(record.document_json)
            for record in _all(state, NodeSetting)
        }
        if found != self.node_changes:
            self.node_changes = found
            self.nodes_version += 1

    def read_lots(self, state: "State") -> None:
        """All that is due, in place of what was."""
        view, live = state.view, state.engine.live
        lots: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for lot in _all(state, Lot):
            node, sku = int(view.node_at[lot.node_no]), int(view.sku_at[lot.sku_no])
            if lot.units > 0 and node >= 0 and sku >= 0:
                lots.setdefault((node, sku), []).append((lot.available_s, lot.units))
        live.withheld.due.clear()
        set_inbound(live, lots)

    def read_held_back(self, state: "State") -> None:
        """All that is held back, in place of what was."""
        view, records = state.view, _all(state, HeldBack)
        channels = {record.channel for record in records if record.channel}
        if not channels <= set(state.engine.live.channels):
            none = np.zeros(0, dtype=np.int64)
            live = state.engine.live.grown(none, none, channels=sorted(channels))
            state.engine.adopt(live)
            view.adopt(live)
        live = state.engine.live
        safety: dict[tuple[int, int | None, str], int] = {}
        protection: dict[tuple[int, int, str], int] = {}
        for record in records:
            node, sku = int(view.node_at[record.node_no]), -1 if record.sku_no < 0 else int(view.sku_at[record.sku_no])
            if node < 0 or (record.sku_no >= 0 and sku < 0):
                continue
            if record.rule == "safety":
                safety[node, None if record.sku_no < 0 else sku, record.channel] = record.units
            else:
                protection[node, sku, record.channel] = record.units
        live.withheld.safety.clear()
        live.withheld.protected.clear()
        set_safety(live, safety)
        set_protection(live, protection)
        live.follow_rules()
        self.blocked.apply(view)

    def block(self, state: "State", *, rows: dict[int, int] | None = None, skus: dict[int, int] | None = None) -> None:
        """Promise nothing of rows (by key) and skus (by number) until a moment; 0 lets go."""
        self.blocked.rows |= rows or {}
        self.blocked.skus |= skus or {}
        over = self.blocked.end(state.now_s)
        self.blocked.apply(state.view)
        state.view.risen |= over & state.view.watched
        self._plan_next(state)

    def read_blocked(self, state: "State") -> None:
        """What is blocked, of rows and skus."""
        excluded = _all(state, Exclusion, {"order_id": "", "until_s__gt": state.now_s})
        rows = {stock_key(one.sku_no, one.node_no): one.until_s for one in excluded}
        skus = _all(state, SkuSetting, {"release_s__gt": state.now_s})
        freed = set(self.blocked.skus) | {key_parts(key)[0] for key in self.blocked.rows}
        self.blocked.rows = rows
        self.blocked.skus = {one.sku_no: one.release_s for one in skus if one.release_s is not None}
        self.blocked.apply(state.view)
        state.view.risen |= freed & state.view.watched
        self._plan_next(state)

    def read_waiting(self, state: "State") -> None:
        """The skus that somebody waits for."""
        counts = state.ledger.count_by(Backorder, ("sku_no",), {"state": "waiting"})
        fresh = {int(sku_no) for sku_no, _ in counts} - state.view.watched
        state.view.watched |= fresh
        state.view.risen |= fresh  # stock may have come before it was known that somebody waits

    def _plan_next(self, state: "State") -> None:
        """When next to look: something blocked ends, or a policy begins or ends."""
        moments = [self.blocked.next_s] if self.blocked.next_s is not None else []
        for records in self.policies.values():
            for record in records:
                moments += [m for m in (record.valid_from_s, record.valid_to_s) if m is not None and m > state.now_s]
        self._next_s = min(moments, default=None)


def _all(state: "State", kind: type[R], where: dict[str, Any] | None = None) -> list[R]:
    """All records of a kind, read in pages."""
    found: list[R] = []
    while True:
        after = tuple(getattr(found[-1], name) for name in kind.KEY) if found else None
        page = state.ledger.find(kind, where, after=after, limit=PAGE)
        found += page
        if len(page) < PAGE:
            return found
