"""sourcewise explain: one decision with the reason of every other node, and what would have changed it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.decide import decide_each
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
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from api.report.figures import Decided
    from engine.domain.order import Order
    from engine.network.model import Network


def explain(
    orders_file: FileArgument = None,
    order_id: Annotated[
        str | None, typer.Option("--order", help="Which of the file; those before it are decided and held first.")
    ] = None,
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
    nodes: Annotated[
        int, typer.Option("--nodes", min=0, help="So many nodes that could, and that could not; 0 for all.")
    ] = 10,
    as_json: JsonOption = False,
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Explain one decision: why this plan, why no other node, which rules bind, which smallest change would flip it."""
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
    orders = _up_to(orders_given(network, orders_file, one), order_id, orders_file)
    engine = engine_for(network, network.policy(policy))
    explained = frozenset((orders[-1].order_id,))
    for item in decide_each(engine, orders, explained=explained):
        if item.explanation is not None:
            show_explained(network, item, nodes=nodes, as_json=as_json)


def _up_to(orders: "list[Order]", order_id: str | None, path: Path | None) -> "list[Order]":
    """The orders until the one that is meant."""
    if order_id is None:
        if len(orders) > 1:
            raise InputError(f"{path} has {len(orders)} orders.", f"say which: --order {orders[0].order_id}.")
        return orders
    for i, order in enumerate(orders):
        if order.order_id == order_id:
            return orders[: i + 1]
    raise InputError(f"Order ({order_id}) of --order is not among the orders.", f"({orders[0].order_id}).")


def show_explained(network: "Network", item: "Decided", *, nodes: int, as_json: bool) -> None:
    """Print one explained decision, as a document or for people."""
    from api.cli.tell import tell, tell_nodes
    from api.serialise import decision_to_dict, explanation_to_dict

    assert item.explanation is not None, "only explained decisions are shown"
    if as_json:
        document = {
            "decision": decision_to_dict(item.decision, currency=network.currency),
            "explanation": explanation_to_dict(item.explanation),
        }
        print(json.dumps(document, ensure_ascii=False))
        return
    console = screen()
    tell(network, item, console)
    tell_nodes(network, item, console, nodes_max=nodes)
