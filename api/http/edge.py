"""
The outermost layer: makes the call, names its trace, turns whatever is raised into a problem document.

It also keeps the path as it was sent: ids in paths are percent-encoded, and a %2F in one of them is no slash between
two. Routes match the path as sent; `{name:id}` decodes what it matched.
"""

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.call import CALL, Call
from api.http.kinds import KINDS
from api.http.operations import Guarded
from api.http.problems import HttpProblemError, refused
from api.http.services import Services
from engine.desk.ask import DeskError
from engine.domain.errors import FulfilmentError

LOG = logging.getLogger("sourcewise.http")


class IdConvertor(Convertor[str]):
    """An id in a path: anything but a slash, decoded."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """Decode it; bytes that are no UTF-8 are kept as they are, and refused by whoever guards the route."""
        return unquote(value, errors="surrogateescape")

    def to_string(self, value: str) -> str:
        """As it was decoded."""
        return value


class Edge:
    """An ASGI layer around the app."""

    def __init__(self, app: ASGIApp, services: Services, routes: Sequence[BaseRoute] = ()) -> None:
        self.app = app
        self.services = services
        # Routes without parameters that need nothing of FastAPI's are found by their path.
        self._direct = {
            (method, route.path): route.handle
            for route in routes
            if isinstance(route, Guarded) and route.is_fast
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raw = scope.get("raw_path")
        if raw and b"%" in raw:
            scope["path"] = raw.partition(b"?")[0].decode("latin-1")
        services = self.services
        call = Call(services, scope)
        scope[CALL] = call
        clock = asyncio.get_running_loop().time
        began = clock()
        status = 0

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *call.extra]
            await send(message)

        app = self._direct.get((scope["method"], scope["path"]), self.app)
        try:
            await app(scope, receive, out)
        except Exception as error:
            if status:
                raise
            document = refused(error, scope["path"], call.trace_id)
            if document.status == KINDS["internal"].status:
                self._broke(call, error)
            status = document.status
            start = {"type": "http.response.start", "status": status, "headers": [*document.headers, *call.extra]}
            await send(start)
            await send({"type": "http.response.body", "body": document.body})
        if services.observer is not None:
            services.observer.answered(scope["method"], call.route, status, clock() - began, call.trace_id)

    def _broke(self, call: Call, error: Exception) -> None:
        if isinstance(error, HttpProblemError | DeskError | FulfilmentError):
            return
        LOG.error("trace %s: %s %s broke", call.trace_id, call.scope["method"], call.route, exc_info=error)
        if self.services.observer is not None:
            self.services.observer.broke(call.scope["method"], call.route, call.trace_id, error)


def know_ids() -> None:
    """Make `{name:id}` known to the routes; twice is as good as once."""
    register_url_convertor("id", IdConvertor())
