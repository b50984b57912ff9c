"""
The server that the HTTP benchmark loads: `sourcewise serve` on the benchmark's shop, and beside it an empty endpoint.

POST /empty is what FastAPI costs when an endpoint does nothing: the body of an allocation is validated by the same
model, a small model is answered; POST /empty-quote is the same with the body of a quote. They run in the same process
under the same settings of the server, so that all may be measured in turns.

    python -m benchmarks.http_server '{"data": …, "seed": 1, "url": "sqlite:///…", "sizes": {…}}'

prints its port once it answers.
"""

import gc
import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from api.http.models.orders import AllocateIn
from api.http.models.quotes import QuoteIn
from api.http.running import bind, run
from api.http.settings import Settings
from benchmarks.ledger import Sizes, shop

EMPTY, EMPTY_QUOTE = "/empty", "/empty-quote"


class EmptyOut(BaseModel):
    """What the empty endpoint answers."""

    order_id: str
    status: str


def empty_app() -> FastAPI:
    """An app with endpoints that validate and do nothing."""
    app = FastAPI()

    @app.post(EMPTY)
    async def empty(body: AllocateIn) -> EmptyOut:
        """Validate, and answer."""
        return EmptyOut(order_id=body.order_id, status="allocated")

    @app.post(EMPTY_QUOTE)
    async def empty_quote(body: QuoteIn) -> EmptyOut:
        """Validate, and answer."""
        return EmptyOut(order_id=body.lines[0].line_id, status="quoted")

    return app


class Beside:
    """Two apps behind one server: the empty one by its path, the real one for all else."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.empty = empty_app()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass it on."""
        app = self.empty if scope.get("path") in (EMPTY, EMPTY_QUOTE) else self.app
        await app(scope, receive, send)


def main(given: dict[str, Any]) -> None:
    """Serve until told to end."""
    gc.set_threshold(1_000_000)  # as the command line does
    data = Path(given["data"]) if given["data"] else None
    network, _, _ = shop(data, Sizes(**given["sizes"]), given["seed"])
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    settings = Settings.model_validate({"port": port, "drain_s": 0.1, "rate_per_minute": 10**9})
    run(network, given["url"], settings, listener, begun=lambda: print(port, flush=True), around=Beside)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
