"""
What the page has to know beforehand, out of the network: a few articles, carts, places to send to, and the map.

Networks have skus without names. The page's articles are names with a weight and a price that would be plausible; each
takes the most popular sku that fits, so that the same network has the same shop. Names are made up, all else is the
network's.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from api.report.geo import fitted, outlines, rings_path
from api.wording import KIND_TITLES, METHOD_TITLES, REASON_TITLES, RULE_TITLES
from engine.network.model import Network, Node, NodeKind

WIDTH = 720.0
MARGIN = 26.0
HELD_LEAST = 3  # units at a node, to count as held there: one or two may be safety stock
PLACES_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A name, and what a sku must be like to bear it: limits of weight and price, all included."""

    name: str
    icon: str
    weight_g: tuple[int, int]
    price_cents: tuple[int, int]
    rare: bool = False  # in no warehouse, and at no node that has another rare one


ARTICLES = (
    Article(name="Stoneware mug", icon="mug", weight_g=(250, 600), price_cents=(1_000, 2_600)),
    Article(name="Ceramic teapot", icon="teapot", weight_g=(700, 1_300), price_cents=(2_200, 5_500)),
    Article(name="Linen napkins, set of four", icon="napkin", weight_g=(120, 380), price_cents=(1_400, 3_600)),
    Article(name="Oak chopping board", icon="board", weight_g=(1_000, 2_200), price_cents=(2_000, 5_000)),
    Article(name="Reading lamp", icon="lamp", weight_g=(1_200, 2_600), price_cents=(4_000, 9_500)),
    Article(name="Wool throw", icon="throw", weight_g=(900, 1_700), price_cents=(3_500, 9_000)),
    Article(name="Floor cushion", icon="cushion", weight_g=(1_500, 3_200), price_cents=(2_500, 7_000)),
    Article(name="Armchair", icon="armchair", weight_g=(12_000, 26_000), price_cents=(15_000, 60_000)),
    Article(name="Side table", icon="table", weight_g=(5_000, 9_900), price_cents=(6_000, 26_000)),
    Article(name="Vintage wall clock", icon="clock", weight_g=(350, 1_400), price_cents=(2_200, 9_000), rare=True),
    Article(name="Hand-blown vase", icon="vase", weight_g=(250, 1_200), price_cents=(1_600, 6_000), rare=True),
    Article(name="Beeswax candles", icon="candle", weight_g=(150, 500), price_cents=(800, 2_400)),
)
CARTS: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("Tea for four", {"Stoneware mug": 4, "Ceramic teapot": 1, "Linen napkins, set of four": 1}),
    ("A corner to read", {"Reading lamp": 1, "Wool throw": 1, "Floor cushion": 2}),
    ("Rare finds", {"Vintage wall clock": 1, "Hand-blown vase": 1, "Beeswax candles": 2}),
    ("Something heavy", {"Armchair": 1, "Side table": 1}),
)


class ProductDoc(msgspec.Struct, kw_only=True):
    """An article of the shop, and the sku behind it."""

    sku: str
    name: str
    icon: str
    price_cents: int
    weight_g: int


class ShopLineDoc(msgspec.Struct, kw_only=True):
    """How many of a sku."""

    sku: str
    quantity: int


class CartDoc(msgspec.Struct, kw_only=True):
    """A ready cart."""

    name: str
    lines: list[ShopLineDoc]


class PlaceDoc(msgspec.Struct, kw_only=True):
    """A postcode to try, and the town that it belongs to."""

    postcode: str
    name: str


class NodeDoc(msgspec.Struct, kw_only=True):
    """A node on the map; its place in pixels."""

    node: str
    name: str
    town: str
    kind: str
    tz: str
    lat: float
    lon: float
    x: float
    y: float


class ProjectionDoc(msgspec.Struct, kw_only=True):
    """The constants of `api.report.geo.Projection`, by which the page puts the customer on the map."""

    n: float
    c: float
    rho_0: float
    centre_lon: float
    scale: float
    left: float
    top: float


class MapDoc(msgspec.Struct, kw_only=True):
    """The map: its size, the outline of the country, how coordinates become pixels."""

    width: float
    height: float
    outline: str
    projection: ProjectionDoc


class ShopDoc(msgspec.Struct, kw_only=True):
    """All of it."""

    network: str
    country: str
    currency: str
    products: list[ProductDoc]
    carts: list[CartDoc]
    places: list[PlaceDoc]
    nodes: list[NodeDoc]
    map: MapDoc
    services: dict[str, str]
    methods: dict[str, str]
    rules: dict[str, str]
    reasons: dict[str, str]


def shop(network: Network) -> ShopDoc:
    """The shop of a network."""
    country = Counter(area.country for area in network.areas).most_common(1)[0][0] if network.areas else "FR"
    rings = outlines({country})
    points = [point for ring in rings for point in ring] or [(node.lon, node.lat) for node in network.nodes]
    project, height = fitted(points, WIDTH, MARGIN)
    products = list(_products(network).values())
    sku_of = {product.name: product.sku for product in products}
    carts = [
        CartDoc(
            name=name,
            lines=[ShopLineDoc(sku=sku_of[one], quantity=units) for one, units in cart.items() if one in sku_of],
        )
        for name, cart in CARTS
    ]
    nodes = []
    for node in network.nodes:
        x, y = project(node.lon, node.lat)
        nodes.append(
            NodeDoc(
                node=node.node_id,
                name=node.name or node.node_id,
                town=town_of(node),
                kind=node.kind.value,
                tz=node.tz,
                lat=node.lat,
                lon=node.lon,
                x=round(x, 1),
                y=round(y, 1),
            )
        )
    fields = {name: getattr(project, name) for name in ProjectionDoc.__struct_fields__}
    return ShopDoc(
        network=network.name,
        country=country,
        currency=network.currency,
        products=products,
        carts=[cart for cart in carts if cart.lines],
        places=_places(network, country),
        nodes=nodes,
        map=MapDoc(
            width=WIDTH,
            height=round(height, 1),
            outline=rings_path(project, rings),
            projection=ProjectionDoc(**fields),
        ),
        services={one.service_id: one.name or one.service_id for one in network.services},
        methods={method.value: title for method, title in METHOD_TITLES.items()},
        rules=dict(RULE_TITLES),
        reasons=dict(REASON_TITLES),
    )


def town_of(node: Node) -> str:
    """Where a node is, in a word: its name without what kind of node it is."""
    return node.name.removeprefix(KIND_TITLES[node.kind.value]).strip() or node.name or node.node_id


def _products(network: Network) -> dict[str, ProductDoc]:
    """By name, each article with the first sku that fits and that no other has; none where no sku fits."""
    table, stock = network.skus, network.stock
    held = stock.on_hand - stock.reserved >= HELD_LEAST
    warehouses = [k for k, node in enumerate(network.nodes) if node.kind is NodeKind.WAREHOUSE]
    in_warehouse = np.zeros(len(table.ids), dtype=np.bool_)
    in_warehouse[stock.sku[np.isin(stock.node, warehouses) & (stock.on_hand > 0)]] = True
    taken: set[int] = set()
    rare_nodes: set[int] = set()
    out: dict[str, ProductDoc] = {}
    for article in ARTICLES:
        (light, heavy), (cheap, dear) = article.weight_g, article.price_cents
        fits = (table.weight_g >= light) & (table.weight_g <= heavy)
        fits &= (table.value_cents >= cheap) & (table.value_cents <= dear) & (in_warehouse != article.rare)
        for i in np.flatnonzero(fits).tolist():
            nodes = set(stock.node[(stock.sku == i) & held].tolist())
            if i in taken or not nodes or (article.rare and nodes & rare_nodes):
                continue
            taken.add(i)
            if article.rare:
                rare_nodes |= nodes
            out[article.name] = ProductDoc(
                sku=table.ids[i],
                name=article.name,
                icon=article.icon,
                price_cents=int(table.value_cents[i]),
                weight_g=int(table.weight_g[i]),
            )
            break
    return out


def _places(network: Network, country: str) -> list[PlaceDoc]:
    """Postcodes to try: the first few stores' and that of one in a remote area."""
    stores = [one for one in network.nodes if one.kind is NodeKind.STORE and one.country == country and one.postcode]
    remote = {(area.country, area.prefix) for area in network.areas if area.remote}
    far = [one for one in stores if any((country, one.postcode[:n]) in remote for n in range(1, len(one.postcode) + 1))]
    shown = [*stores[: PLACES_SHOWN - len(far[:1])], *far[:1]]
    return [PlaceDoc(postcode=one.postcode, name=town_of(one)) for one in dict.fromkeys(shown)]
