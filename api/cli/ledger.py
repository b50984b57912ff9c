"""sourcewise ledger: look after the ledger of a service."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.inputs import DataOption, JsonOption
from api.cli.ledgers import LedgerOption, OfNetworkOption, OfSeedOption, ledger_url, opened, shown
from api.cli.networks import network_named
from api.cli.screen import screen, step
from api.wording import plural
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.adapters.ledger import SqlLedger
    from engine.network.model import Network

FileArgument = Annotated[Path, typer.Argument(help="The backup.", metavar="FILE")]
SHOWN_MAX = 100


def ledger_app() -> typer.Typer:
    """The commands with their help."""
    app = typer.Typer(help="The ledger: back up, restore, check, upgrade, prune.", no_args_is_help=True)
    for command in (backup, restore, check, upgrade, prune):
        app.command()(command)
    return app


def backup(
    file: FileArgument, ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1
) -> None:
    """Write all of the ledger into one file, while the service goes on."""
    from engine.adapters.ledger import backup as write

    if file.exists():
        raise InputError(f"File ({file}) is there already.", "name another one.")
    url = ledger_url(ledger, network, seed)
    with step(f"Writing {shown(url)} into {file}"):
        write(url, file)
    screen().print(f"Backup  {file}  {file.stat().st_size:,} bytes", markup=False)


def restore(
    file: FileArgument, ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1
) -> None:
    """Make a ledger of a backup, where there is none yet. No service may be running on it."""
    from engine.adapters.ledger import restore as read

    if not file.is_file():
        raise InputError(f"There is no backup at {file}.", "check the path.")
    url = ledger_url(ledger, network, seed, make=True)
    with step(f"Making {shown(url)} of {file}"):
        read(file, url)
    screen().print(f"Ledger  {shown(url)}", markup=False)


def check(
    ledger: LedgerOption = None,
    network: OfNetworkOption = "demo",
    data: DataOption = None,
    seed: OfSeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """
    Recount from all records what must hold. Exit code 1 where something does not. Best without a service.

    The network is read for what it had reserved before there was a ledger.
    """
    from engine.adapters.ledger import check as recount

    books = opened(ledger, network, seed)
    try:
        before = first_reserved(network_named(network, data=data, seed=seed), books)
        with step(f"Recounting {shown(books.url)}"):
            found = recount(books, before)
    finally:
        books.close()
    for finding in found[: None if as_json else SHOWN_MAX]:
        told = {"kind": finding.kind, "where": finding.where, "found": finding.found, "expected": finding.expected}
        if as_json:
            print(json.dumps(told))
        else:
            screen().print(
                f"{finding.kind}: {finding.where}: {finding.found}, should be {finding.expected}", markup=False
            )
    if not as_json:
        screen().print(plural(len(found), "finding") if found else "All holds: nothing oversold, leaked or overdrawn.")
    raise typer.Exit(1 if found else 0)


def first_reserved(network: "Network", ledger: "SqlLedger") -> dict[int, int]:
    """Units that a network had reserved before there was a ledger, by stock row."""
    from api.http.running import clock_s
    from engine.stock.ledger import stock_key

    numbers = ledger.open(network, clock_s())
    node_no = {name: no for no, name in enumerate(numbers.nodes)}
    sku_no = {name: no for no, name in enumerate(numbers.skus)}
    stock = network.stock
    return {
        stock_key(sku_no[network.skus.ids[sku]], node_no[network.nodes[node].node_id]): reserved
        for node, sku, reserved in zip(stock.node.tolist(), stock.sku.tolist(), stock.reserved.tolist(), strict=True)
        if reserved
    }


def upgrade(ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1) -> None:
    """Bring the tables to this version; serve does it by itself."""
    from engine.adapters.ledger import upgrade as bring
    from engine.adapters.ledger.migrate import revision_of

    url = ledger_url(ledger, network, seed)
    before = revision_of(url)
    bring(url)
    after = revision_of(url)
    told = f"is at version {after} already" if before == after else f"upgraded from version {before} to {after}"
    screen().print(f"Ledger  {shown(url)}  {told}", markup=False)


def prune(ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1) -> None:
    """Drop what is kept for a time only: answers of calls, delivered events, feed; serve does it every hour."""
    from api.http.running import clock_s

    books = opened(ledger, network, seed)
    try:
        books.prune(clock_s())
    finally:
        books.close()
    screen().print(f"Ledger  {shown(books.url)}  pruned", markup=False)
