"""
Who calls: API keys and what they may do.

A key is `sw_<key id>_<secret>`. The secret is 256 random bits, so that the ledger may keep its plain SHA-256: there is
no dictionary to try, and a slow hash would only cost time on every call, and be a lever for whoever sends garbage.
Digests are compared in constant time. A key that was looked up is believed for `key_life_s`, so that revoking one works
within that.

As long as the ledger has no key at all, a server that listens on a loopback address lets everybody on this machine in;
`refuse_open` keeps such a server from listening elsewhere.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from api.http.problems import HttpProblemError
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger
from engine.stock.records_oms import ApiKey

SCOPES = ("checkout", "oms", "planner", "admin")
PREFIX = "sw"
KNOWN_MAX = 10_000  # looked-up keys that are remembered


class Client(NamedTuple):
    """Who calls. `client_id` is the key's id; "local" where no key is needed."""

    client_id: str
    name: str
    scopes: frozenset[str]
    rate_per_minute: int  # 0: the server's default


LOCAL = Client("local", "local", frozenset(SCOPES), 0)


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_key(name: str, scopes: Iterable[str], now_s: int, *, rate_per_minute: int = 0) -> tuple[str, ApiKey]:
    """A new key: the token, to be shown once, and its record."""
    wanted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise InputError(f"Scopes ({' '.join(unknown)}) are unknown or none.", f"some of {', '.join(SCOPES)}.")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    record = ApiKey(
        key_id=key_id,
        name=name,
        secret_hash=hash_of(secret),
        scopes=" ".join(wanted),
        rate_per_minute=rate_per_minute,
        created_s=now_s,
    )
    return f"{PREFIX}_{key_id}_{secret}", record


@lru_cache(maxsize=100)
def loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host in ("localhost", ""):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_open(host: str, ledger: Ledger) -> None:
    """Raise InputError where a server without any key would be open to others."""
    if not loopback(host) and not ledger.find(ApiKey, limit=1):
        raise InputError(
            f"Host ({host}) is reached by others, and the ledger has no API key.",
            "make one first: sourcewise keys create; or listen on 127.0.0.1.",
        )


class Keys:
    """
    Looks up who calls.

    Parameters
    ----------
    ledger
        Has the keys.
    host
        What the server listens on.
    life_s
        How long a looked-up key is believed.
    clock
        Seconds, on a clock that never goes back.
    """

    def __init__(self, ledger: Ledger, *, host: str, life_s: float, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._loopback = loopback(host)
        self._life_s = life_s
        self._clock = clock
        self._known: dict[str, tuple[float, ApiKey | None]] = {}  # until when, what
        self._looking: dict[str, asyncio.Task[ApiKey | None]] = {}

    async def client(self, headers: Mapping[bytes, bytes]) -> Client:
        """Who sent these headers; raises HttpProblemError 401 where that is nobody we know."""
        token = _token(headers)
        if not token:
            if self._loopback and await self._record("") is None:
                _require_local_host(headers)
                return LOCAL
            raise _unknown("An API key is required.")
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not key_id or not secret or len(token) > 200:
            raise _unknown("The API key has another form than sw_…_….")
        found = self._known.get(key_id)
        if found is not None and self._clock() < found[0]:
            record = found[1]
        else:
            record = await self._record(key_id)
        # Of an unknown key a digest is compared, too: the time of an answer does not tell which ids there are.
        same = hmac.compare_digest(hash_of(secret), record.secret_hash if record is not None else "")
        if record is None or not same or record.revoked_s is not None:
            raise _unknown("The API key is unknown or revoked.")
        return Client(key_id, record.name, frozenset(record.scopes.split()), record.rate_per_minute)

    async def _record(self, key_id: str) -> ApiKey | None:
        """A key's record, or, of "", any key there is; from memory where that is fresh."""
        found = self._known.get(key_id)
        if found is not None and self._clock() < found[0]:
            return found[1]
        task = self._looking.get(key_id)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._look, key_id))
            self._looking[key_id] = task
            task.add_done_callback(lambda _: self._looking.pop(key_id, None))
        record = await asyncio.shield(task)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[key_id] = (self._clock() + self._life_s, record)
        return record

    def _look(self, key_id: str) -> ApiKey | None:
        if key_id:
            return self._ledger.get(ApiKey, key_id)
        return next(iter(self._ledger.find(ApiKey, limit=1)), None)


def allowed(client: Client, scopes: Iterable[str]) -> None:
    """Raise HttpProblemError 403 unless the client has one of the scopes."""
    if client.scopes.isdisjoint(scopes):
        needed = " or ".join(scopes)
        raise HttpProblemError("forbidden", f"The key ({client.client_id}) lacks the scope {needed}.")


def _token(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"authorization")
    if given is not None:
        scheme, _, token = given.partition(b" ")
        if scheme.lower() != b"bearer":
            raise _unknown("The Authorization header is no Bearer one.")
        return token.strip().decode("latin-1")
    return headers.get(b"x-api-key", b"").strip().decode("latin-1")


def _require_local_host(headers: Mapping[bytes, bytes]) -> None:
    """Keep a web page whose name was pointed at this machine from using the browser to call us."""
    host = headers.get(b"host", b"").decode("latin-1")
    name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if not loopback(name):
        raise HttpProblemError(
            "forbidden", f"Host ({host}) is no name of this machine; without API keys only localhost is served."
        )


def _unknown(detail: str) -> HttpProblemError:
    return HttpProblemError("unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="sourcewise"'})
