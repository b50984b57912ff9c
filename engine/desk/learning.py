"""
How often picks fail at a node, learnt from what became of its shipments, as the engine's price of a rejection wants it.

Lines that left, were collected or were rejected are picks that were asked; those rejected failed. What lies back counts
less: half after each half-life. A node that has shown little is taken for an average one:

    share = (failed + m × average) / (asked + m)                         m = Rules.pick_prior_lines
    average = (all failed + M × as read) / (all asked + M)               M = Rules.network_prior_lines

which are the means of beta distributions with these weights as priors; "as read" is the mean that the network states.
Skus of some classes are harder to find than others. Where the network has classes, each node has a rate of each, which
is taken for the node's own times what the class is like everywhere, until the node has shown what it is:

    class = (failed of it + M × average × as read of it / as read) / (asked of it + M)
    share of it = (failed of it here + m × share × class / average) / (asked of it here + m)
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

MARK = -1, "all"  # the row that says up to when picks were counted; of nodes, "all" is what was counted without class
MILLI = 1_000
LATE_S = 60  # what is younger may still be on its way from another process
PAGE = 5_000
SAME_PPM = 1_000  # a rate that moved less is left as it is: each change makes a new engine


class Rates(NamedTuple):
    """How often picks of a node fail: of any sku, and of skus of each class, where there are several."""

    ppm: int
    by_class: tuple[tuple[str, int], ...] = ()


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
    average = _average(picks, nodes, rules)
    return {
        node.node_id: round(
            1_000_000 * min(1.0, _share(picks.get(node.node_id, Picks(0, 0)), rules.pick_prior_lines, average))
        )
        for node in nodes
    }


def _average(picks: Mapping[str, Picks], nodes: Sequence[Node], rules: Rules) -> float:
    read = sum(node.rejection_ppm for node in nodes) / len(nodes) / 1_000_000
    asked, failed = sum(p.asked for p in picks.values()), sum(p.failed for p in picks.values())
    return _share(Picks(asked, failed), rules.network_prior_lines, read)


def _share(picks: Picks, weight: int, prior: float) -> float:
    """The share that fails, after as many lines of the prior."""
    return (picks.failed / MILLI + weight * prior) / (picks.asked / MILLI + weight)


def class_ppm(
    picks: Mapping[tuple[str, str], Picks], nodes: Sequence[Node], names: Sequence[str], rules: Rules
) -> dict[NodeId, Rates]:
    """
    The rates of each node, of each class, by the formulas above.

    Parameters
    ----------
    picks
        By node and class; those of classes that are not there any more count for the node.
    names
        Of the classes; where there is one only, nodes have no rates of classes.
    """
    by_node, by_class = _summed(picks, 0), _summed(picks, 1)
    ppm = rejection_ppm(by_node, nodes, rules)
    if len(names) == 1 or not nodes:
        return {node: Rates(rate) for node, rate in ppm.items()}
    average = _average(by_node, nodes, rules)
    read = sum(node.rejection_ppm for node in nodes)
    like: dict[str, float] = {}  # how a class compares with all
    for name in names:
        all_of = by_class.get(name, Picks(0, 0))
        prior = average * (sum(node.rejection_of(name) for node in nodes) / read if read else 1.0)
        share = _share(all_of, rules.network_prior_lines, prior)
        like[name] = share / average if average else 1.0
    out = {}
    for node in nodes:
        own = ppm[node.node_id] / 1_000_000
        rates = []
        for name in names:
            here = picks.get((node.node_id, name), Picks(0, 0))
            share = _share(here, rules.pick_prior_lines, min(1.0, own * like[name]))
            rates.append((name, round(1_000_000 * min(1.0, share))))
        out[node.node_id] = Rates(ppm[node.node_id], tuple(rates))
    return out


def _summed(picks: Mapping[tuple[str, str], Picks], by: int) -> dict[str, Picks]:
    """Picks by node (0) or by class (1)."""
    out: dict[str, Picks] = {}
    for at, one in picks.items():
        known = out.get(at[by], Picks(0, 0))
        out[at[by]] = Picks(known.asked + one.asked, known.failed + one.failed)
    return out


def moved(before: Mapping[NodeId, Rates], after: Mapping[NodeId, Rates]) -> dict[NodeId, Rates]:
    """The rates that are worth a new engine, with the others as they were."""
    out = {}
    for node, rates in after.items():
        known = before.get(node)
        if known is None or [name for name, _ in known.by_class] != [name for name, _ in rates.by_class]:
            out[node] = rates
            continue
        pairs = [(known.ppm, rates.ppm)]
        pairs += [(old, new) for (_, old), (_, new) in zip(known.by_class, rates.by_class, strict=True)]
        kept = [new if abs(new - old) >= SAME_PPM else old for old, new in pairs]
        names = [name for name, _ in rates.by_class]
        out[node] = Rates(kept[0], tuple(zip(names, kept[1:], strict=True)))
    return out


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
        known = {(row.node_no, row.sku_class): row for row in state.ledger.find(PickStats, limit=1_000_000)}
        mark = known.get(MARK)
        from_s, to_s = (mark.updated_s if mark is not None else 0), state.now_s - LATE_S
        if to_s <= from_s:
            return Planned(answer({"counted": 0}))
        fresh = _since(state, from_s, to_s)
        posting = Posting()
        rows = [_row(known.get(at), at, picks, to_s, state.rules) for at, picks in sorted(fresh.items())]
        for row in (*rows, _row(mark, MARK, Picks(0, 0), to_s, state.rules)):
            kept: list[Record] = posting.makes if row.version == 1 else posting.changes
            kept.append(row)
        return Planned(answer({"counted": sum(picks.asked for picks in fresh.values()) // MILLI}), posting)


def _row(before: PickStats | None, at: tuple[int, str], picks: Picks, now_s: int, rules: Rules) -> PickStats:
    if before is None:
        old, version = Picks(0, 0), 0
    else:
        age_s = now_s - before.updated_s
        old, version = decayed(Picks(before.asked, before.failed), age_s, rules.pick_half_life_s), before.version
    return PickStats(
        node_no=at[0],
        sku_class=at[1],
        asked=old.asked + picks.asked,
        failed=old.failed + picks.failed,
        updated_s=now_s,
        version=version + 1,
    )


def _since(state: State, from_s: int, to_s: int) -> dict[tuple[int, str], Picks]:
    """Picks by node and class of skus that came to an end in (from_s, to_s]."""
    found: dict[tuple[int, str], Picks] = {}

    def add(node_no: int, sku_no: int, failed: int) -> None:
        at = node_no, _class_of(state, sku_no)
        known = found.get(at, Picks(0, 0))
        found[at] = Picks(known.asked + MILLI, known.failed + MILLI * failed)

    ended = (PartState.SHIPPED.value, PartState.COLLECTED.value)
    parts: list[Part] = []
    while True:
        after = (parts[-1].updated_s, parts[-1].reservation_id, parts[-1].part) if parts else None
        where = {"state": ended, "updated_s__gt": from_s, "updated_s__le": to_s}
        parts = state.ledger.find(Part, where, order=("updated_s",), after=after, limit=PAGE)
        for part in parts:
            for _, sku_no, _ in part.lines:
                add(part.node_no, sku_no, 0)
        if len(parts) < PAGE:
            break
    rejected: list[Rejection] = []
    while True:
        last = (rejected[-1].at_s, rejected[-1].rejection_id, rejected[-1].line_id) if rejected else None
        when = {"at_s__gt": from_s, "at_s__le": to_s}
        rejected = state.ledger.find(Rejection, when, order=("at_s",), after=last, limit=PAGE)
        for line in rejected:
            add(line.node_no, line.sku_no, 1)
        if len(rejected) < PAGE:
            return found


def _class_of(state: State, sku_no: int) -> str:
    """The class of a sku; "" of one that the network does not have any more."""
    sku = int(state.view.sku_at[sku_no]) if sku_no < len(state.view.sku_at) else -1
    return state.engine.network.skus.sku_class(sku) if sku >= 0 else ""


def learnt(state: State, nodes: Sequence[Node]) -> dict[NodeId, Rates]:
    """The rates of each node from all that was counted, as of now."""
    rows = [row for row in state.ledger.find(PickStats, limit=1_000_000) if row.node_no >= 0]
    if not rows:
        return {}  # nothing was learnt: the network's own rates hold
    half_life_s = state.rules.pick_half_life_s
    picks = {
        (str(state.node_id(row.node_no)), row.sku_class): decayed(
            Picks(row.asked, row.failed), state.now_s - row.updated_s, half_life_s
        )
        for row in rows
    }
    return class_ppm(picks, nodes, state.engine.network.skus.class_names, state.rules)
