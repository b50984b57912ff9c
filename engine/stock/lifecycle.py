"""
The life of a part of a reservation: which step leads from which state to which, and what it does to stock and capacity.

A part takes one of three courses:

    hold      units at a node (or anywhere in a group) with no plan behind them: a basket's, another system's
    home      a carrier takes it from its node: warehouse, store, vendor, courier, pickup point
    collect   the customer collects it at its own node
    travel    its node sends it over a lane to a store, where the customer collects it

`RULES` lists every step that there is; what it does not list cannot be. Each step is taken once, because none leads
back. Units of a part are in one of four places, and each rule says what becomes of them:

    reserved on a shelf   HELD, CONFIRMED, PICKED: at the part's node; READY: where it is collected
    on no shelf           IN_TRANSIT
    gone                  SHIPPED, COLLECTED
    free again            RELEASED, EXPIRED, REJECTED

Capacity is booked for the pick. It is given back by whatever ends a part before its pick, and kept otherwise.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.domain.order import Method
from engine.network.cells import WHOLE_DAY
from engine.stock.ledger import CapacityChange, Move, StockChange, stock_key
from engine.stock.records import DAY, HOUR, SHARED, Part, PartState
from engine.stock.records_oms import Lot


class Course(StrEnum):
    """Which way a part goes."""

    HOLD = "hold"
    HOME = "home"
    COLLECT = "collect"
    TRAVEL = "travel"


class Step(StrEnum):
    """What happens to a part."""

    CONFIRM = "confirm"
    TRANSFER = "transfer"  # held at another node, or group, from now on
    PICK = "pick"
    READY = "ready"
    SHIP = "ship"  # handed over to the carrier, or sent off on its lane
    ARRIVE = "arrive"
    COLLECT = "collect"
    RELEASE = "release"  # by whoever held it, before work began
    CANCEL = "cancel"  # by the customer, at any stage
    REJECT = "reject"  # by the node
    EXPIRE = "expire"  # nobody confirmed, or collected, in time


class Units(StrEnum):
    """What becomes of a part's units."""

    STAY = "stay"  # reserved as before
    FREE = "free"  # on sale again where they are
    LEAVE = "leave"  # off their shelf, for good or for another
    LAND = "land"  # reserved on the shelf where they are collected
    ON_THEIR_WAY = "on_their_way"  # still in transit, for sale when they arrive


class Rule(NamedTuple):
    """Where a step leads, what becomes of the units, and whether the booked capacity is given back."""

    to: PartState
    units: Units
    gives_back: bool = False


_P, _S, _U = PartState, Step, Units
_Steps = Mapping[Step, Rule]
_OFF_SHELF: dict[Step, Rule] = {
    _S.CANCEL: Rule(_P.RELEASED, _U.FREE),
    _S.REJECT: Rule(_P.REJECTED, _U.FREE),
}
_HELD: dict[Step, Rule] = {
    _S.CONFIRM: Rule(_P.CONFIRMED, _U.STAY),
    _S.RELEASE: Rule(_P.RELEASED, _U.FREE, True),
    _S.CANCEL: Rule(_P.RELEASED, _U.FREE, True),
    _S.REJECT: Rule(_P.REJECTED, _U.FREE, True),
    _S.EXPIRE: Rule(_P.EXPIRED, _U.FREE, True),
}
_CONFIRMED: dict[Step, Rule] = {
    _S.PICK: Rule(_P.PICKED, _U.STAY),
    _S.RELEASE: Rule(_P.RELEASED, _U.FREE, True),
    _S.CANCEL: Rule(_P.RELEASED, _U.FREE, True),
    _S.REJECT: Rule(_P.REJECTED, _U.FREE, True),
}
_READY: dict[Step, Rule] = {
    _S.COLLECT: Rule(_P.COLLECTED, _U.LEAVE),
    _S.EXPIRE: Rule(_P.EXPIRED, _U.FREE),
    **_OFF_SHELF,
}
_SHIP = {_S.SHIP: Rule(_P.SHIPPED, _U.LEAVE)}
_SEND_OFF = {_S.SHIP: Rule(_P.IN_TRANSIT, _U.LEAVE)}
_HAND_OVER = {_S.READY: Rule(_P.READY, _U.STAY), _S.COLLECT: Rule(_P.COLLECTED, _U.LEAVE)}
_IN_TRANSIT: dict[Step, Rule] = {
    _S.ARRIVE: Rule(_P.READY, _U.LAND),
    _S.CANCEL: Rule(_P.RELEASED, _U.ON_THEIR_WAY),
}


def _course(
    work: Mapping[Step, Rule], last: Mapping[PartState, Mapping[Step, Rule]]
) -> dict[PartState, dict[Step, Rule]]:
    """A course from what ends its work at the node, and what comes after."""
    first = {_P.HELD: _HELD, _P.CONFIRMED: {**_CONFIRMED, **work}, _P.PICKED: {**_OFF_SHELF, **work}}
    return {**first, **{state: dict(steps) for state, steps in last.items()}}


RULES: dict[Course, dict[PartState, dict[Step, Rule]]] = {
    Course.HOLD: _course({**_SHIP, **_HAND_OVER}, {_P.READY: _READY}),
    Course.HOME: _course(_SHIP, {}),
    Course.COLLECT: _course(_HAND_OVER, {_P.READY: _READY}),
    Course.TRAVEL: _course(_SEND_OFF, {_P.IN_TRANSIT: _IN_TRANSIT, _P.READY: _READY}),
}
# A hold is moved and, by systems that know no confirming, shipped or collected straight from what is held.
RULES[Course.HOLD][_P.HELD] = {**_HELD, _S.TRANSFER: Rule(_P.HELD, _U.STAY), **_SHIP, _S.COLLECT: _READY[_S.COLLECT]}
RULES[Course.HOLD][_P.CONFIRMED][_S.TRANSFER] = Rule(_P.CONFIRMED, _U.STAY)


def course_of(part: Part) -> Course:
    """Which way a part goes."""
    if not part.method:
        return Course.HOLD
    if part.method == Method.CLICK_AND_COLLECT:
        return Course.COLLECT
    return Course.TRAVEL if part.method == Method.SHIP_TO_STORE else Course.HOME


def rule_of(part: Part, step: Step) -> Rule | None:
    """What a step does to a part; None where it cannot be taken."""
    return RULES[course_of(part)].get(PartState(part.state), {}).get(step)


def steps_from(part: Part) -> list[Step]:
    """The steps that a part can take now."""
    return list(RULES[course_of(part)].get(PartState(part.state), {}))


def shelf_no(part: Part) -> int | None:
    """The node on whose shelf an open part's units are reserved; None on their way."""
    if part.state == PartState.IN_TRANSIT:
        return None
    return part.place_no if part.state == PartState.READY and part.place_no >= 0 else part.node_no


def stock_of(part: Part, rule: Rule, at_s: int) -> tuple[list[StockChange], list[Move]]:
    """What a step does to stock, and what the stock feed must know of."""
    if rule.units in (Units.STAY, Units.ON_THEIR_WAY):
        return [], []
    node_no = part.place_no if rule.units == Units.LAND else shelf_no(part)
    assert node_no is not None, "units on their way are on no shelf"
    on_hand, reserved = {Units.FREE: (0, -1), Units.LEAVE: (-1, -1), Units.LAND: (1, 1)}[rule.units]
    keys = [(stock_key(sku_no, node_no), units) for _, sku_no, units in part.lines]
    stock = [StockChange(key, on_hand * units, reserved * units) for key, units in keys]
    cause, reference = rule.to.value if rule.units == Units.LEAVE else "arrived", f"{part.reservation_id}/{part.part}"
    moves = [Move(key, on_hand * units, at_s, cause, reference) for key, units in keys if on_hand]
    return stock, moves


def lots_of(part: Part, rule: Rule, now_s: int) -> list[Lot]:
    """Units that travel on though nobody waits for them any more: due where they were to be collected."""
    if rule.units != Units.ON_THEIR_WAY:
        return []
    return [
        Lot(
            lot_id=f"{part.reservation_id}/{part.part}/{line_id}",
            node_no=part.place_no,
            sku_no=sku_no,
            units=units,
            available_s=max(part.due_s, now_s + 1),
        )
        for line_id, sku_no, units in part.lines
    ]


def capacity_of(part: Part) -> list[CapacityChange]:
    """The capacity that a part has booked, to be given back; nothing once it is picked."""
    if part.state not in (PartState.HELD, PartState.CONFIRMED):
        return []
    hours = [hour for bit, hour in ((DAY, WHOLE_DAY), (HOUR, part.hour)) if part.booked & bit]
    orders = 0 if part.booked & SHARED else -1
    return [CapacityChange(part.node_no, part.day, hour, orders, -part.units) for hour in hours]


def booked_after(part: Part) -> int:
    """Which cells a part still books when it ends: none where it gives them back."""
    return 0 if part.state in (PartState.HELD, PartState.CONFIRMED) else part.booked


def taken(part: Part, rule: Rule, now_s: int, due_s: int | None = None) -> Part:
    """The part after a step."""
    at_node = rule.to == PartState.READY and part.place_no < 0
    return msgspec.structs.replace(
        part,
        state=rule.to.value,
        booked=booked_after(part) if rule.gives_back else part.booked,
        place_no=part.node_no if at_node else part.place_no,
        due_s=part.due_s if due_s is None else due_s,
        updated_s=now_s,
    )


def split(part: Part, units: Mapping[str, int], number: int, *, goes_on: bool) -> tuple[Part, Part]:
    """
    Part units of some lines off into a new part.

    The one whose work goes on keeps the cost, and the order that is booked at the node: `goes_on` says that it is the
    new one, which is about to be picked or shipped; where it is about to end, the old one keeps it. So the order is
    booked once, and is given back only where all of it ends before its pick.

    Returns
    -------
    tuple
        What is left, and the new part, numbered `number`, at version 1.
    """
    assert all(0 < units.get(line_id, 1) <= left for line_id, _, left in part.lines), "parts are split into parts"
    off = tuple((line_id, sku_no, units[line_id]) for line_id, sku_no, _ in part.lines if line_id in units)
    rest = tuple(
        (line_id, sku_no, left - units.get(line_id, 0))
        for line_id, sku_no, left in part.lines
        if left > units.get(line_id, 0)
    )
    num_off = sum(count for _, _, count in off)
    assert 0 < num_off < part.units, "a part is split into two that are not empty"
    own, shared = part.booked, part.booked | SHARED if part.booked else 0
    new = msgspec.structs.replace(
        part,
        part=number,
        lines=off,
        units=num_off,
        cost_cents=part.cost_cents if goes_on else 0,
        booked=own if goes_on else shared,
        version=1,
    )
    left_over = msgspec.structs.replace(
        part,
        lines=rest,
        units=part.units - num_off,
        cost_cents=0 if goes_on else part.cost_cents,
        booked=shared if goes_on else own,
    )
    return left_over, new
