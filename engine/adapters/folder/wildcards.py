"""
Rows of collections and lanes that name many nodes at once, expanded to one row per node.

For each weekday the row that names more wins: a node before its groups, a group before "*"; for lanes the origin
is compared first, then the target. Rows of the same rank add up.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from engine.domain.ids import NodeId
from engine.network.model import Collection, Lane, Node, Offer, Service, ServiceKind

R = TypeVar("R", Collection, Lane)
NO_DAY = "0000000"


@dataclass(frozen=True, slots=True)
class Match:
    """The nodes that a cell means; rank 0: it names a node, 1: a group, 2: all."""

    rank: int
    nodes: tuple[NodeId, ...]


def _wild(cell: str) -> bool:
    return cell.startswith(("*", "group:"))


def match(cell: str, nodes: Iterable[Node], fits: Callable[[Node], bool]) -> Match:
    """The nodes a cell means; of groups and of "*" only those that fit."""
    if cell == "*":
        return Match(2, tuple(n.node_id for n in nodes if fits(n)))
    if cell.startswith("group:"):
        group = cell.removeprefix("group:")
        return Match(1, tuple(n.node_id for n in nodes if group in n.groups and fits(n)))
    return Match(0, (NodeId(cell),))


def expand_collections(
    rows: Sequence[Collection], nodes: Sequence[Node], services: Sequence[Service]
) -> tuple[Collection, ...]:
    """One row per node; of groups and "*" those that offer to ship (for a courier: same_day)."""
    if not any(_wild(row.node_id) for row in rows):
        return tuple(row for row in rows if row.collect)
    kinds = {service.service_id: service.kind for service in services}
    needs = {True: Offer.SAME_DAY, False: Offer.SHIP}
    matches: dict[tuple[str, Offer], Match] = {}
    ranked = []
    for row in rows:
        need = needs[kinds.get(row.service_id) == ServiceKind.COURIER]
        key = (row.node_id, need)
        if key not in matches:
            matches[key] = match(row.node_id, nodes, lambda n, need=need: need in n.offers)  # type: ignore[misc]
        found = matches[key]
        ranked.append([((node, row.service_id), (found.rank,), replace(row, node_id=node)) for node in found.nodes])
    # A row without times says that nothing is collected on its days.
    return tuple(row for row in _winners(ranked) if row.collect)


def expand_lanes(rows: Sequence[Lane], nodes: Sequence[Node]) -> tuple[Lane, ...]:
    """One row per pair of nodes; of groups and "*" those that offer transfer_out and transfer_in."""
    if not any(_wild(row.origin) or _wild(row.target) for row in rows):
        return tuple(rows)
    ends: dict[tuple[str, Offer], Match] = {}

    def end(cell: str, offer: Offer) -> Match:
        if (cell, offer) not in ends:
            ends[cell, offer] = match(cell, nodes, lambda n: offer in n.offers)
        return ends[cell, offer]

    ranked = []
    for row in rows:
        origin, target = end(row.origin, Offer.TRANSFER_OUT), end(row.target, Offer.TRANSFER_IN)
        rank = (origin.rank, target.rank)
        ranked.append(
            [
                ((a, b), rank, replace(row, origin=a, target=b))
                for a in origin.nodes
                for b in target.nodes
                if a != b or rank == (0, 0)
            ]
        )
    return tuple(_winners(ranked))


def _winners(ranked: Sequence[Sequence[tuple[tuple[str, str], tuple[int, ...], R]]]) -> Iterable[R]:
    """The rows, in order, each without the weekdays on which a row of a better rank has the same key."""
    best: dict[tuple[str, str], list[tuple[int, ...] | None]] = defaultdict(lambda: [None] * 7)
    for rows in ranked:
        for key, rank, row in rows:
            days = best[key]
            for day in range(7):
                held = days[day]
                if row.weekdays[day] == "1" and (held is None or rank < held):
                    days[day] = rank
    for rows in ranked:
        for key, rank, row in rows:
            left = "".join("1" if on == "1" and best[key][d] == rank else "0" for d, on in enumerate(row.weekdays))
            if left != NO_DAY:
                yield row if left == row.weekdays else replace(row, weekdays=left)
            elif not any(rank):  # kept as it was written; it names its node and does nothing
                yield row
