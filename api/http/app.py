"""The app: everything that it uses comes in as `Services`; making it starts nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.adapters import bigcommerce, google, magento, saleor, salesforce, shopify
from api.adapters.base import Adapter
from api.http.auth import loopback
from api.http.documents import complete
from api.http.edge import Edge, know_ids
from api.http.operations import Operations
from api.http.routes import (
    allocations,
    decisions,
    holds,
    keys,
    near,
    nodes,
    pages,
    planning,
    promises,
    quotes,
    rejections,
    reservations,
    stock,
)
from api.http.services import Services
from api.pages.checkout import routes as checkout
from engine.decide.events import sourcewise_version

ABOUT = """
Decides which node serves which line of an order, by which carrier service, to arrive when, at what cost, and holds the
stock and capacity that takes. An order that cannot be served is answered 200 with status `infeasible` and the reasons.

Calls that change something need an `Idempotency-Key`: repeated with the same key they are answered the same, and done
once. Errors are `application/problem+json`; the page at their `type` says what to do. Instants are ISO 8601 with an
offset; money is whole cents of the network's currency; units are in the names of the fields.
"""
TOPICS: tuple[Operations, ...] = (
    quotes.operations,
    promises.operations,
    allocations.operations,
    holds.operations,
    holds.work,
    reservations.operations,
    decisions.operations,
    rejections.operations,
    stock.operations,
    near.operations,
    planning.operations,
    nodes.operations,
    keys.operations,
    pages.operations,
)
ADAPTERS: tuple[Adapter, ...] = (
    magento.adapter,
    salesforce.adapter,
    google.adapter,
    shopify.adapter,
    shopify.functions,
    saleor.adapter,
    bigcommerce.adapter,
    bigcommerce.connection,
)


class App(FastAPI):
    """
    FastAPI with one layer around its routes, our own, in place of its five.

    The edge turns every error into the same kind of document, limits bodies by route and tells the observer; what the
    usual layers do beside that is not needed, and took a third of the time of a call.
    """

    services: Services

    def build_middleware_stack(self) -> ASGIApp:
        """The edge, what was added by `add_middleware`, the routes."""
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        # What was added wants to see every call; without it, some go straight to their route.
        return Edge(app, self.services, () if self.user_middleware else self.router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)


def create_app(services: Services, extra: Sequence[Operations] = ()) -> App:
    """
    Make the app.

    Parameters
    ----------
    services
        What the routes use.
    extra
        More operations.
    """
    know_ids()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start(asyncio.get_running_loop())
        yield
        await services.drain()

    settings = services.settings
    app = App(
        title="Sourcewise",
        version=sourcewise_version(),
        description=ABOUT,
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_url="/openapi.json" if settings.docs else None,
        docs_url="/docs" if settings.docs else None,
        redoc_url=None,
    )
    app.services = services
    topics = (*TOPICS, *extra)
    for topic in topics:
        topic.add_to(app)
    for adapter in ADAPTERS:
        secret = getattr(settings, adapter.setting).get_secret_value()
        if secret:
            adapter.add_to(app, secret)
    if settings.demo_page and loopback(settings.host):
        checkout.add_to(app, services.desk.state.engine.network)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "RateLimit", "X-Request-Id"],
        )

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
            app.openapi_schema = complete(made, [one for topic in topics for one in topic.answered])
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app
