"""One way in which a customer may have a cart."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.decide.brief import Brief
from engine.decide.labelled import Value


class OfferKind(StrEnum):
    """How a customer comes by the goods."""

    HOME = "home_delivery"
    SAME_DAY = "same_day"  # all of it by courier
    COLLECT = "click_and_collect"  # all of it from the shelves of the place
    TO_STORE = "ship_to_store"
    POINT = "pickup_point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    One way to serve a cart; `brief` puts it in words.

    ``exact``: no plan for its target is better in what it was found for; otherwise the search was cut short.
    """

    kind: OfferKind
    cost_cents: int
    deliver_by_s: int
    co2e_g: int
    place: int  # node, -1: home
    trip_m: int | None  # from the customer to the place, one way
    exact: bool = True
    build: Callable[[], Brief]

    @property
    def value(self) -> Value:
        """Cost in cents, date in epoch seconds, grams."""
        return self.cost_cents, self.deliver_by_s, self.co2e_g

    @property
    def brief(self) -> Brief:
        """The plan."""
        return self.build()
