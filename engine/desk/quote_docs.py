"""Quotes as documents. Moments are aware UTC, money is cents of the network's currency, weights are grams."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec

from engine.desk.documents import HeldDoc, VersionsDoc
from engine.domain.policy import Policy
from engine.network.model import Network


class ParcelDoc(msgspec.Struct, kw_only=True):
    """A shipment of an option: which lines come when, from where, by which method and service."""

    node: str
    method: str
    service: str | None
    lines: list[str]
    ship_by: datetime
    deliver_from: datetime
    deliver_by: datetime


class SendDoc(msgspec.Struct, kw_only=True):
    """What an order has to say to be allocated within what the option promises, where it does not name the option."""

    methods: list[str]
    pickup_node: str | None
    deliver_by: datetime


class OptionDoc(msgspec.Struct, kw_only=True):
    """
    One way to have the cart.

    ``option_id`` is what an allocation names to have it kept. ``names`` says in what it is best of all options:
    cheapest, fastest, greenest; ``why`` says in words why it is shown. ``price_cents`` is what the customer pays,
    ``cost_cents`` what it costs us. All of it is there between ``deliver_from`` and ``deliver_by``, with
    ``confidence_permille``; ordered after ``order_by`` its plan comes later. ``exact`` says that no plan for its target
    is better in what it was found for. ``distance_m`` is from the customer to the place, whose grams the customer's way
    would add to ``co2e_g``.
    """

    option_id: str | None
    kind: str
    names: list[str]
    selected: bool
    why: str
    price_cents: int
    cost_cents: int | None
    deliver_from: datetime | None
    deliver_by: datetime
    confidence_permille: int | None
    order_by: datetime | None
    co2e_g: int | None
    place: str | None
    place_name: str | None
    distance_m: int | None
    parcels: list[ParcelDoc]
    exact: bool
    send: SendDoc


class PartPlaceDoc(msgspec.Struct, kw_only=True):
    """A store near that has some of the lines, and when these could be collected there."""

    place: str
    place_name: str
    distance_m: int | None
    lines: list[str]
    missing: list[str]
    ready_at: datetime


class UnknownDoc(msgspec.Struct, kw_only=True):
    """A line that is left out of all options: its sku is unknown."""

    line_id: str
    sku: str


class QuoteDoc(msgspec.Struct, kw_only=True):
    """
    Options by price, then date; none where nobody can serve the cart.

    ``quote_id`` stands until ``expires_at``. What is told may change by the clock at ``valid_until``, at most a minute
    after ``at``; ``version`` changes where anything else does but moments and ids. ``located`` says how the home was
    found, in the words of `NearDoc`: by its "postcode", by "coordinates", or by a "prefix" of the postcode; where
    several areas begin so, the confidence counts those of their people whom a carrier takes no longer to than to their
    middle. ``fallback``: the engine was out of time, or broke; a plain rule answers.
    """

    quote_id: str
    at: datetime
    expires_at: datetime
    valid_until: datetime
    version: str = ""
    fallback: bool = False
    currency: str
    located: str | None
    prefix: str | None
    options: list[OptionDoc]
    partial_places: list[PartPlaceDoc]
    unknown: list[UnknownDoc]
    hold: HeldDoc | None = None
    versions: VersionsDoc | None


def version_of(document: QuoteDoc) -> str:
    """A name of what a quote says, whenever it says so."""
    options = [
        (
            o.kind,
            o.names,
            o.selected,
            o.price_cents,
            o.cost_cents,
            o.deliver_from,
            o.deliver_by,
            o.order_by,
            o.co2e_g,
            o.place,
            [(p.node, p.service, p.lines) for p in o.parcels],
        )
        for o in document.options
    ]
    parts = [(part.place, part.lines, part.ready_at) for part in document.partial_places]
    told = options, parts, [line.line_id for line in document.unknown], document.fallback, document.prefix
    return blake2b(msgspec.msgpack.encode(told), digest_size=12).hexdigest()


def backup_quote(policy: Policy, network: Network, line_ids: Sequence[str], now: datetime) -> QuoteDoc:
    """What is offered where nothing could be computed in time: the policy's backup way home, if it has one."""
    options = []
    if policy.shop_backup_cents:
        deliver_by = now + timedelta(days=policy.shop_backup_days)
        options.append(
            OptionDoc(
                option_id=None,
                kind="home_delivery",
                names=["cheapest", "fastest", "greenest"],
                selected=True,
                why="The only way that can be told at the moment.",
                price_cents=policy.shop_backup_cents,
                cost_cents=None,
                deliver_from=None,
                deliver_by=deliver_by,
                confidence_permille=None,
                order_by=None,
                co2e_g=None,
                place=None,
                place_name=None,
                distance_m=None,
                parcels=[],
                exact=False,
                send=SendDoc(methods=[], pickup_node=None, deliver_by=deliver_by),
            )
        )
    document = QuoteDoc(
        quote_id=f"backup-{blake2b(repr((line_ids, now)).encode(), digest_size=9).hexdigest()}",
        at=now,
        expires_at=now + timedelta(seconds=policy.shop_quote_ttl_s),
        valid_until=now,
        fallback=True,
        currency=network.currency,
        located=None,
        prefix=None,
        options=options,
        partial_places=[],
        unknown=[],
        versions=None,
    )
    document.version = version_of(document)
    return document
