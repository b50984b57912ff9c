"""Haversine against geodesics on the ellipsoid, over all that one can ship between."""

import numpy as np
from geopy.distance import geodesic

from engine.adapters.imports.us_places import distances_m
from engine.network.routes import distance_m

MAX_RELATIVE = 0.006  # mostly the Earth's flattening: 1 / 298, and its doubling near the poles


def points(seed: int, num: int) -> list[tuple[float, float]]:
    rng = np.random.default_rng(seed)
    return list(zip(rng.uniform(-75, 75, num).tolist(), rng.uniform(-180, 180, num).tolist(), strict=True))


def test_haversine_differs_from_the_geodesic_by_at_most_six_in_a_thousand() -> None:
    worst = 0.0
    for (lat_a, lon_a), (lat_b, lon_b) in zip(points(1, 600), points(2, 600), strict=True):
        exact = geodesic((lat_a, lon_a), (lat_b, lon_b)).meters
        worst = max(worst, abs(distance_m(lat_a, lon_a, lat_b, lon_b) - exact) / exact)
    assert 0.001 < worst <= MAX_RELATIVE


def test_haversine_is_as_good_for_short_ways() -> None:
    for lat, lon in points(3, 300):
        exact = geodesic((lat, lon), (lat + 0.05, lon + 0.05)).meters
        assert abs(distance_m(lat, lon, lat + 0.05, lon + 0.05) - exact) <= MAX_RELATIVE * exact + 1


def test_many_distances_at_once_are_those_one_by_one() -> None:
    here, there = points(4, 200), (40.7302, -73.9886)
    lat, lon = (np.array(column) for column in zip(*here, strict=True))
    at_once = distances_m(lat, lon, *there)
    one_by_one = [distance_m(a, b, *there) for a, b in here]
    assert np.abs(at_once - one_by_one).max() <= 0.5 + 1e-3
