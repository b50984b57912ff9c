"""
The calls of a client: reservations, each made from its number alone, and what is done with those that hold.

Because a reservation is made from seed, client and number, any process can make the very same call again: at the same
time as the first, later, or after a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import numpy as np

from engine.desk.allocation import Allocate
from engine.desk.ask import Command, KeyAsked
from engine.desk.cancel import Cancel
from engine.desk.fulfil import Mark
from engine.desk.reserve import Confirm, Extend, HoldLine, Release, Reserve
from engine.desk.returns import Return, ReturnedLine
from engine.stock.lifecycle import Step
from tests.soak.shop import BEGAN_S, NODES, lines_of, order_of

SCOPE = "soak"
TTLS_S = (60, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command and the key by which it may be repeated."""

    name: str
    command: Command

    @property
    def key(self) -> KeyAsked:
        """Its key; every call has one of its own."""
        return KeyAsked(SCOPE, self.name, self.name)


def reservation(seed: int, client: int, number: int) -> Call:
    """A client's reservation of that number: a hold at a node, a hold anywhere in the group, or an order."""
    rng = Random(f"{seed} {client} {number}")
    name, ttl_s = f"{client}-{number}", rng.randrange(*TTLS_S)
    kind = rng.random()
    if kind < 0.2:
        # When it was placed is no matter of the clock, so that who repeats it need not know when it was sent first.
        order = order_of(name, rng, BEGAN_S)
        return Call(name=name, command=Allocate(order=order, decision_id=name, reservation_id=name, ttl_s=ttl_s))
    where = {"group": "all"} if kind < 0.26 else {"node": NODES[rng.randrange(4)]}
    lines = tuple(
        HoldLine(line_id=str(i), sku=sku, quantity=units, **where)
        for i, (sku, units) in enumerate(lines_of(rng), start=1)
    )
    partial = rng.random() < 0.1
    return Call(
        name=name,
        command=Reserve(reservation_id=name, order_id=name, lines=lines, ttl_s=ttl_s, partial=partial),
    )


def remembered(call: Call, body: bytes) -> bool:
    """Whether an answer belongs to something that was written; a partial hold of nothing is not."""
    return not (isinstance(call.command, Reserve) and body.startswith(b'{"reservation":null'))


def held(call: Call, body: bytes) -> dict[str, Any] | None:
    """The document of a reservation that holds something, with its shipments; None where it does not."""
    document = msgspec.json.decode(body)
    if document.get("reservation") is None:
        return None
    return dict(document if isinstance(call.command, Allocate) else document["reservation"])


def course(call: Call, document: dict[str, Any], rng: np.random.Generator) -> list[Call]:
    """What is done with a reservation, call after call; nothing where it is left to run out of time."""
    name, drawn = call.name, rng.random()
    commands: list[Command] = []
    if drawn < 0.7:
        pass
    elif drawn < 0.84:
        commands = [Release(reservation_id=name)]
    elif drawn < 0.87:
        commands = [Cancel(order_id=name)]
    elif drawn < 0.9:
        commands = [Confirm(reservation_id=name), Cancel(order_id=name)]
    elif drawn < 0.92:
        commands = [Extend(reservation_id=name, ttl_s=300), Release(reservation_id=name)]
    elif isinstance(call.command, Allocate):
        commands = _worked_on(name, document["shipments"], thoroughly=rng.random() < 0.15)
    elif all(part["group"] is None for part in document["shipments"]):
        parts = document["shipments"]
        shipped = [Mark(reservation_id=name, part=part["part"], step=Step.SHIP) for part in parts]
        commands = [Confirm(reservation_id=name), *shipped, _back(name, parts, NODES[int(rng.integers(4))])]
    else:
        commands = [Release(reservation_id=name)]
    return [Call(name=f"{name}/{i}", command=command) for i, command in enumerate(commands, start=1)]


def given_up(call: Call) -> Call:
    """What is done where a step of a course is refused: nothing stays confirmed for good that nobody goes on with."""
    name = call.name.partition("/")[0]
    return Call(name=f"{name}/end", command=Cancel(order_id=name, open_only=True))


def _worked_on(name: str, parts: Sequence[dict[str, Any]], *, thoroughly: bool) -> list[Command]:
    """An order picked, then cancelled; or `thoroughly` shipped or collected, and all of it brought back."""
    commands: list[Command] = [Confirm(reservation_id=name)]
    if not thoroughly:
        return [*commands, Cancel(order_id=name)]
    for part in parts:
        steps = {
            "click_and_collect": (Step.PICK, Step.READY, Step.COLLECT),
            "ship_to_store": (Step.PICK, Step.SHIP, Step.ARRIVE, Step.COLLECT),
        }.get(part["method"], (Step.PICK, Step.SHIP))
        commands += [Mark(reservation_id=name, part=part["part"], step=step) for step in steps]
    return [*commands, _back(name, parts, parts[0]["node"])]


def _back(name: str, parts: Sequence[dict[str, Any]], node: str) -> Return:
    """All that left comes back as new, so that it is sold again."""
    lines = tuple(ReturnedLine(sku=line["sku"], quantity=line["quantity"]) for part in parts for line in part["lines"])
    return Return(return_id=f"{name}/back", node=node, lines=lines, order_id=name)
