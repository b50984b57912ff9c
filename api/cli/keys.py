"""sourcewise keys: the API keys of a ledger."""

import json
from typing import Annotated

import typer

from api.cli.inputs import JsonOption
from api.cli.ledgers import LedgerOption, OfNetworkOption, OfSeedOption, opened
from api.cli.screen import screen
from engine.domain.errors import InputError

ScopeOption = Annotated[
    list[str], typer.Option("--scope", help="checkout, oms, planner or admin; repeat for several.", show_default=False)
]


def keys_app() -> typer.Typer:
    """The commands with their help."""
    app = typer.Typer(help="API keys: who may call the service, and what.", no_args_is_help=True)
    app.command("create")(create)
    app.command("list")(list_)
    app.command("revoke")(revoke)
    return app


def create(
    name: Annotated[str, typer.Argument(help="Whose it is, for people.")],
    scope: ScopeOption,
    rate: Annotated[int, typer.Option("--rate", help="Calls a minute; 0: the server's own limit.", min=0)] = 0,
    ledger: LedgerOption = None,
    network: OfNetworkOption = "demo",
    seed: OfSeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once: only a digest of it is kept."""
    from api.http.auth import new_key
    from api.http.running import clock_s
    from engine.stock.ledger import Posting
    from engine.stock.records_oms import Audit

    if not name.isprintable():
        raise InputError(f"Name ({name!a}) of the key has characters that cannot be seen.", "it was pasted.")
    now_s = clock_s()
    token, record = new_key(name, scope, now_s, rate_per_minute=rate)
    told = json.dumps({"name": name, "scopes": record.scopes.split()})
    audit = Audit(at_s=now_s, by="command line", action="key.created", subject=record.key_id, after_json=told)
    books = opened(ledger, network, seed)
    try:
        books.post([Posting(makes=[record, audit])], now_s)
    finally:
        books.close()
    if as_json:
        print(json.dumps({"key_id": record.key_id, "key": token, "scopes": record.scopes.split()}))
        return
    console = screen()
    console.print(f"Key {record.key_id} for {name}, may: {record.scopes}", markup=False)
    console.print(f"  {token}", markup=False, soft_wrap=True)
    console.print("It is shown only now. Send it as Authorization: Bearer …", style="dim")


def list_(
    ledger: LedgerOption = None,
    network: OfNetworkOption = "demo",
    seed: OfSeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List all keys, without their secrets."""
    from rich.table import Table

    from engine.domain.units import utc
    from engine.stock.records_oms import ApiKey

    books = opened(ledger, network, seed)
    try:
        found = books.find(ApiKey, order=("created_s",), limit=10_000)
    finally:
        books.close()
    if as_json:
        for key in found:
            print(
                json.dumps(
                    {
                        "key_id": key.key_id,
                        "name": key.name,
                        "scopes": key.scopes.split(),
                        "created_at": utc(key.created_s).isoformat(),
                        "revoked_at": utc(key.revoked_s).isoformat() if key.revoked_s is not None else None,
                    }
                )
            )
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("Key", "Name", "Scopes", "Since", "Revoked"):
        table.add_column(title)
    for key in found:
        ended = f"{utc(key.revoked_s):%Y-%m-%d %H:%M}" if key.revoked_s is not None else ""
        table.add_row(key.key_id, key.name, key.scopes, f"{utc(key.created_s):%Y-%m-%d %H:%M}", ended)
    screen().print(table if found else "No keys: the service answers on this machine only, to everybody on it.")


def revoke(
    key_id: Annotated[str, typer.Argument(help="As keys list shows it.")],
    ledger: LedgerOption = None,
    network: OfNetworkOption = "demo",
    seed: OfSeedOption = 1,
) -> None:
    """End a key; running servers refuse it within seconds."""
    import msgspec

    from api.http.running import clock_s
    from engine.stock.ledger import Posting
    from engine.stock.records_oms import ApiKey, Audit

    now_s = clock_s()
    books = opened(ledger, network, seed)
    try:
        key = books.get(ApiKey, key_id)
        if key is None:
            raise InputError(f"Key ({key_id}) is unknown.", "sourcewise keys list shows them.")
        if key.revoked_s is not None:
            raise InputError(f"Key ({key_id}) was revoked before.", "sourcewise keys list shows when.")
        ended = msgspec.structs.replace(key, revoked_s=now_s, version=key.version + 1)
        audit = Audit(at_s=now_s, by="command line", action="key.revoked", subject=key_id)
        books.post([Posting(changes=[ended], makes=[audit])], now_s)
    finally:
        books.close()
    screen().print(f"Key {key_id} ({key.name}) is revoked.", markup=False)
