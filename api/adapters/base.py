"""
What all adapters share: a secret of their own, and errors as their platform tells them.

An adapter translates: another system's words for money, time, ids and places into ours, and ours back. It takes no
decision and keeps nothing. Its routes are added to the app only where its secret is set (api/http/settings.py), so that
one that is off is not there at all, 404. A call that does not prove to know the secret is answered 401, and nothing is
done; its body is not even read, unless the proof is a signature of it, or stands in it.

Whatever goes wrong becomes a `Trouble`, which the adapter's `tell` puts into the platform's words: problem documents
(api/http/problems.py) never reach a platform, nor does a traceback. That nobody can serve what was asked is no trouble
but an answer; 5xx is for what is broken or overloaded here.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.http.auth import Client
from api.http.call import CALL, Call, Ready
from api.http.operations import JSON, read_body, type_of
from api.http.plain import require_plain
from api.http.problems import FieldError, HttpProblemError, problem_of
from engine.desk.ask import DeskError
from engine.domain.errors import FulfilmentError

LOG = logging.getLogger("sourcewise.http")
Endpoint = Callable[[Call, Mapping[str, str]], Awaitable[Response]]
M = TypeVar("M", bound=BaseModel)


class Trouble(NamedTuple):
    """What went wrong with a call, before a platform's words for it."""

    status: int
    kind: str  # of api/http/kinds.py
    detail: str
    errors: list[FieldError]
    trace_id: str


Tell = Callable[[Trouble], tuple[int, bytes]]
Proof = Callable[[Call, bytes], bool]  # whether a call knows the secret


class ForeignBody(BaseModel):
    """A body of another system's: what we do not know in it is passed over, since it belongs to others."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def credentials(call: Call, scheme: bytes) -> bytes | None:
    """What a header Authorization of some scheme says; None where there is none."""
    given, _, text = call.headers.get(b"authorization", b"").partition(b" ")
    return text.strip() if given.lower() == scheme else None


def bearer(call: Call, secret: bytes) -> bool:
    """The secret itself, in a header Authorization: Bearer."""
    return hmac.compare_digest(credentials(call, b"bearer") or b"", secret)


def body_of(call: Call, model: type[M]) -> M:
    """The body as the platform writes it; raises ValidationError."""
    return model.model_validate_json(call.body)


class Adapter:
    """
    The routes of one platform.

    Parameters
    ----------
    name
        The platform; SOURCEWISE_<NAME>_SECRET switches it on, calls are counted under it. Several of one platform have
        its name, where their proofs or their words for errors differ.
    tell
        Status and body of an error as the platform has them.
    proof
        How a call proves that it knows the secret; in constant time.
    signs_body
        Whether the proof looks at the body, which is then read first.
    media_type
        Of errors.
    challenge
        WWW-Authenticate of 401.
    setting
        What switches it on, where that is no secret.
    secret_of
        What is compared, out of the text of the setting; raises InputError where that cannot be.
    """

    def __init__(
        self,
        name: str,
        tell: Tell,
        *,
        proof: Proof = bearer,
        signs_body: bool = False,
        media_type: bytes = JSON.encode(),
        challenge: bytes = b"Bearer",
        setting: str = "",
        secret_of: Callable[[str], bytes] = str.encode,
    ) -> None:
        self.name = name
        self.tell = tell
        self.proof = proof
        self.signs_body = signs_body
        self.media_type = media_type
        self.challenge = challenge
        self.setting = setting or f"{name}_secret"
        self.secret_of = secret_of
        self.client = Client(name, name, frozenset(), 0)
        self._declared: list[tuple[str, str, Endpoint]] = []

    def add(self, method: str, *paths: str) -> Callable[[Endpoint], Endpoint]:
        """Declare what answers at some paths; ids in a path are `{name:id}`."""

        def declare(function: Endpoint) -> Endpoint:
            self._declared += [(method, path, function) for path in paths]
            return function

        return declare

    def add_to(self, app: FastAPI, secret: str) -> None:
        """Add all to an app, for whoever knows the secret."""
        known = self.secret_of(secret)
        app.router.routes += [Foreign(self, known, *one) for one in self._declared]

    def refused(self, error: Exception, call: Call) -> Ready:
        """Whatever was raised, as the platform tells it."""
        document, headers = problem_of(error, call.route, call.trace_id)
        kind = document.type.removeprefix("/problems/")
        status, body = self.tell(Trouble(document.status, kind, document.detail, document.errors, call.trace_id))
        sent = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return Ready(body, status, [*sent, (b"cache-control", b"no-store")], self.media_type)


class Foreign(Route):
    """A route of an adapter; its function takes the call, whose body is read, and the parts of the path."""

    def __init__(self, adapter: Adapter, secret: bytes, method: str, path: str, function: Endpoint) -> None:
        super().__init__(path, function, methods=[method], include_in_schema=False)
        self.adapter = adapter
        self.function = function
        self._secret = secret
        self._method = method

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in who knows the secret, and answer."""
        call: Call = scope[CALL]
        call.route = self.path_format
        try:
            answer = await self._answer(call, scope, receive)
        except Exception as error:
            if not isinstance(error, HttpProblemError | FulfilmentError | ValidationError | HTTPException):
                LOG.error("trace %s: %s broke", call.trace_id, call.route, exc_info=error)
                if call.services.observer is not None:
                    call.services.observer.broke(scope["method"], call.route, call.trace_id, error)
            answer = self.adapter.refused(error, call)
        await answer(scope, receive, send)

    async def _answer(self, call: Call, scope: Scope, receive: Receive) -> Response:
        adapter = self.adapter
        if adapter.signs_body:
            await self._read(call, receive)
        if not adapter.proof(call, self._secret):
            raise HttpProblemError(
                "unauthenticated",
                "The secret is missing or wrong.",
                headers={"WWW-Authenticate": adapter.challenge.decode()},
            )
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": self._method})
        call.client = adapter.client
        call.services.limits.take(call.client, call.extra)
        if not adapter.signs_body:
            await self._read(call, receive)
        if self._method != "GET":
            type_of(call, (JSON,))
        require_plain(call, body=bool(call.body))
        return await self.function(call, scope["path_params"])

    async def _read(self, call: Call, receive: Receive) -> None:
        if self._method != "GET":
            call.body = await read_body(call, receive, call.services.settings.body_bytes_max)


def code_of(error: Exception) -> str:
    """A stable word for why one of several things could not be done; raises what is no such reason."""
    match error:
        case DeskError() if error.status < 500:
            return error.code
        case HttpProblemError() if error.name == "idempotency-running":
            return error.name
        case FulfilmentError() if not isinstance(error, DeskError):
            return "input"
    raise error
