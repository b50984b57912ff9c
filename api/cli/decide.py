"""sourcewise decide: orders in, plans out, with their reasons."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
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
from api.cli.journals import recording
from api.cli.networks import engine_for, network_named
from api.cli.screen import screen, step
from api.wording import plural
from engine.domain.errors import InputError
from engine.domain.ids import OrderId

if TYPE_CHECKING:
    from api.report.figures import Decided
    from engine.decide.engine import Engine
    from engine.decide.record import Recorder
    from engine.domain.order import Order
    from engine.network.model import Network
    from scenarios.comparison import Comparison

EXPLAINED_MAX = 1_000  # orders of a report that get their reasons: a page that a browser still likes
COMPARED_MAX = 200  # orders of a report that the rules of others decide as well: some 20 ms each, all rules together
TOLD_MAX = 1  # orders up to which all are told in full


def decide(
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
    deadline_ms: Annotated[
        int | None, typer.Option("--deadline-ms", help="Per order; best plan so far and its gap.")
    ] = None,
    commit: Annotated[
        bool,
        typer.Option("--commit/--no-commit", help="Let each order take its stock and capacity from the next ones."),
    ] = True,
    explain_id: Annotated[
        str | None, typer.Option("--explain", help="Tell the decision of this order in full.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for decisions.ndjson and report.html.")] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Journal to write, a new file; sourcewise replay decides it again."),
    ] = None,
    compared: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help=f"With --out: let the rules of others decide the first {COMPARED_MAX} orders, too.",
        ),
    ] = True,
    as_json: JsonOption = False,
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Decide orders, one after the other: the cheapest feasible plan of each, with its dates, costs and reasons."""
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
    told = _told(orders, explain_id)
    explained = frozenset() if as_json else told
    if out is not None:
        explained |= frozenset(order.order_id for order in orders[:EXPLAINED_MAX])
    engine = engine_for(network, network.policy(policy))
    with recording(engine, record, network_name, seed) if record is not None else nullcontext(engine) as decider:
        decisions = decide_each(decider, orders, explained=explained, commit=commit, deadline_ms=deadline_ms)
        if as_json:
            decided = _print_lines(network, decisions, keep=out is not None)
        else:
            with step(f"Deciding {plural(len(orders), 'order')}") if len(orders) > TOLD_MAX else nullcontext():
                decided = list(decisions)
    if not as_json:
        _print_tables(network, decided, told)
    if record is not None:
        screen(errors=True).print(f"Wrote {record}; sourcewise replay {record} decides it again", markup=False)
    if out is not None:
        comparison = compare_with_rules(engine, decided, commit=commit) if compared else None
        write_decisions(out, network, decided, comparison=comparison)
        screen(errors=True).print(f"Wrote {out / 'decisions.ndjson'} and {out / 'report.html'}", markup=False)


def decide_each(
    decider: "Engine | Recorder",
    orders: "Iterable[Order]",
    *,
    explained: frozenset[OrderId],
    commit: bool = True,
    deadline_ms: int | None = None,
) -> "Iterator[Decided]":
    """
    Decide orders in turn; those of ``explained`` with reasons, found before their own commit changes the stock.

    Parameters
    ----------
    decider
        An engine, or one with its recorder. Its live stock and capacity change where ``commit`` is set.
    orders
        In the order in which they get their turn.
    explained
        Ids of orders to explain; explaining takes longer than deciding.
    commit
        Whether each plan takes its stock and capacity.
    deadline_ms
        Per order; None decides to proven optimality.
    """
    from api.report.figures import Decided
    from engine.decide.engine import Engine

    engine = decider if isinstance(decider, Engine) else decider.engine
    for order in orders:
        decision = decider.decide(order, deadline_ms=deadline_ms)
        why = None
        if order.order_id in explained:
            why = engine.explain(order, decision.plan)
        if commit:
            decider.commit(decision)
        yield Decided(order=order, decision=decision, explanation=why)


def _told(orders: "Sequence[Order]", explain_id: str | None) -> frozenset[OrderId]:
    """The orders to tell in full: the one asked for, else a single one."""
    everyone = frozenset(order.order_id for order in orders)
    if explain_id is None:
        return everyone if len(orders) <= TOLD_MAX else frozenset()
    if explain_id not in everyone:
        raise InputError(f"Order ({explain_id}) of --explain is not among the orders.", f"({orders[0].order_id}).")
    return frozenset((OrderId(explain_id),))


def _print_lines(network: "Network", decisions: "Iterable[Decided]", *, keep: bool) -> "list[Decided]":
    """Print each decision as soon as it is made; keep them only if asked, as a file may hold a million orders."""
    kept = []
    for item in decisions:
        print(decision_line(network, item))
        if keep:
            kept.append(item)
    return kept


def decision_line(network: "Network", item: "Decided") -> str:
    """A decision as one line of JSON."""
    from api.serialise import decision_to_dict

    return json.dumps(decision_to_dict(item.decision, currency=network.currency), ensure_ascii=False)


def _print_tables(network: "Network", decided: "Sequence[Decided]", told: frozenset[OrderId]) -> None:
    from api.cli.show import decisions_table, figures_tables
    from api.cli.tell import tell
    from api.report.figures import figures_of

    console = screen()
    if len(decided) > TOLD_MAX:
        console.print(decisions_table(network, decided))
        console.print()
        figures_tables(network, figures_of(network, decided), console)
    for item in decided:
        if item.order.order_id in told:
            if len(decided) > TOLD_MAX:
                console.print()
            tell(network, item, console)


def compare_with_rules(engine: "Engine", decided: "Sequence[Decided]", *, commit: bool = True) -> "Comparison":
    """The first orders under the rules of others, from the stock before the first one; the engine is left as it is."""
    from scenarios.comparison import compare_decided

    count = min(COMPARED_MAX, len(decided))
    with step(f"Comparing {plural(count, 'order')} with the rules of others"):
        pairs = [(item.order, item.decision) for item in decided]
        return compare_decided(engine, pairs, orders_max=COMPARED_MAX, commit=commit)


def write_decisions(
    out: Path,
    network: "Network",
    decided: "Sequence[Decided]",
    *,
    title: str = "",
    comparison: "Comparison | None" = None,
) -> None:
    """Write decisions.ndjson, report.html and, where given, comparison.json into a folder, made where absent."""
    from api.report.comparison import document
    from api.report.page import write_report

    out.mkdir(parents=True, exist_ok=True)
    with (out / "decisions.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(f"{decision_line(network, item)}\n" for item in decided)
    write_report(out / "report.html", network, decided, title=title, comparison=comparison)
    beside = out / "comparison.json"
    beside.unlink(missing_ok=True)  # of an earlier run
    if comparison is not None:
        text = json.dumps(document(network, comparison), ensure_ascii=False, indent=1)
        beside.write_text(f"{text}\n", encoding="utf-8")
