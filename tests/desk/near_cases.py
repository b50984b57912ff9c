"""Small networks of stores for tests of who has it nearby, and the obviously right list of them."""

from random import Random
from typing import Any

from engine.desk.desk import Desk
from engine.desk.near import Near
from engine.domain.ids import SkuId
from engine.network.model import Network, NodeKind, Offer, SafetyStock
from engine.network.routes import distance_m
from tests import builders
from tests.desk.desk_cases import said

HOURS = ("Mo-Sa 09:00-19:00; PH off", "24/7", "Mo-Su 18:00-02:00", "", "Tu-Su 10:00-13:00,14:00-18:30")


def near(desk: Desk, *skus: str | tuple[str, int], **changes: Any) -> dict[str, Any]:
    """Ask, by default from the middle of Paris."""
    values: dict[str, Any] = {"country": "FR"}
    if not {"postcode", "lat"} & set(changes):
        values["postcode"] = "75011"
    asked = tuple((sku, 1) if isinstance(sku, str) else sku for sku in skus or ("a",))
    found: dict[str, Any] = said(desk.ask(Near(skus=asked, **(values | changes))))
    return found


def ids(document: dict[str, Any]) -> list[str]:
    """The stores that were told of, in their order."""
    return [store["node"] for store in document["stores"]]


def scattered(seed: int) -> Network:
    """Some stores around Paris, a pickup point, one that offers nothing; some far apart, some at one spot."""
    dice = Random(seed)
    nodes: list[Any] = [builders.node(), builders.pickup_point()]
    for i in range(12):
        offers = () if dice.random() < 0.1 else (Offer.SHIP, Offer.PICKUP)
        nodes.append(
            builders.store(
                f"s{i:02}",
                lat=48.8566 + dice.choice((0.0, 0.1, -0.2, 3.0)),
                lon=2.3522 + dice.choice((0.0, 0.05, 0.3)),
                opening_hours=dice.choice(HOURS),
                picking_hours="Mo-Su 08:00-20:00",
                offers=offers,
                safety_stock=dice.choice((0, 0, 1)),
            )
        )
    stock = {(node.node_id, sku): dice.randrange(4) for node in nodes for sku in ("a", "b", "c") if dice.random() < 0.8}
    special = [(n, s) for n, s in stock if dice.random() < 0.2]
    safety = tuple(SafetyStock(node_id=n, sku=SkuId(s), channel="", units=dice.randrange(3)) for n, s in special)
    return builders.network(nodes=tuple(nodes), stock=stock, lanes=(), collections=(), safety_stock=safety)


def by_brute_force(
    network: Network, asked: dict[str, int], lat: float, lon: float, *, limit: int, within_m: int, every: bool
) -> list[tuple[str, int, dict[str, int]]]:
    """Store, metres and units available of each sku: every node looked at, one by one."""
    on_hand = {
        (int(node), int(sku)): int(units)
        for node, sku, units in zip(network.stock.node, network.stock.sku, network.stock.on_hand, strict=True)
    }
    found = []
    for i, node in enumerate(network.nodes):
        if Offer.PICKUP not in node.offers or node.kind == NodeKind.PICKUP_POINT or not node.opening_hours:
            continue
        far_m = distance_m(node.lat, node.lon, lat, lon)
        units = {}
        for sku in asked:
            own = [row.units for row in network.safety_stock if (row.node_id, row.sku) == (node.node_id, sku)]
            held = own[0] if own else node.safety_stock
            units[sku] = max(0, on_hand.get((i, network.skus.index[SkuId(sku)]), 0) - held)
        enough = [units[sku] >= quantity for sku, quantity in asked.items()]
        if far_m <= within_m and (all(enough) if every else any(enough)):
            found.append((far_m, i, units))
    return [(str(network.nodes[i].node_id), far_m, units) for far_m, i, units in sorted(found, key=lambda f: f[:2])][
        :limit
    ]
