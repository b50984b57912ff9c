"""sourcewise import: networks from other people's files, written as a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import DataOption, SeedOption
from api.cli.networks import built_network, data_folder, network_named
from api.cli.screen import problems_table, screen, step
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
    app.command()(magento)
    app.command()(erp)
    return app


def us(out: OutOption, data: DataOption = None, seed: SeedOption = 1) -> None:
    """The US: 1,037 real stores, 10 warehouses, FedEx and USPS list prices. Stock is made up from the seed."""
    _built("us", out, data, seed)


def fr(out: OutOption, data: DataOption = None, seed: SeedOption = 1) -> None:
    """France: stores in the largest cities, Colissimo and Chronopost prices. Stock is made up from the seed."""
    _built("fr", out, data, seed)


def magento(
    exports: Annotated[
        Path, typer.Argument(help="Folder with sources, stock-source-links, source-items, as JSON or CSV.")
    ],
    out: OutOption,
    network_name: Annotated[
        str, typer.Option("--network", "-n", help="Gives carriers, tariffs, postcodes.", metavar="FOLDER|demo|us|fr")
    ] = "demo",
    stock_id: Annotated[int | None, typer.Option("--stock-id", help="Where the links name several stocks.")] = None,
    weight_unit: Annotated[str, typer.Option("--weight-unit", help="Of the products: kgs or lbs.")] = "kgs",
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Magento's sources and their stock, with the carriers and tariffs of another network."""
    from engine.adapters.imports.magento import magento_network

    _free(out)
    base = network_named(network_name, data=data, seed=seed)
    network = magento_network(exports, base, stock_id=stock_id, weight_unit=weight_unit)
    _write(network, out)
    _say(network, out)


def erp(
    stock_file: Annotated[Path, typer.Argument(help="The ERP's CSV of stock; the first row names its columns.")],
    out: OutOption,
    network_name: Annotated[
        str, typer.Option("--network", "-n", help="Whose stock is replaced.", metavar="FOLDER|demo|us|fr")
    ],
    node: Annotated[str, typer.Option("--node", help="What the column of nodes is called.")] = "node",
    sku: Annotated[str, typer.Option("--sku", help="What the column of skus is called.")] = "sku",
    on_hand: Annotated[
        list[str] | None, typer.Option("--on-hand", help="A column of units, else quantity; repeat to add several up.")
    ] = None,
    reserved: Annotated[list[str] | None, typer.Option("--reserved", help="A column of units taken; repeat.")] = None,
    delimiter: Annotated[str, typer.Option("--delimiter", help="Else found out from the file.")] = "",
    decimal: Annotated[str, typer.Option("--decimal", help=". or , where the file leaves it open.")] = "",
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave rows of unknown nodes and skus out, with a warning.")
    ] = False,
    data: DataOption = None,
    seed: SeedOption = 1,
) -> None:
    """Any ERP's stock, put into a network that exists already."""
    from engine.adapters.imports.erp import ErpColumns, erp_stock

    _free(out)
    columns = ErpColumns(
        node=node, sku=sku, on_hand=tuple(on_hand or ErpColumns().on_hand), reserved=tuple(reserved or ())
    )
    network, warnings = erp_stock(
        stock_file,
        network_named(network_name, data=data, seed=seed),
        columns,
        delimiter=delimiter,
        decimal=decimal,
        skip_unknown=skip_unknown,
    )
    if warnings:
        problems_table(warnings)
    _write(network, out)
    _say(network, out)


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
