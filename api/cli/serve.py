"""sourcewise serve: the service over HTTP, on one machine."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.inputs import DataOption, SeedOption
from api.cli.ledgers import LedgerOption, ledger_url, shown
from api.cli.networks import compile_kernels, network_named
from api.cli.screen import screen, step
from api.wording import plural
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.network.model import Network

WORKERS_MAX = 64


def serve(
    network_name: Annotated[
        str, typer.Argument(help="A network folder, or demo, us, fr.", metavar="[NETWORK]")
    ] = "demo",
    ledger: LedgerOption = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="0 takes a free one; else 8000.", min=0, max=65_535)
    ] = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes; more than one on PostgreSQL only.", min=1)] = 1,
    data: DataOption = None,
    seed: SeedOption = 1,
    help_settings: Annotated[
        bool, typer.Option("--help-settings", help="List the settings of the environment and end.")
    ] = False,
) -> None:
    """Answer orders over HTTP and hold what they take. Needs no settings; ends orderly on SIGTERM or Ctrl-C."""
    from api.http.settings import Settings, table_text

    if help_settings:
        print(table_text())
        return
    given: dict[str, Any] = {"host": host, "port": port}
    settings = Settings.model_validate({name: value for name, value in given.items() if value is not None})
    if network_name == "demo" and "demo_page" not in settings.model_fields_set:
        given["demo_page"] = True
        settings = settings.model_copy(update={"demo_page": True})
    url = ledger_url(ledger, network_name, seed, make=True)
    if workers > 1 and not url.startswith("postgresql://"):
        raise InputError(
            f"Workers ({workers}) cannot share the ledger {url}.", "--ledger postgresql://…, or one worker."
        )
    if workers > WORKERS_MAX:
        raise InputError(f"Workers ({workers}) are too many.", f"at most {WORKERS_MAX}.")
    from api.http.auth import loopback
    from api.http.running import bind

    try:
        listener = bind(settings.host, settings.port)
    except OSError as error:
        raise InputError(
            f"Cannot listen at {settings.host}, port {settings.port}: {error.strerror}.", "another --host or --port."
        ) from error
    address, bound = listener.getsockname()[:2]
    network = network_named(network_name, data=data, seed=seed)
    compile_kernels()
    base = f"http://{f'[{address}]' if ':' in address else address}:{bound}"
    lines = _where(network, url, base, workers, page=settings.demo_page and loopback(settings.host))
    if workers == 1:
        from api.http.running import run

        with step(f"Opening the ledger of {plural(len(network.stock.node), 'stock row')}"):
            pass
        read = partial(network_named, network_name, data=data, seed=seed)
        run(network, url, settings, listener, source=read, begun=lambda: tell(lines))
        return
    from api.cli.workers import Job, supervise

    os.environ.update({f"SOURCEWISE_{name.upper()}": str(value) for name, value in given.items() if value is not None})
    job = Job(network=network_name, url=url, seed=seed, data=str(data) if data else None)
    sys.exit(supervise(job, listener, workers, lambda: tell(lines)))


def tell(lines: list[tuple[str, str]]) -> None:
    """Say that calls are answered, and where."""
    console = screen(errors=True)
    for name, value in lines:
        console.print(f"{name:<10}{value}", markup=False, soft_wrap=True)


def _where(network: "Network", url: str, base: str, workers: int, *, page: bool) -> list[tuple[str, str]]:
    """What is served, and where to look."""
    size = f"{plural(len(network.nodes), 'node')}, {plural(len(network.skus.ids), 'sku')}"
    lines = [("Serving", f"{network.name}: {size}" + (f"; {workers} processes" if workers > 1 else ""))]
    lines += [("At", base), ("Look at", f"{base}/docs  {base}/health/ready  {base}/metrics")]
    if page:
        lines.append(("Try", f"{base}/demo/checkout"))
    where = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else shown(url)
    lines += [
        ("Ledger", str(where)),
        ("Settings", "sourcewise serve --help-settings"),
        ("Ends", "on Ctrl-C or SIGTERM"),
    ]
    return lines
