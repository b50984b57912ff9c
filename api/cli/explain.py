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
    NotNodeOption,
    OneOrder,
    PartialOption,
    PickupOption,
    PolicyOption,
    PostcodeOption,
    RequestedByOption,
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
    journal: Annotated[
        Path | None,
        typer.Option("--journal", help="Explain a recorded decision instead, on the stock as it was; with --order."),
    ] = None,
    network_name: Annotated[
        str | None,
        typer.Option("--network", "-n", help="Else demo, or the journal's own.", metavar="FOLDER|demo|us|fr"),
    ] = None,
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
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of everything that is made up; else 1, or the journal's.")
    ] = None,
) -> None:
    """Explain one decision: why this plan, why no other node, which rules bind, which smallest change would flip it."""
    if journal is not None:
        if orders_file is not None or sku or order_id is None:
            raise InputError("Option --journal wants --order and no other orders.", "--journal FILE --order ID.")
        network, recorded = _recorded(journal, order_id, network_name, data, seed)
        return show_explained(network, recorded, nodes=nodes, as_json=as_json)
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
    network = network_named(network_name or "demo", data=data, seed=1 if seed is None else seed)
    orders = _up_to(orders_given(network, orders_file, one), order_id, orders_file)
    engine = engine_for(network, network.policy(policy))
    explained = frozenset((orders[-1].order_id,))
    for item in decide_each(engine, orders, explained=explained):
        if item.explanation is not None:
            show_explained(network, item, nodes=nodes, as_json=as_json)
    return None


def _recorded(
    path: Path, order_id: str, network_name: str | None, data: Path | None, seed: int | None
) -> "tuple[Network, Decided]":
    """A recorded decision as it was answered, explained on what there was before it."""
    from api.cli.journals import journal_network
    from api.report.figures import Decided
    from engine.adapters.journal import Journal
    from engine.decide.replay import state_before
    from engine.domain.plan import Decision

    journal = Journal(path)
    network = journal_network(journal, name=network_name, data=data, seed=seed)
    engine, event = state_before(journal, network, order_id)
    decision = Decision(
        plan=event.plan,
        decided_at=event.order.placed_at,
        policy_id=engine.policy.policy_id,
        policy_version=engine.policy.version,
        network_version=network.version,
        elapsed_us=0,
    )
    return network, Decided(order=event.order, decision=decision, explanation=engine.explain(event.order, event.plan))


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
