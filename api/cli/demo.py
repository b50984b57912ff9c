"""sourcewise demo: a whole small retailer from a seed, decided, told and reported."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.decide import compare_with_rules, decide_each, write_decisions
from api.cli.journals import recording
from api.cli.networks import engine_for, network_named
from api.cli.screen import problems_table, screen, step
from api.wording import plural
from engine.domain.errors import FulfilmentError

if TYPE_CHECKING:
    from api.report.figures import Decided

TITLE = "A French retailer, made up from seed {seed}"


def demo(
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another retailer.", min=0)] = 1,
    num_orders: Annotated[int, typer.Option("--orders", help="How many orders.", min=1, max=100_000)] = 200,
    out: Annotated[Path, typer.Option("--out", help="Folder for the network, the orders and the report.")] = Path(
        "out/demo"
    ),
) -> None:
    """Make a French retailer from a seed, decide its orders one after the other, and report. Needs nothing else."""
    from api.cli.show import comparison_table, figures_tables
    from api.cli.tell import tell
    from api.report.comparison import sentence
    from api.report.figures import figures_of
    from engine.adapters.folder import read_network, validate_folder, write_network
    from engine.adapters.orders import write_orders
    from scenarios.demo import demo_orders

    console = screen()
    made = network_named("demo", seed=seed)
    folder, orders_file = out / "network", out / "orders.csv"
    folder.mkdir(parents=True, exist_ok=True)
    write_network(made, folder)
    problems = validate_folder(folder)
    if problems:
        problems_table(problems)
    if any(problem.severity == "error" for problem in problems):
        raise FulfilmentError(f"The demo network in {folder} is not fit for use.\nMaybe another --seed.")
    network = read_network(folder)
    orders = demo_orders(network, num_orders, seed)
    write_orders(orders, orders_file)
    console.print(
        f"{TITLE.format(seed=seed)}: {plural(len(network.nodes), 'node')}, {plural(len(network.skus.ids), 'sku')}, "
        f"{plural(len(network.stock.node), 'stock row')}; validated, {plural(len(problems), 'problem')}."
    )
    engine = engine_for(network)
    journal = out / "journal.ndjson"
    with (
        step(f"Deciding {plural(len(orders), 'order')}, each on the stock that the ones before have left"),
        recording(engine, journal, str(folder), seed, replace=True) as recorder,
    ):
        decided = list(decide_each(recorder, orders, explained=frozenset(order.order_id for order in orders)))
    comparison = compare_with_rules(engine, decided)
    write_decisions(out, network, decided, title=TITLE.format(seed=seed), comparison=comparison)
    console.print()
    figures_tables(network, figures_of(network, decided), console)
    console.print()
    console.print(comparison_table(network, comparison))
    console.print(sentence(comparison, len(decided)), style="dim")
    console.print()
    tell(network, _telling(decided), console)
    console.print()
    told = _telling(decided).order.order_id
    console.print(f"Report      {out / 'report.html'}", markup=False)
    console.print(f"Network     {folder}", markup=False)
    console.print(f"Orders      {orders_file}", markup=False)
    console.print(f"Decisions   {out / 'decisions.ndjson'}", markup=False)
    console.print(f"Journal     {journal}", markup=False)
    console.print(f"Comparison  {out / 'comparison.json'}", markup=False)
    console.print()
    console.print("Next:", style="dim")
    for command in (
        f"sourcewise explain --network {folder} {orders_file} --order {told}",
        f"sourcewise options --network {folder} --sku {orders[0].lines[0].sku}:2 --postcode 75011",
        f"sourcewise validate {folder}",
        f"sourcewise replay {journal}",
    ):
        console.print(f"  {command}", markup=False, soft_wrap=True)


def _telling(decided: "Sequence[Decided]") -> "Decided":
    """The decision that shows most: a split one if there is any, then the one with most lines; the first of equals."""
    served = [item for item in decided if item.decision.plan.shipments] or list(decided)
    return max(served, key=lambda item: (min(2, len(item.decision.plan.shipments)), min(4, len(item.order.lines))))
