"""What is answered to who asks what can be promised of many skus; see engine/desk/promises.py."""

from datetime import datetime

import msgspec


class ArrivalDoc(msgspec.Struct, kw_only=True):
    """
    A way to have it brought home, within a window of time.

    ``order_by`` is up to when an order gets the same date, as long as the stock lasts. ``confidence_permille`` is how
    sure the carriers' days are; lower where only the beginning of the postcode is known, by the share of people there
    to whom it takes longer. ``sure_permille`` is how likely the units are really there that it comes from.
    """

    kind: str
    deliver_from: datetime
    deliver_by: datetime
    order_by: datetime
    price_cents: int
    cost_cents: int
    co2e_g: int
    confidence_permille: int
    sure_permille: int


class HomeDoc(msgspec.Struct, kw_only=True):
    """Home: what arrives first, at the lowest price for that date; and what costs the customer least."""

    earliest: ArrivalDoc
    cheapest: ArrivalDoc


class PickupDoc(msgspec.Struct, kw_only=True):
    """A place to collect it at, and when it is ready there at the soonest; the rest as in ``ArrivalDoc``."""

    kind: str
    place: str
    place_name: str
    distance_m: int | None
    ready_at: datetime
    order_by: datetime
    price_cents: int
    cost_cents: int
    co2e_g: int
    sure_permille: int


class PickupsDoc(msgspec.Struct, kw_only=True):
    """The nearest of the places near that can have it, and the one where it is ready first."""

    nearest: PickupDoc
    soonest: PickupDoc


class SkuPromiseDoc(msgspec.Struct, kw_only=True):
    """
    What can be promised of a sku.

    It comes home in one shipment; only where no node has enough of it, in several. ``exact`` says that nothing is
    cheaper or earlier; otherwise there was no time to look for all ways to divide it.
    """

    sku: str
    quantity: int
    available: bool
    exact: bool
    home: HomeDoc | None
    pickup: PickupsDoc | None


class PromisesDoc(msgspec.Struct, kw_only=True):
    """
    What can be promised of skus, in the order in which they were asked for.

    ``located`` says how ``lat``, ``lon`` were found: "coordinates" as given, the "postcode" itself, or the "prefix" of
    it that is known, which may be some way off. ``tz`` is the clock there, by which a date is a day. ``home_methods``
    is what an order that is to be brought home says, beside the date as its ``deliver_by``. ``valid_until`` is when
    something of it changes by the clock, at most a minute after ``at``. ``version`` changes exactly when anything else
    does but these two.
    """

    at: datetime
    valid_until: datetime
    version: str = ""
    currency: str
    located: str
    prefix: str | None
    lat: float
    lon: float
    tz: str
    channel: str
    home_methods: list[str]
    unknown_skus: list[str]
    promises: list[SkuPromiseDoc]
