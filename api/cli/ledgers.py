"""Which ledger a command works on, and where the embedded one lies."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.adapters.ledger import SqlLedger

VARIABLE = "SOURCEWISE_LEDGER"
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help=f"sqlite:///FILE or postgresql://…; else ${VARIABLE}, else a file of the network's own.",
        metavar="URL",
    ),
]
OfNetworkOption = Annotated[
    str, typer.Option("--network", "-n", help="Whose own file it is.", metavar="FOLDER|demo|us|fr")
]
OfSeedOption = Annotated[int, typer.Option("--seed", help="Of the network.")]


def state_folder() -> Path:
    """Where embedded ledgers lie: $XDG_STATE_HOME/sourcewise, by default ~/.local/state/sourcewise."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sourcewise"


def ledger_url(given: str | None, network: str, seed: int, *, make: bool = False) -> str:
    """
    The address of the ledger: the given one, the environment's, else the embedded file of a network.

    Parameters
    ----------
    given
        On the command line.
    network, seed
        As `network_named` takes them: each network has a file of its own.
    make
        Whether its folder is made; otherwise InputError where the file is not there.
    """
    url = given or os.environ.get(VARIABLE) or ""
    if url:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise InputError(f"Ledger ({shown(url)}) is of no known kind.", "sqlite:///FILE or postgresql://….")
        path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None
    else:
        name = Path(network).resolve().name if Path(network).is_dir() else f"{network}-seed{seed}"
        path = state_folder() / f"{name}.db"
        url = f"sqlite:///{path}"
    if path is not None and make:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif path is not None and not path.is_file():
        raise InputError(f"There is no ledger at {path}.", "start sourcewise serve once, or name one by --ledger.")
    return url


def shown(url: str) -> str:
    """An address without its password."""
    head, at, tail = url.rpartition("@")
    if not at or "://" not in head:
        return url
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}@{tail}"


def opened(given: str | None, network: str, seed: int) -> "SqlLedger":
    """The ledger, open."""
    from engine.adapters.ledger import open_ledger

    return open_ledger(ledger_url(given, network, seed))
