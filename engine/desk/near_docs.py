"""What is answered to who asks for stores nearby; see engine/desk/near.py."""

from datetime import datetime
from hashlib import blake2b

import msgspec


class OpenDoc(msgspec.Struct, kw_only=True):
    """A stretch of time in which customers find a store open, in its local time."""

    opens_at: datetime
    closes_at: datetime


class NotReadyDoc(msgspec.Struct, kw_only=True):
    """Why the skus cannot all be collected at a store: a code for programs, and words."""

    code: str
    detail: str


class NearSkuDoc(msgspec.Struct, kw_only=True):
    """
    A sku at a store: how many are asked for, and how many can be promised to the channel now.

    ``sure_permille`` is how likely the units asked for are really there; 0 where none can be promised. ``told_at`` is
    when the units on hand were last counted or moved as far as this process has heard; before it has heard anything,
    the moment of the network, so that the row counts as older than it may be. Null without a row.
    """

    sku: str
    quantity: int
    available: int
    enough: bool
    sure_permille: int
    told_at: datetime | None


class NearStoreDoc(msgspec.Struct, kw_only=True):
    """
    A store.

    ``closes_at`` is there while it is open, ``opens_at`` while it is closed (null where it stays as it is as far as is
    known); ``hours`` are those of seven local days, today's whole. ``ready_at`` is when all that is asked for could be
    collected if it were ordered now; where it is null, ``not_ready`` says why.
    """

    node: str
    name: str
    distance_m: int
    lat: float
    lon: float
    tz: str
    open_now: bool
    opens_at: datetime | None
    closes_at: datetime | None
    hours: list[OpenDoc]
    has_all: bool
    sure_permille: int
    ready_at: datetime | None
    not_ready: NotReadyDoc | None
    skus: list[NearSkuDoc]


class NearDoc(msgspec.Struct, kw_only=True):
    """
    Stores by distance from ``lat``, ``lon``.

    ``located`` says how these were found: "coordinates" as given, the "postcode" itself, or the "prefix" of it that is
    known, which may be some way off. ``valid_until`` is when something of it changes by the clock, at most a minute
    after ``at``. ``version`` changes exactly when anything else does but these two.
    """

    at: datetime
    valid_until: datetime
    version: str = ""
    located: str
    prefix: str | None
    lat: float
    lon: float
    channel: str
    unknown_skus: list[str]
    stores: list[NearStoreDoc]


def version_of(document: msgspec.Struct) -> str:
    """A name of what a document says, whenever it says so: `at`, `valid_until` and `version` do not count."""
    told = [
        getattr(document, name) for name in document.__struct_fields__ if name not in ("at", "valid_until", "version")
    ]
    return blake2b(msgspec.json.encode(told), digest_size=12).hexdigest()
