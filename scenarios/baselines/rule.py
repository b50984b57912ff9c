"""What every rule is: a choice of nodes for the units of an order, perhaps with a memory of the orders before it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from scenarios.baselines.view import I64, Take, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A shipment that a rule's choice became: from where, (sku index, units), when it leaves the shelf."""

    node: int
    items: tuple[tuple[int, int], ...]
    leaves_s: int
    collected: bool  # by the customer at this node


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An order that was committed."""

    order_id: str
    now_s: int
    day: int
    sent: tuple[Sent, ...]


class Rule(ABC):
    """
    Says which node serves which units of an order.

    A rule that remembers orders learns of them by `held`, and of what was reserved before it began by `begin`.
    """

    name: ClassVar[str]
    traps: ClassVar[str] = ""  # what its users know to go wrong; `corrected` does it right
    needs_distance: ClassVar[bool] = False
    needs_priority: ClassVar[bool] = False

    def __init__(self, *, corrected: bool = False) -> None:
        self.corrected = corrected

    def begin(self, reserved: I64) -> None:  # noqa: B027  # most rules remember nothing
        """Take note of the units of every sku that orders before the first one hold."""

    @abstractmethod
    def takes(self, view: View) -> list[Take]:
        """Nodes and units; what is not taken stays unserved."""

    def held(self, held: Held) -> None:  # noqa: B027
        """Take note of an order that was committed."""
