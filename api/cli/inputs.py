"""Orders from a file or from options on the command line; both ways end in the same Order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.screen import problems_table
from engine.domain.errors import InputError
from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId
from engine.domain.order import Destination, Method, Order, OrderLine

if TYPE_CHECKING:
    from engine.network.model import Network

NetworkOption = Annotated[
    str, typer.Option("--network", "-n", help="A network folder, or demo, us, fr.", metavar="FOLDER|demo|us|fr")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Real data for us and fr; else $SOURCEWISE_DATA, else ../shared/data.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Of everything that is made up.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document per line, for programs.")]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="A policy of the network; else its first.")]
FileArgument = Annotated[
    Path | None, typer.Argument(help="Orders: .csv, .json or .ndjson.", metavar="[ORDERS]", show_default=False)
]
SkuOption = Annotated[
    list[str] | None, typer.Option("--sku", help="One order: a sku, :QUANTITY after it; repeat.", metavar="SKU[:N]")
]
PostcodeOption = Annotated[str | None, typer.Option("--postcode", help="One order: where it goes.")]
CountryOption = Annotated[str | None, typer.Option("--country", help="Of the postcode; else the nodes' own.")]
AtOption = Annotated[
    str | None, typer.Option("--at", help="When it is placed, ISO with an offset; else the network's as_of.")
]
PickupOption = Annotated[str | None, typer.Option("--pickup", help="The customer collects at this node.")]
MethodOption = Annotated[list[str] | None, typer.Option("--method", help="Only this method; repeat.")]
ServiceOption = Annotated[list[str] | None, typer.Option("--service", help="Only this service; repeat.")]
NotNodeOption = Annotated[list[str] | None, typer.Option("--not-node", help="Not from this node; repeat.")]
DeliverByOption = Annotated[str | None, typer.Option("--deliver-by", help="Hard limit on the promise, ISO.")]
RequestedByOption = Annotated[str | None, typer.Option("--requested-by", help="Wished date, late at a price, ISO.")]
MaxShipmentsOption = Annotated[int | None, typer.Option("--max-shipments", help="At most so many.")]
ChannelOption = Annotated[str, typer.Option("--channel", help="Sales channel.")]
PartialOption = Annotated[bool, typer.Option("--partial", help="May leave lines unserved at the policy's price.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOrder:
    """An order as options give it: text, unchecked."""

    skus: Sequence[str]
    postcode: str | None
    country: str | None
    at: str | None
    pickup: str | None
    methods: Sequence[str]
    services: Sequence[str]
    excluded_nodes: Sequence[str]
    deliver_by: str | None
    requested_by: str | None
    max_shipments: int | None
    channel: str
    partial: bool


def require_one_source(path: Path | None, one: OneOrder) -> None:
    """Ask for a file or for options, not both, before anything large is loaded; raises InputError."""
    if (path is None) == (not one.skus):
        raise InputError(
            "Give either a file of orders or one order by options.",
            "sourcewise decide orders.csv, or sourcewise decide --sku SKU:2 --postcode 75011.",
        )


def orders_given(network: "Network", path: Path | None, one: OneOrder) -> list[Order]:
    """
    The orders of a file, or the one of the options; all known to the network.

    Raises
    ------
    InputError
        Where an option does not parse or makes no order.
    typer.Exit
        With code 2 after a table of everything in the file that is wrong.
    """
    from engine.adapters.orders import OrdersError, check_orders, read_orders

    if path is None:
        orders = [one_order(network, one)]
    else:
        try:
            orders = read_orders(path)
        except OrdersError as error:
            problems_table(error.problems, errors=True)
            raise typer.Exit(2) from error
    problems = check_orders(network, orders)
    if problems:
        problems_table(problems, errors=True)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(2)
    return orders


def one_order(network: "Network", one: OneOrder) -> Order:
    """The order that options describe; what is left out comes from the network."""
    destination = None
    if one.postcode is not None:
        destination = Destination(country=one.country or _only_country(network), postcode=one.postcode)
    placed_at = network.as_of if one.at is None else moment_of(one.at, "--at")
    return Order(
        order_id=OrderId("1"),
        placed_at=placed_at,
        lines=tuple(line_of(text, i + 1) for i, text in enumerate(one.skus)),
        destination=destination,
        pickup_node=NodeId(one.pickup) if one.pickup is not None else None,
        channel=one.channel,
        methods=tuple(method_of(name) for name in one.methods),
        services=tuple(ServiceId(name) for name in one.services),
        excluded_nodes=tuple(NodeId(name) for name in one.excluded_nodes),
        deliver_by=moment_of(one.deliver_by, "--deliver-by") if one.deliver_by is not None else None,
        requested_by=moment_of(one.requested_by, "--requested-by") if one.requested_by is not None else None,
        max_shipments=one.max_shipments,
        partial=one.partial,
    )


def line_of(text: str, number: int) -> OrderLine:
    """
    A line from SKU or SKU:QUANTITY; a sku may itself hold colons.

    >>> line_of("A:B:2", 1).sku, line_of("A:B:2", 1).quantity
    ('A:B', 2)
    """
    sku, colon, quantity = text.rpartition(":")
    if not colon or not quantity.lstrip("-").isdigit():
        sku, quantity = text, "1"
    if not sku:
        raise InputError(f"Option --sku ({text}) names no sku.", "SKU or SKU:QUANTITY.")
    return OrderLine(line_id=LineId(str(number)), sku=SkuId(sku), quantity=int(quantity))


def method_of(name: str) -> Method:
    """A method by its name; dashes are as good as underscores."""
    try:
        return Method(name.replace("-", "_").lower())
    except ValueError as error:
        raise InputError(f"Method ({name}) is unknown.", f"one of {', '.join(Method)}.") from error


def moment_of(text: str, option: str) -> datetime:
    """An instant from ISO 8601 text; the offset is not optional, as nobody should guess it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"Option {option} ({text}) is no ISO 8601 time.", "2026-11-23T10:00+01:00.") from error
    if moment.tzinfo is None:
        day_only = "T10:00" if len(text) == len("2026-11-23") else ""
        raise InputError(
            f"Option {option} ({text}) has no time zone.", f"{text}{day_only}+01:00, or {text}{day_only}Z."
        )
    return moment


def _only_country(network: "Network") -> str:
    countries = sorted({node.country for node in network.nodes})
    if len(countries) != 1:
        raise InputError(f"The network is in several countries ({', '.join(countries)}).", "add --country.")
    return countries[0]
