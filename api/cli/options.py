"""sourcewise options: the choices of an order."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import (
    AtOption,
    ChannelOption,
    CountryOption,
    DataOption,
    DeliverByOption,
    FileArgument,
    JsonOption,
    MaxShipmentsOption,
    MethodOption,
    NetworkOption,
    NotNodeOption,
    OneOrder,
    PartialOption,
    PickupOption,
    PolicyOption,
    PostcodeOption,
    RequestedByOption,
    SeedOption,
    ServiceOption,
    SkuOption,
    orders_given,
    require_one_source,
)
from api.cli.networks import engine_for, network_named
from api.cli.screen import screen

if TYPE_CHECKING:
    from engine.decide.engine import Engine
    from engine.domain.order import Order
    from engine.network.model import Network


def options(
    orders_file: FileArgument = None,
    network_name: NetworkOption = "demo",
    sku: SkuOption = None,
    postcode: PostcodeOption = None,
    country: CountryOption = None,
    at: AtOption = None,
    pickup: PickupOption = None,
    method: MethodOption = None,
    service: ServiceOption = None,
    not_node: NotNodeOption = None,
    deliver_by: DeliverByOption = None,
    requested_by: RequestedByOption = None,
    max_shipments: MaxShipmentsOption = None,
    channel: ChannelOption = "",
    partial: PartialOption = False,
    policy: PolicyOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many options of an order.")] = 8,
    as_json: JsonOption = False,
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Show the choices of an order, none beaten in cost, date and carbon at once; fastest, cheapest, greenest named."""
    one = OneOrder(
        skus=sku or (),
        postcode=postcode,
        country=country,
        at=at,
        pickup=pickup,
        methods=method or (),
        services=service or (),
        excluded_nodes=not_node or (),
        deliver_by=deliver_by,
        requested_by=requested_by,
        max_shipments=max_shipments,
        channel=channel,
        partial=partial,
    )
    require_one_source(orders_file, one)
    network = network_named(network_name, data=data, seed=seed)
    orders = orders_given(network, orders_file, one)
    engine = engine_for(network, network.policy(policy))
    for order in orders:
        _print_options(network, engine, order, limit, as_json)


def _print_options(network: "Network", engine: "Engine", order: "Order", limit: int, as_json: bool) -> None:
    from api.cli.show import options_table
    from api.serialise import plan_to_dict
    from api.wording import order_summary

    found = engine.options(order, limit=limit)
    if as_json:
        document = {
            "order_id": order.order_id,
            "currency": network.currency,
            "options": [
                {"names": list(option.names), "exact": option.exact, "plan": plan_to_dict(option.plan)}
                for option in found
            ],
        }
        print(json.dumps(document, ensure_ascii=False))
        return
    console = screen()
    console.print(f"Order {order.order_id}: {order_summary(network, order)}", markup=False)
    if found:
        console.print(options_table(network, order, found))
        if not all(option.exact for option in found):
            console.print("Not every plan was compared: there may be better ones besides.")
    else:
        console.print("Cannot be served; sourcewise decide says why.")
    console.print()
