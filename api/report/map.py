"""The map: outline, nodes by kind and load, what flows from where to whom. Plain SVG, coloured by the page's CSS."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from api.report.figures import Decided, Figures
from api.report.geo import Point, Projection, fitted, outlines, rings_path
from api.wording import KIND_TITLES, METHOD_TITLES, distance, plural
from engine.domain.order import METHODS, Method
from engine.network.model import Network, Node, NodeKind
from engine.network.routes import distance_m

WIDTH = 760.0
MARGIN = 18.0
RADIUS_IDLE = 2.2
RADIUS_BUSY = 3.0
RADIUS_MAX = 11.0
FLOWS_MAX = 1_500  # thicker files and slower pages beyond; the dearest to draw are the rarest, so the busiest stay


def map_svg(network: Network, decided: Sequence[Decided], figures: Figures) -> str:
    """Draw the network and the shipments of these decisions."""
    rings = outlines({node.country for node in network.nodes})
    flows = _flows(network, decided)
    points = [p for ring in rings for p in ring] or [(n.lon, n.lat) for n in network.nodes]
    project, height = fitted(points, WIDTH, MARGIN)
    body = [
        f'<path class="land" d="{rings_path(project, rings)}"/>' if rings else "",
        '<g class="flows">',
        *_flow_marks(network, project, flows),
        '</g><g class="nodes">',
        *_node_marks(network, project, dict(figures.shipments_by_node)),
        "</g>",
    ]
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="Map of {escape(network.name)}: nodes and shipments">{"".join(body)}</svg>'
    )


def kinds_shown(network: Network) -> tuple[NodeKind, ...]:
    """The kinds of node that the network has, for the legend."""
    present = {node.kind for node in network.nodes}
    return tuple(kind for kind in NodeKind if kind in present)


def symbol(kind: NodeKind, x: float, y: float, r: float) -> str:
    """The shape of a kind of node around a point: square, circle, diamond or triangle."""
    if kind is NodeKind.WAREHOUSE:
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:.1f}" height="{2 * r:.1f}" rx="1.5"/>'
    if kind is NodeKind.VENDOR:
        half = 1.15 * r
        return f'<path d="M{x:.1f} {y - half:.1f}L{x + half:.1f} {y + r:.1f}H{x - half:.1f}Z"/>'
    if kind is NodeKind.PICKUP_POINT:
        half = 1.2 * r
        return (
            f'<path d="M{x:.1f} {y - half:.1f}l{half:.1f} {half:.1f}l{-half:.1f} {half:.1f}l{-half:.1f} {-half:.1f}Z"/>'
        )
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'


def _flows(network: Network, decided: Sequence[Decided]) -> list[tuple[tuple[Method, int, Point], int]]:
    """Shipments counted by (method, node, where they end), coordinates to a hundredth of a degree, busiest first."""
    counts: Counter[tuple[Method, int, Point]] = Counter()
    for item in decided:
        for shipment in item.decision.plan.shipments:
            node = network.node_index[shipment.node]
            if shipment.place is not None:
                place = network.nodes[network.node_index[shipment.place]]
                end = (place.lon, place.lat)
            else:
                assert item.order.destination is not None, "a home delivery has a destination"
                end = _home(network, item)
            counts[(shipment.method, node, (round(end[0], 2), round(end[1], 2)))] += 1
    ranked = sorted(counts.items(), key=lambda kv: (-kv[1], METHODS.index(kv[0][0]), kv[0][1], kv[0][2]))
    return ranked[:FLOWS_MAX]


def _home(network: Network, item: Decided) -> Point:
    """The (lon, lat) of an order's destination: its own, else its area's."""
    destination = item.order.destination
    assert destination is not None, "a home delivery has a destination"
    if destination.lat is not None and destination.lon is not None:
        return destination.lon, destination.lat
    area = network.area_of(destination.country, destination.postcode)
    return area.lon, area.lat


def _flow_marks(network: Network, project: Projection, flows: list[tuple[tuple[Method, int, Point], int]]) -> list[str]:
    """One bent line per flow; what stays in its store is a ring around it."""
    marks = []
    for (method, k, end), count in flows:
        node = network.nodes[k]
        (x0, y0), (x1, y1) = project(node.lon, node.lat), project(*end)
        width = min(4.0, 1.1 + 0.5 * math.log2(count))
        far = distance(distance_m(node.lat, node.lon, end[1], end[0]))
        title = f"{METHOD_TITLES[method]}: {plural(count, 'shipment')} from {node.name or node.node_id}, {far}"
        if math.hypot(x1 - x0, y1 - y0) < 2.0:
            shape = (
                f'<circle class="stay" cx="{x0:.1f}" cy="{y0:.1f}" r="{min(16.0, 5 + 1.5 * math.sqrt(count)):.1f}"/>'
            )
        else:
            bend = 0.12  # of the length, to one side: two opposite flows do not hide each other
            cx, cy = (x0 + x1) / 2 - bend * (y1 - y0), (y0 + y1) / 2 + bend * (x1 - x0)
            shape = (
                f'<path d="M{x0:.1f} {y0:.1f}Q{cx:.1f} {cy:.1f} {x1:.1f} {y1:.1f}" stroke-width="{width:.1f}"/>'
                f'<circle class="end" cx="{x1:.1f}" cy="{y1:.1f}" r="1.8"/>'
            )
        marks.append(
            f'<g class="flow m-{method.value}" data-method="{method.value}"><title>{escape(title)}</title>{shape}</g>'
        )
    return marks


def _node_marks(network: Network, project: Projection, shipments: dict[str, int]) -> list[str]:
    """Idle nodes small and grey below, busy ones above them with an area that grows with their shipments."""
    busiest = max(shipments.values(), default=1)
    radius_max = min(RADIUS_MAX, RADIUS_BUSY + 1.6 * math.sqrt(busiest))

    def mark(node: Node) -> str:
        count = shipments.get(node.node_id, 0)
        x, y = project(node.lon, node.lat)
        r = RADIUS_IDLE if count == 0 else RADIUS_BUSY + (radius_max - RADIUS_BUSY) * math.sqrt(count / busiest)
        title = f"{KIND_TITLES[node.kind]} {node.name or node.node_id}: {plural(count, 'shipment')}"
        state = "busy" if count else "idle"
        return f'<g class="node {state}"><title>{escape(title)}</title>{symbol(node.kind, x, y, r)}</g>'

    return [mark(node) for node in sorted(network.nodes, key=lambda n: (shipments.get(n.node_id, 0), n.node_id))]
