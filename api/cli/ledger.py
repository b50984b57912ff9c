"""sourcewise ledger: look after the ledger of a service."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.inputs import DataOption, JsonOption
from api.cli.ledgers import LedgerOption, OfNetworkOption, OfSeedOption, ledger_url, opened, shown
from api.cli.screen import screen, step
from api.wording import plural

FileArgument = Annotated[Path, typer.Argument(help="The backup.", metavar="FILE")]
SHOWN_MAX = 100


def ledger_app() -> typer.Typer:
    """The commands with their help."""
    app = typer.Typer(help="The ledger: back up, restore, check, upgrade, prune, publish.", no_args_is_help=True)
    for command in (backup, restore, check, upgrade, prune, publish):
        app.command()(command)
    return app


def backup(
    file: FileArgument, ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1
) -> None:
    """Write all of the ledger into one file, while the service goes on."""
    from engine.adapters.ledger import backup as write

    url = ledger_url(ledger, network, seed)
    with step(f"Writing {shown(url)} into {file}"):
        write(url, file)
    screen().print(f"Backup  {file}  {file.stat().st_size:,} bytes", markup=False)


def restore(
    file: FileArgument, ledger: LedgerOption = None, network: OfNetworkOption = "demo", seed: OfSeedOption = 1
) -> None:
    """Make a ledger of a backup, where there is none yet. No service may be running on it."""
    from engine.adapters.ledger import restore as read

    url = ledger_url(ledger, network, seed, make=True)
    with step(f"Making {shown(url)} of {file}"):
        read(url, file)
    screen().print(f"Ledger  {shown(url)}", markup=False)


def check(
    ledger: LedgerOption = None,
    network: OfNetworkOption = "demo",
    seed: OfSeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Recount from all records what must hold. Exit code 1 where something does not. Best without a service."""
    from engine.adapters.ledger import check as recount

    books = opened(ledger, network, seed)
    try:
        with step(f"Recounting {shown(books.url)}"):
            found = recount(books)
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


def publish(
    network: OfNetworkOption = "demo",
    ledger: LedgerOption = None,
    by: Annotated[str, typer.Option("--by", help="Who, for the audit trail.")] = "command line",
    data: DataOption = None,
    seed: OfSeedOption = 1,
) -> None:
    """Tell all running processes to read the network again, once it has been checked; orders go on meanwhile."""
    from api.cli.networks import network_named
    from api.http.running import clock_s
    from engine.desk.publish import announce

    fresh = network_named(network, data=data, seed=seed)
    books = opened(ledger, network, seed)
    try:
        announce(books, fresh, now_s=clock_s(), by=by)
    finally:
        books.close()
    screen().print(f"Ledger  {shown(books.url)}  {fresh.name}, version {fresh.version}, is published", markup=False)
