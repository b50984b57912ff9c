"""A shop that other systems call in their own formats, and the golden files of what they send and get."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec

from engine.desk.state import State
from engine.network.model import Network
from tests import builders
from tests.api.http.served import Served, served

GOLDEN = Path(__file__).parent / "golden"
SECRET = "opensesame"
SECRETS = {"magento_secret": SECRET, "salesforce_secret": SECRET, "google_secret": SECRET}


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
    state.decide(builders.order(builders.line("a", 40), builders.line("b", 20)))


def send(shop: Served, method: str, path: str, body: Any = None, secret: str | None = SECRET, **headers: str) -> Any:
    """A call as a platform makes it."""
    given = {} if secret is None else {"authorization": f"Bearer {secret}"}
    return shop.call(method, path, body, **(given | headers))


def golden(name: str) -> list[dict[str, Any]]:
    """The exchanges of a golden file, in their order: method, path, body, status, answer."""
    found: list[dict[str, Any]] = msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes())
    return found


def replayed(shop: Served, name: str) -> list[httpx.Response]:
    """Send what a golden file has sent, and compare each answer with it."""
    answers = []
    for one in golden(name):
        answer = send(shop, one["method"], one["path"], one.get("body"))
        assert (answer.status_code, answer.json()) == (one["status"], one["answer"]), one["says"]
        answers.append(answer)
    return answers


def names(prefix: str) -> list[str]:
    """Golden files by the beginning of their name."""
    return sorted(path.stem for path in GOLDEN.glob(f"{prefix}*.json"))
