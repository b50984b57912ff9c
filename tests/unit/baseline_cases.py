"""Small views for the rules of others: nodes by hand, and what became of an order."""

from typing import Any

import numpy as np

from scenarios.baselines.rule import Held, Sent
from scenarios.baselines.view import UNKNOWN, Quote, Units, View

KM = 1_000


def free_of_charge(node: int, units: Units) -> Quote:
    return Quote(ship_cents=0, labour_cents=0, used_permille=0)


def view(free: Any, need: Any, **changes: Any) -> View:
    """Nodes with these units of each line, 10, 20, 30 … km away, all usable, without limits."""
    stock = np.array(free, dtype=np.int64)
    num = len(stock)
    values: dict[str, Any] = {
        "order_id": "1",
        "now_s": 0,
        "day": 0,
        "skus": tuple(range(len(need))),
        "asked": tuple(enumerate(need)),
        "need": np.array(need, dtype=np.int64),
        "value_cents": np.full(len(need), 1_000),
        "free": stock,
        "physical": stock,
        "stocked": stock > 0,
        "usable": np.ones(num, dtype=np.bool_),
        "enabled": np.ones(num, dtype=np.bool_),
        "pickup": np.zeros(num, dtype=np.bool_),
        "distance_m": 10 * KM * np.arange(1, num + 1),
        "priority": np.zeros(num, dtype=np.int64),
        "default": 0,
        "preferred": UNKNOWN,
        "same_market": np.ones(num, dtype=np.bool_),
        "orders_max": np.full(num, UNKNOWN),
        "quote": free_of_charge,
    }
    arrays = {k: np.array(v) if isinstance(v, list) else v for k, v in changes.items()}
    return View(**(values | arrays))


def held(order_id: str, *sent: tuple[int, dict[int, int]], **changes: Any) -> Held:
    """A committed order: nodes with their units by sku, leaving an hour after its placing unless told otherwise."""
    now_s, collected = changes.get("now_s", 0), changes.get("collected", False)
    leaves_s = changes.get("leaves_s", now_s + 3_600)
    return Held(
        order_id=order_id,
        now_s=now_s,
        day=changes.get("day", 0),
        sent=tuple(
            Sent(node=node, items=tuple(units.items()), leaves_s=leaves_s, collected=collected) for node, units in sent
        ),
    )
