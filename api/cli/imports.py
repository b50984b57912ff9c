"""sourcewise import: networks from other people's files, written as a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import DataOption, SeedOption
from api.cli.networks import built_network, data_folder
from api.cli.screen import screen, step
from api.wording import plural
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.network.model import Network

OutOption = Annotated[Path, typer.Option("--out", help="Folder to write the network to; it must not hold one yet.")]


def import_app() -> typer.Typer:
    """The importers, one command each."""
    app = typer.Typer(help="Make a network folder from real data or another system's export.", no_args_is_help=True)
    app.command()(us)
    app.command()(fr)
    return app


def us(out: OutOption, data: DataOption = None, seed: SeedOption = 1) -> None:
    """The US: 1,037 real stores, 10 warehouses, FedEx and USPS list prices. Stock is made up from the seed."""
    _built("us", out, data, seed)


def fr(out: OutOption, data: DataOption = None, seed: SeedOption = 1) -> None:
    """France: stores in the largest cities, Colissimo and Chronopost prices. Stock is made up from the seed."""
    _built("fr", out, data, seed)


def _built(name: str, out: Path, data: Path | None, seed: int) -> None:
    folder = data_folder(data)
    _free(out)
    with step(f"Building the {name} network from {folder}"):
        network = built_network(name, folder, seed)
        _write(network, out)
    _say(network, out)


def _free(out: Path) -> None:
    """Refuse to write over something: an old table left among new ones would be read as part of the network."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"Folder ({out}) of --out is not empty.", "name a new one, or delete it first.")


def _write(network: "Network", out: Path) -> None:
    from engine.adapters.folder import write_network

    out.mkdir(parents=True, exist_ok=True)
    write_network(network, out)


def _say(network: "Network", out: Path) -> None:
    console = screen()
    console.print(
        f"Wrote {out}: {plural(len(network.nodes), 'node')}, {plural(len(network.skus.ids), 'sku')}, "
        f"{plural(len(network.stock.node), 'stock row')}, {plural(len(network.services), 'service')}, "
        f"{plural(len(network.rates), 'price')}.",
        markup=False,
    )
    for words in network.synthetic:
        console.print(f"Made up: {words}", markup=False)
    console.print(f"Next: sourcewise validate {out}", markup=False, soft_wrap=True)
