"""A shop that other systems call in their own formats, and the golden files of what they send and get."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from engine.desk.quote import Quote
from engine.desk.state import State
from engine.network.model import Network
from tests import builders
from tests.api.http.served import Served, served

GOLDEN = Path(__file__).parent / "golden"
SECRET = "opensesame"
CLIENT_SECRET = "shpss_0123456789abcdef0123456789abcdef"  # no token of a shorter one is signed without a warning
SALEOR_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def jwks_text(key: rsa.RSAPrivateKey = SALEOR_KEY, **changes: Any) -> str:
    """The public keys of a Saleor instance, of which there is one, as it shows them."""
    shown = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return msgspec.json.encode({"keys": [shown | {"use": "sig", "kid": "1"} | changes]}).decode()


SECRETS = {
    "magento_secret": SECRET,
    "salesforce_secret": SECRET,
    "google_secret": SECRET,
    "shopify_secret": CLIENT_SECRET,
    "saleor_jwks": jwks_text(),
    "bigcommerce_secret": SECRET,
}
Send = Callable[[Served, str, str, Any], Any]


def network() -> Network:
    """
    A warehouse near Paris and two stores, all of stock 2; a third node is of stock 3 only.

    By priority: Lyon, Paris, Lille. Lille has few; nobody has all of sku "a".
    """
    both = ("all", "stock-2")
    nodes = (
        builders.node("wh", priority=2, groups=both),
        builders.store("st", priority=1, groups=both),
        builders.store("li", priority=3, groups=both, lat=50.6292, lon=3.0573, postcode="59000", region="HDF"),
        builders.node("far", priority=0, groups=("stock-3",)),
        builders.pickup_point(),
    )
    on_hand = {
        ("wh", "a"): 35,
        ("wh", "b"): 50,
        ("st", "a"): 9,
        ("st", "b"): 4,
        ("li", "a"): 3,
        ("li", "C-9"): 2,
        ("far", "a"): 100,
    }
    made = builders.network(nodes=nodes, skus=builders.sku_table("a", "b", "C-9"), stock=on_hand)
    return replace(made, collections=(*made.collections, builders.collection("li", "std")))


@contextmanager
def platforms(**settings: Any) -> Iterator[Served]:
    """The shop with all adapters on, unless told otherwise; no answer depends on how long anything takes."""
    with served(network(), **(SECRETS | {"decide_ms": 30_000} | settings)) as shop:
        shop.desk.run(_warm)
        yield shop


def _warm(state: State) -> None:
    """Compile what has not been compiled yet, before anybody waits for it: as the service does when it starts."""
    order = builders.order(builders.line("a", 40), builders.line("b", 20))
    state.decide(order)
    Quote(order=order).plan(state)


def send(shop: Served, method: str, path: str, body: Any = None, secret: str | None = SECRET, **headers: str) -> Any:
    """A call as a platform makes it."""
    given = {} if secret is None else {"authorization": f"Bearer {secret}"}
    return shop.call(method, path, body, **(given | headers))


def bytes_of(body: Any) -> bytes:
    """A body as it is sent."""
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def shopify_signature(body: bytes, secret: str = CLIENT_SECRET) -> str:
    """An HMAC of a body, as Shopify sends it."""
    return b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def send_shopify(shop: Served, method: str, path: str, body: Any, secret: str = CLIENT_SECRET, **headers: str) -> Any:
    """A call of Shopify's checkout, which signs what it sends."""
    signature = shopify_signature(bytes_of(body), secret)
    return shop.call(method, path, bytes_of(body), **({"x_shopify_hmac_sha256": signature} | headers))


def send_function(
    shop: Served, method: str, path: str, body: Any, secret: str = CLIENT_SECRET, changes: dict[str, Any] | None = None
) -> Any:
    """A call of a function of Shopify's, whose token says what it is of."""
    claims = {
        "iss": 68_568_416_567,
        "exp": shop.desk.clock_s() + 60,
        "x_shopify_request_id": "eca21243",
        "method": method,
        "body_sha256": hashlib.sha256(bytes_of(body)).hexdigest(),
    }
    token = jwt.api_jws.encode(msgspec.json.encode(claims | (changes or {})), secret, "HS256")
    return shop.call(method, path, bytes_of(body), x_shopify_request_jwt=token)


def saleor_signature(body: bytes, key: rsa.RSAPrivateKey = SALEOR_KEY, **changes: Any) -> str:
    """A detached signature as Saleor makes it; its header says no `crit`, unless told otherwise."""
    header = {"alg": "RS256", "typ": "JWT", "kid": "1", "b64": False} | changes
    protected = jwt.utils.base64url_encode(msgspec.json.encode(header))
    made = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(protected + b"." + body, key)
    return f"{protected.decode()}..{jwt.utils.base64url_encode(made).decode()}"


def send_saleor(shop: Served, method: str, path: str, body: Any, **headers: str) -> Any:
    """A call of Saleor, which signs what it sends."""
    sent = bytes_of(body)
    return shop.call(method, path, sent, **({"saleor_signature": saleor_signature(sent)} | headers))


def send_bigcommerce(shop: Served, method: str, path: str, body: Any, secret: str = SECRET) -> Any:
    """A call of BigCommerce, which sends along what the merchant has typed."""
    said = body if isinstance(body, bytes) else {"connection_options": {"secret": secret}} | body
    return shop.call(method, path, said, x_request_id="t-1")


def golden(name: str) -> list[dict[str, Any]]:
    """The exchanges of a golden file, in their order: method, path, body, status, answer."""
    found: list[dict[str, Any]] = msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes())
    return found


def replayed(shop: Served, name: str, sent: Send = send) -> list[httpx.Response]:
    """Send what a golden file has sent, and compare each answer with it."""
    answers = []
    for one in golden(name):
        answer = sent(shop, one["method"], one["path"], one.get("body"))
        assert (answer.status_code, answer.json()) == (one["status"], one["answer"]), one["says"]
        answers.append(answer)
    return answers


def names(prefix: str) -> list[str]:
    """Golden files by the beginning of their name."""
    return sorted(path.stem for path in GOLDEN.glob(f"{prefix}*.json"))
