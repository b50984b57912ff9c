"""
Which stores near somebody have skus now: how far, how long open, when they can be collected, and how sure that is.

A store is a node that offers pickup, is no pickup point, and opens at all. It is told of where it can give at least one
of the skus in the quantity that is asked for, or all of them where that is wanted; the nearest come first.

    available  max(0, on hand - reserved - safety - protected for other channels), 0 where the row is blocked
    ready_at   what an order of these lines would be promised now, collected at the store from its own stock
    sure       engine/desk/sure.py; of a store, that of its skus multiplied

What is told changes with the stock, and by the clock: `valid_until` says when at the soonest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.desk.ask import UNPROCESSABLE, DeskError, Planned, Wanted, answer
from engine.desk.near_docs import NearDoc, NearSkuDoc, NearStoreDoc, NotReadyDoc, version_of
from engine.desk.open_hours import Hours, hours_of
from engine.desk.state import State
from engine.desk.sure import next_change_s, sure_permille
from engine.domain.errors import InputError
from engine.domain.ids import LineId, OrderId, SkuId
from engine.domain.order import Method, Order, OrderLine
from engine.domain.plan import Refusal
from engine.domain.units import epoch_s, utc
from engine.network.routes import Route
from engine.options.located import Located, knows, locate
from engine.options.ways import Way

SKUS_MAX = 20
LIMIT_MAX = 50
ANYWHERE_M = 20_100_000  # no two places on Earth are farther apart
VALID_S = 60  # others may take the stock


class _Asked(NamedTuple):
    """A sku, how many of it, and what there is of it: the row at each node (-1: none), and units available there."""

    name: str
    sku: int
    quantity: int
    row: NDArray[np.int64]
    available: NDArray[np.int64]


class _Ready(NamedTuple):
    """When lines can be collected, and up to when that holds; or why they cannot."""

    at_s: int | None
    until_s: int | None = None
    reason: NotReadyDoc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """
    Stores near somebody that have skus now. Changes nothing.

    Parameters
    ----------
    skus
        Each with how many of it; of a sku that comes twice the sum.
    country
        Of the postcode, or of the coordinates.
    postcode, lat, lon
        Where: a postcode, or both coordinates.
    limit, max_distance_m
        At most so many stores, no farther than that.
    every
        Only stores that have all of the skus that are known.
    """

    skus: tuple[tuple[str, int], ...]
    country: str
    postcode: str | None = None
    lat: float | None = None
    lon: float | None = None
    channel: str = ""
    limit: int = 10
    max_distance_m: int | None = None
    every: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.skus) <= SKUS_MAX:
            raise _wrong("?sku", f"{len(self.skus)} skus are asked for, not 1 to {SKUS_MAX}.", "ask in several calls.")
        for sku, quantity in self.skus:
            if quantity < 1:
                raise _wrong("?quantity", f"Quantity ({quantity}) of sku ({sku}) is not 1 or more.", "leave it out.")
        if (self.lat is None) != (self.lon is None):
            missing = "lat" if self.lat is None else "lon"
            raise _wrong(f"?{missing}", f"One of lat, lon is given, ({missing}) is not.", "give both, or a postcode.")
        if (self.postcode is None) == (self.lat is None):
            raise _wrong("?postcode", "Where is given by a postcode, or by lat and lon.", "give one of the two.")
        if self.lat is not None and self.lon is not None and not (abs(self.lat) <= 90 and abs(self.lon) <= 180):
            raise _wrong("?lat", f"Place ({self.lat}, {self.lon}) is not on Earth.", "lat and lon are swapped.")
        if not 1 <= self.limit <= LIMIT_MAX:
            raise _wrong("?limit", f"Limit ({self.limit}) is not within 1 and {LIMIT_MAX}.", "leave it out.")

    @property
    def name(self) -> str:
        """The operation."""
        return "near"

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def plan(self, state: State) -> Planned:
        """Look it up in the view."""
        located = self._located(state)
        asked, unknown = self._asked(state)
        found = list(self._stores(state, located, asked))
        ready = _ready(state, [node for _, node in found], asked, self.channel)
        turns = [state.now_s + VALID_S, next_change_s(state.now_s), *_lots(state, asked)]
        if state.book.next_s is not None:
            turns.append(state.book.next_s)
        stores: list[NearStoreDoc] = []
        for (far_m, node), when in zip(found, ready, strict=True):
            hours = hours_of(state.engine.tools, node, state.now_s)
            stores.append(_store_doc(state, node, far_m, hours, asked, when))
            turns += [moment for moment in (*hours.turns_s, when.until_s) if moment is not None]
        document = NearDoc(
            at=utc(state.now_s),
            valid_until=utc(min(moment for moment in turns if moment > state.now_s)),
            located=located.how,
            prefix=located.prefix or None,
            lat=located.lat,
            lon=located.lon,
            channel=self.channel,
            unknown_skus=unknown,
            stores=stores,
        )
        return Planned(answer(msgspec.structs.replace(document, version=version_of(document))))

    def _located(self, state: State) -> Located:
        tools = state.engine.tools
        if not knows(tools, self.country):
            hint = "use its two letters, such as FR or US."
            raise _wrong("?country", f"Country ({self.country}) is unknown to the network.", hint)
        if self.lat is not None and self.lon is not None:
            return Located(self.lat, self.lon, "coordinates")
        assert self.postcode is not None, "one of the two was given"
        try:
            return locate(tools, self.country, self.postcode)
        except InputError as error:
            raise _wrong("?postcode", error.message, error.hint) from error

    def _asked(self, state: State) -> tuple[list[_Asked], list[str]]:
        """What is asked for and known, and the names of what is not."""
        wanted: dict[str, int] = {}
        for sku, quantity in self.skus:
            wanted[sku] = wanted.get(sku, 0) + quantity
        index = state.engine.network.skus.index
        unknown = [sku for sku in wanted if SkuId(sku) not in index]
        if len(unknown) == len(wanted):
            near = state.engine.tools.sku_like(unknown[0])
            raise _wrong(
                "?sku",
                f"None of these skus is known: {', '.join(unknown)}.",
                f"({near}): case counts." if near is not None else "check the ids; case counts.",
            )
        return [_there(state, sku, n, self.channel) for sku, n in wanted.items() if SkuId(sku) in index], unknown

    def _stores(self, state: State, located: Located, asked: Sequence[_Asked]) -> Iterator[tuple[int, int]]:
        """Metres and node of the stores to tell of, the nearest first."""
        tools = state.engine.tools
        enough = np.stack([one.available >= one.quantity for one in asked])
        has: NDArray[np.bool_] = np.all(enough, axis=0) if self.every else np.any(enough, axis=0)
        within_m = ANYWHERE_M if self.max_distance_m is None else min(self.max_distance_m, ANYWHERE_M)
        near = tools.places_within(located.lat, located.lon, within_m)
        count = 0
        for far_m, node in near[has[near[:, 1]]].tolist():
            if not tools.is_point(node) and tools.calendars.opening(node):
                yield far_m, node
                count += 1
                if count == self.limit:
                    return


def _wrong(field: str, text: str, hint: str) -> DeskError:
    return DeskError("validation", UNPROCESSABLE, text, hint, field=field)


def _there(state: State, name: str, quantity: int, channel: str) -> _Asked:
    """What there is of a sku, by node."""
    live, sku = state.engine.live, state.engine.network.skus.index[SkuId(name)]
    rows = slice(int(live.row_start[sku]), int(live.row_start[sku + 1]))
    nodes = live.row_node[rows]
    row = np.full(len(state.engine.network.nodes), -1, dtype=np.int64)
    row[nodes] = np.arange(rows.start, rows.stop)
    available = np.zeros(len(row), dtype=np.int64)
    available[nodes] = np.maximum(0, live.free_in(rows, channel))
    return _Asked(name, sku, quantity, row, available)


def _lots(state: State, asked: Sequence[_Asked]) -> Iterator[int]:
    """When units of the skus are due, anywhere."""
    for one in asked:
        for lots in state.engine.live.withheld.due.get(one.sku, {}).values():
            yield from (due_s for due_s, _ in lots)


def _ready(state: State, nodes: Sequence[int], asked: Sequence[_Asked], channel: str) -> list[_Ready]:
    """When all of it can be collected at each node."""
    engine = state.engine
    lacking = [[one.name for one in asked if one.available[node] < one.quantity] for node in nodes]
    orders = {
        node: _order(state, node, asked, channel) for node, names in zip(nodes, lacking, strict=True) if not names
    }
    briefs = engine.decide_batch(list(orders.values()), hold=False, settle=False)
    decided = dict(zip(orders, briefs, strict=True))
    out = []
    for node, names in zip(nodes, lacking, strict=True):
        if names:
            text = f"There is not enough of {', '.join(names)}."
            out.append(_Ready(None, reason=NotReadyDoc(code="no_stock", detail=text)))
            continue
        brief = decided[node]
        if isinstance(brief, InputError):
            raise brief
        one = _at_once(state, node, orders[node])
        if brief is None:
            out.append(one)  # too many lines for the kernel
        elif brief.unmet or brief.deliver_by_s is None:
            none = NotReadyDoc(code="no_promise", detail="An order of all of it cannot be promised there.")
            out.append(_Ready(None, reason=one.reason or none))
        else:  # more than one shipment: how long it holds is not known
            same = one.at_s == brief.deliver_by_s
            out.append(_Ready(brief.deliver_by_s, one.until_s if same else state.now_s + 1))
    return out


def _order(state: State, node: int, asked: Sequence[_Asked], channel: str) -> Order:
    return Order(
        order_id=OrderId("near"),
        placed_at=utc(state.now_s),
        lines=tuple(OrderLine(line_id=LineId(one.name), sku=SkuId(one.name), quantity=one.quantity) for one in asked),
        pickup_node=state.engine.network.nodes[node].node_id,
        channel=channel,
        methods=(Method.CLICK_AND_COLLECT,),
    )


def _at_once(state: State, node: int, order: Order) -> _Ready:
    """When all of it can be collected that is picked at once."""
    request = state.engine.chooser.request(order)
    items = tuple((line, one.quantity) for line, one in enumerate(order.lines))
    route = Route(Method.CLICK_AND_COLLECT, node, place=node)
    way = request.ways.way(route)
    if not isinstance(way, Way):
        return _refused(way)
    misfit = request.misfit(route, items)
    if misfit is not None:
        return _refused(misfit)
    promise = request.promise(way, items, request.placed_s)
    if isinstance(promise, Refusal):
        return _refused(promise)
    return _Ready(epoch_s(promise.deliver_by), epoch_s(promise.release_by) + 1)


def _refused(refusal: Refusal) -> _Ready:
    return _Ready(None, reason=NotReadyDoc(code=refusal.code, detail=refusal.text))


def _store_doc(
    state: State, node: int, far_m: int, hours: Hours, asked: Sequence[_Asked], when: _Ready
) -> NearStoreDoc:
    who = state.engine.network.nodes[node]
    skus = [_sku_doc(state, node, one) for one in asked]
    return NearStoreDoc(
        node=who.node_id,
        name=who.name,
        distance_m=far_m,
        lat=who.lat,
        lon=who.lon,
        tz=who.tz,
        open_now=hours.open_now,
        opens_at=hours.opens_at,
        closes_at=hours.closes_at,
        hours=hours.days,
        has_all=all(one.enough for one in skus),
        sure_permille=prod(one.sure_permille for one in skus) // 1000 ** (len(skus) - 1),
        ready_at=None if when.at_s is None else utc(when.at_s),
        not_ready=when.reason,
        skus=skus,
    )


def _sku_doc(state: State, node: int, one: _Asked) -> NearSkuDoc:
    live, row, available = state.engine.live, int(one.row[node]), int(one.available[node])
    told_s, sure = None, 0
    if row >= 0:
        told_s = int(state.view.row_told_s[row])
        if available:
            spare = int(live.row_on_hand[row]) - int(live.row_reserved[row]) - one.quantity
            ppm = state.engine.network.rejection_ppm(node, one.sku)
            sure = sure_permille(told_s=told_s, now_s=state.now_s, spare=spare, rejection_ppm=ppm)
    return NearSkuDoc(
        sku=one.name,
        quantity=one.quantity,
        available=available,
        enough=available >= one.quantity,
        sure_permille=sure,
        told_at=None if told_s is None else utc(told_s),
    )
