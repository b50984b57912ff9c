"""sourcewise orders: sample orders for a network, so that there is something to decide."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import DataOption, NetworkOption, SeedOption
from api.cli.networks import data_folder, network_named
from api.cli.screen import screen
from api.wording import plural

if TYPE_CHECKING:
    from engine.domain.order import Order
    from engine.network.model import Network


def orders(
    network_name: NetworkOption = "demo",
    count: Annotated[int, typer.Option("--count", help="How many.", min=1, max=1_000_000)] = 200,
    out: Annotated[Path, typer.Option("--out", help="A .csv, .json or .ndjson file.")] = Path("orders.csv"),
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Make sample orders for a network; those for us and fr have the baskets of a real shop."""
    from engine.adapters.orders import write_orders

    network = network_named(network_name, data=data, seed=seed)
    made = _sample(network, network_name, count, data, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_orders(made, out)
    console = screen()
    console.print(f"Wrote {plural(len(made), 'order')} to {out}", markup=False)
    console.print(f"Next: sourcewise decide --network {network_name} {out}", markup=False, soft_wrap=True)


def _sample(network: "Network", name: str, count: int, data: Path | None, seed: int) -> "list[Order]":
    if name == "us":
        from engine.adapters.imports.us import us_orders

        return us_orders(network, data_folder(data), count, seed)
    if name == "fr":
        from engine.adapters.imports.fr import fr_orders

        return fr_orders(network, data_folder(data), count, seed)
    from scenarios.demo import demo_orders

    return demo_orders(network, count, seed)
