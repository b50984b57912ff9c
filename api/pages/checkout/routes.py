"""
Where the checkout lies: /demo/checkout, its files below that, and `data.json`, what the page has to know beforehand.

It is off unless the setting `demo_page` turns it on (`sourcewise serve` does so on the demo's network) and the service
listens on a loopback address. It holds no API key and asks for none: it calls as whoever opened it, and where the
service has keys its calls are answered 401 like everybody's, which it says in words.
"""

from hashlib import blake2b
from importlib.resources import files

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.http.call import CALL, Call, Ready
from api.http.versions import unchanged
from api.pages.checkout.shop import shop
from engine.network.model import Network

PATH = "/demo/checkout"
TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".json": b"application/json",
}
# Nothing from elsewhere, nothing inline, in nobody's frame: what the page shows of orders cannot become a script.
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
]


class Kept(Route):
    """A route that answers bytes which are there already, and 304 to who has them."""

    def __init__(self, path: str, body: bytes, media_type: bytes) -> None:
        super().__init__(path, _never, methods=["GET"], include_in_schema=False)
        self.body = body
        self.media_type = media_type
        self.tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        call: Call = scope[CALL]
        call.route = self.path
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        headers = [*HEADERS, (b"etag", self.tag.encode())]
        has_it = unchanged(call.headers, self.tag)
        answer = Ready(b"", 304, headers) if has_it else Ready(self.body, 200, headers, self.media_type)
        await answer(scope, receive, send)


def add_to(app: Starlette, network: Network) -> None:
    """Add the page to an app that serves this network."""
    for found in sorted(files("api.pages.checkout").iterdir(), key=lambda one: one.name):
        ending = found.name[found.name.rfind(".") :]
        if ending in TYPES:
            path = PATH if found.name == "index.html" else f"{PATH}/{found.name}"
            app.router.routes.append(Kept(path, found.read_bytes(), TYPES[ending]))
    app.router.routes.append(Kept(f"{PATH}/data.json", msgspec.json.encode(shop(network)), TYPES[".json"]))


async def _never() -> None:
    raise AssertionError("its route answers by itself")
