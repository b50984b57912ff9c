"""
How often picks fail at a node, learnt from what became of its shipments, as the engine's price of a rejection wants it.

Lines that left, were collected or were rejected are picks that were asked; those rejected failed. What lies back counts
less: half after each half-life. A node that has shown little is taken for an average one:

    share = (failed + m × average) / (asked + m)                         m = Rules.pick_prior_lines
    average = (all failed + M × as read) / (all asked + M)               M = Rules.network_prior_lines

which are the means of beta distributions with these weights as priors; "as read" is the mean that the network states.
There is one class of skus: the engine's cost knows a rate per node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.desk.ask import Planned, Wanted, answer
from engine.desk.rules import Rules
from engine.desk.state import State
from engine.domain.ids import NodeId
from engine.network.model import Node
from engine.stock.ledger import Posting
from engine.stock.records import Part, PartState, Record
from engine.stock.records_oms import PickStats, Rejection

EVERY_CLASS = "all"
MARK_NODE = -1  # whose row says up to when picks were counted
MILLI = 1_000
LATE_S = 60  # what is younger may still be on its way from another process
PAGE = 5_000
SAME_PPM = 1_000  # a rate that moved less is left as it is: each change makes a new engine


class Picks(NamedTuple):
    """Lines asked of a node and failed, in thousandths."""

    asked: int
    failed: int


def decayed(picks: Picks, age_s: int, half_life_s: int) -> Picks:
    """What picks count after some time."""
    share = 0.5 ** (max(0, age_s) / half_life_s)
    return Picks(round(picks.asked * share), round(picks.failed * share))


def rejection_ppm(picks: Mapping[str, Picks], nodes: Sequence[Node], rules: Rules) -> dict[NodeId, int]:
    """
    The rate of each node, by the formula above.

    >>> from engine.desk.rules import Rules
    >>> rejection_ppm({}, (), Rules())
    {}
    """
    if not nodes:
        return {}
    read = sum(node.rejection_ppm for node in nodes) / len(nodes) / 1_000_000
    asked, failed = sum(p.asked for p in picks.values()) / MILLI, sum(p.failed for p in picks.values()) / MILLI
    average = (failed + rules.network_prior_lines * read) / (asked + rules.network_prior_lines)
    out: dict[NodeId, int] = {}
    for node in nodes:
        own = picks.get(node.node_id, Picks(0, 0))
        share = (own.failed / MILLI + rules.pick_prior_lines * average) / (own.asked / MILLI + rules.pick_prior_lines)
        out[node.node_id] = round(1_000_000 * min(1.0, share))
    return out


def moved(before: Mapping[NodeId, int], after: Mapping[NodeId, int]) -> dict[NodeId, int]:
    """The rates that are worth a new engine, with the others as they were."""
    return {
        node: ppm if abs(ppm - before.get(node, 0)) >= SAME_PPM else before.get(node, ppm)
        for node, ppm in after.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPicks:
    """Count what became of shipments since the last time; of several processes that do so at once, one does."""

    @property
    def name(self) -> str:
        """The operation."""
        return "count_picks"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Add to what each node has shown."""
        known = {row.node_no: row for row in state.ledger.find(PickStats, {"sku_class": EVERY_CLASS}, limit=1_000_000)}
        mark = known.get(MARK_NODE)
        from_s, to_s = (mark.updated_s if mark is not None else 0), state.now_s - LATE_S
        if to_s <= from_s:
            return Planned(answer({"counted": 0}))
        fresh = _since(state, from_s, to_s)
        posting = Posting()
        rows = [_row(known.get(node_no), node_no, picks, to_s, state.rules) for node_no, picks in sorted(fresh.items())]
        for row in (*rows, _row(mark, MARK_NODE, Picks(0, 0), to_s, state.rules)):
            kept: list[Record] = posting.makes if row.version == 1 else posting.changes
            kept.append(row)
        return Planned(answer({"counted": sum(picks.asked for picks in fresh.values()) // MILLI}), posting)


def _row(before: PickStats | None, node_no: int, picks: Picks, now_s: int, rules: Rules) -> PickStats:
    if before is None:
        old, version = Picks(0, 0), 0
    else:
        age_s = now_s - before.updated_s
        old, version = decayed(Picks(before.asked, before.failed), age_s, rules.pick_half_life_s), before.version
    return PickStats(
        node_no=node_no,
        sku_class=EVERY_CLASS,
        asked=old.asked + picks.asked,
        failed=old.failed + picks.failed,
        updated_s=now_s,
        version=version + 1,
    )


def _since(state: State, from_s: int, to_s: int) -> dict[int, Picks]:
    """Picks by node that came to an end in (from_s, to_s]."""
    found: dict[int, Picks] = {}

    def add(node_no: int, asked: int, failed: int) -> None:
        known = found.get(node_no, Picks(0, 0))
        found[node_no] = Picks(known.asked + MILLI * asked, known.failed + MILLI * failed)

    ended = (PartState.SHIPPED.value, PartState.COLLECTED.value)
    parts: list[Part] = []
    while True:
        after = (parts[-1].updated_s, parts[-1].reservation_id, parts[-1].part) if parts else None
        where = {"state": ended, "updated_s__gt": from_s, "updated_s__le": to_s}
        parts = state.ledger.find(Part, where, order=("updated_s",), after=after, limit=PAGE)
        for part in parts:
            add(part.node_no, len(part.lines), 0)
        if len(parts) < PAGE:
            break
    rejected: list[Rejection] = []
    while True:
        last = (rejected[-1].at_s, rejected[-1].rejection_id, rejected[-1].line_id) if rejected else None
        when = {"at_s__gt": from_s, "at_s__le": to_s}
        rejected = state.ledger.find(Rejection, when, order=("at_s",), after=last, limit=PAGE)
        for line in rejected:
            add(line.node_no, 1, 1)
        if len(rejected) < PAGE:
            return found


def learnt(state: State, nodes: Sequence[Node]) -> dict[NodeId, int]:
    """The rate of each node from all that was counted, as of now."""
    rows = state.ledger.find(PickStats, {"sku_class": EVERY_CLASS}, limit=1_000_000)
    if not any(row.node_no >= 0 for row in rows):
        return {}  # nothing was learnt: the network's own rates hold
    picks = {
        str(state.node_id(row.node_no)): decayed(
            Picks(row.asked, row.failed), state.now_s - row.updated_s, state.rules.pick_half_life_s
        )
        for row in rows
        if row.node_no >= 0
    }
    return rejection_ppm(picks, nodes, state.rules)
