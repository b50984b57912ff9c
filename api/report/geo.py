"""Flat maps: an equal-area conic projection fitted to what is shown, and outlines of countries."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Projection:
    """
    Albers' equal-area conic projection (Snyder, Map Projections: A Working Manual, 1987, section 14), fitted to a box.

    n, c and rho_0 are Snyder's constants on a unit sphere; a point lands at
    (left + scale * (x - x_min), top + scale * (y_max - y)), so y grows downwards as on a page.
    """

    n: float
    c: float
    rho_0: float
    centre_lon: float
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def __call__(self, lon: float, lat: float) -> Point:
        """Where a coordinate lands on the page."""
        theta = self.n * math.radians(lon - self.centre_lon)
        rho = math.sqrt(max(0.0, self.c - 2 * self.n * math.sin(math.radians(lat)))) / self.n
        return self.left + self.scale * rho * math.sin(theta), self.top - self.scale * (
            self.rho_0 - rho * math.cos(theta)
        )


def fitted(points: Iterable[Point], width: float, margin: float) -> tuple[Projection, float]:
    """
    A projection in which all (lon, lat) points fill a page of this width; also the page's height.

    The standard parallels lie a sixth inside the span of latitudes, the usual rule for a conic.
    """
    given = list(points)
    south, north = min(lat for _, lat in given), max(lat for _, lat in given)
    west, east = min(lon for lon, _ in given), max(lon for lon, _ in given)
    inset = max(0.5, (north - south) / 6)
    sin_1 = math.sin(math.radians(south + inset))
    sin_2 = math.sin(math.radians(north - inset))
    n = (sin_1 + sin_2) / 2
    if abs(n) < 0.01:  # around the equator the cone degenerates; a slight tilt keeps the formulas finite
        n = 0.01
    c = (1 - sin_1 * sin_1) + 2 * n * sin_1
    rho_0 = math.sqrt(max(0.0, c - 2 * n * math.sin(math.radians((south + north) / 2)))) / n
    plain = Projection(n, c, rho_0, (west + east) / 2)
    flat = [plain(lon, lat) for lon, lat in given]
    x_min, x_max = min(x for x, _ in flat), max(x for x, _ in flat)
    y_min, y_max = min(y for _, y in flat), max(y for _, y in flat)
    inner = width - 2 * margin
    scale = min(inner / max(x_max - x_min, 1e-9), inner / max(y_max - y_min, 1e-9))
    left = margin - scale * x_min + (inner - scale * (x_max - x_min)) / 2
    page = Projection(n, c, rho_0, (west + east) / 2, scale, left, margin - scale * y_min)
    return page, scale * (y_max - y_min) + 2 * margin


def outlines(countries: Iterable[str]) -> list[list[Point]]:
    """Rings of (lon, lat) around the countries that we know, FR and US. Source: Natural Earth, public domain."""
    wanted = set(countries)
    document = json.loads(files("api.report").joinpath("outlines.json").read_text(encoding="utf-8"))
    return [
        [(lon, lat) for lon, lat in polygon[0]]
        for feature in document["features"]
        if feature["properties"]["country"] in wanted
        for polygon in feature["geometry"]["coordinates"]
    ]


def rings_path(project: Projection, rings: list[list[Point]]) -> str:
    """SVG path data of closed rings."""
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (project(*p) for p in ring)) + "Z" for ring in rings)
