"""What a page of products asks for: skus, and where its customer is."""

from typing import Annotated, Any

from pydantic import Field

from api.http.models.orders import Methods
from api.http.models.words import Body, Id, Sku, Units, Word
from engine.desk.promises import SKUS_MAX, Promises


class SkuIn(Body):
    """A sku, and how many units of it are wanted."""

    sku: Sku = Field(examples=["sku-0123"])
    quantity: Units = 1


class WhereIn(Body):
    """Where the customer is, as a quote takes it; with coordinates the postcode may be left out."""

    country: str = Field(pattern="^[A-Z]{2}$", examples=["FR"], description="ISO 3166-1 alpha-2.")
    postcode: Id | None = Field(None, examples=["33000"], description="Whole, or its beginning.")
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    residential: bool = True


class PromisesIn(Body):
    """Skus, each as if it were a cart of its own."""

    skus: Annotated[tuple[SkuIn, ...], Field(min_length=1, max_length=SKUS_MAX)]
    destination: WhereIn
    channel: Word = ""
    methods: Methods = ()

    def command(self) -> Promises:
        """The command."""
        where = self.destination
        return Promises(
            skus=tuple([(one.sku, one.quantity) for one in self.skus]),
            country=where.country,
            postcode=where.postcode,
            lat=where.lat,
            lon=where.lon,
            residential=where.residential,
            channel=self.channel,
            methods=self.methods,
        )


_HOME = {
    "kind": "home_delivery",
    "deliver_from": "2026-11-24T07:00:00Z",
    "deliver_by": "2026-11-24T19:00:00Z",
    "order_by": "2026-11-23T15:00:00Z",
    "price_cents": 620,
    "cost_cents": 612,
    "co2e_g": 410,
    "confidence_permille": 900,
    "sure_permille": 998,
}
_PLACE = {
    "kind": "click_and_collect",
    "place": "st-la-rochelle",
    "place_name": "La Rochelle",
    "distance_m": 812,
    "ready_at": "2026-11-23T13:32:00Z",
    "order_by": "2026-11-23T13:20:00Z",
    "price_cents": 210,
    "cost_cents": 205,
    "co2e_g": 0,
    "sure_permille": 951,
}
EXAMPLE: dict[str, Any] = {
    "at": "2026-11-23T13:20:00Z",
    "valid_until": "2026-11-23T13:20:01Z",
    "version": "5f0d2b6c1e0a4d7789ab01cd",
    "currency": "EUR",
    "located": "prefix",
    "prefix": "17",
    "lat": 46.1603,
    "lon": -1.1511,
    "tz": "Europe/Paris",
    "channel": "",
    "home_methods": ["ship_from_warehouse", "ship_from_store", "drop_ship", "same_day"],
    "unknown_skus": ["sku-9999"],
    "promises": [
        {
            "sku": "sku-0123",
            "quantity": 1,
            "available": True,
            "exact": True,
            "home": {"earliest": _HOME, "cheapest": _HOME},
            "pickup": {"nearest": _PLACE, "soonest": _PLACE},
        },
        {"sku": "sku-0042", "quantity": 1, "available": False, "exact": True, "home": None, "pickup": None},
    ],
}
