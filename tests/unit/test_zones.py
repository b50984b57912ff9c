"""Zones: pairs of prefixes, then distance bands, then countries and regions."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.domain.errors import InputError
from engine.domain.ids import ZoneId
from engine.network.model import ZoneDistance, ZonePairs, ZoneRegion
from engine.network.routes import Target, target_of, target_of_place
from engine.network.zones import ZoneFinder
from tests import builders

DATA = Path(os.environ.get("SOURCEWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
FEDEX_MILES = DATA / "us" / "fedex_zone_miles.csv"
METRES_PER_MILE = 1609.344
ZONES = tuple(ZoneId(z) for z in ("any", "exact", "far", "from", "into", "near", "pair", "wide"))


def target(postcode: str = "75011", country: str = "FR", region: str = "IDF") -> Target:
    return Target(country, postcode, region, "Europe/Paris", 48.9, 2.3, residential=True, remote=False, area=0)


def pairs(length: int, origin: list[str], dest: list[str], zones: list[list[int]]) -> ZonePairs:
    return ZonePairs(
        zone_map="m",
        prefix_length=length,
        origin=tuple(origin),
        dest=tuple(dest),
        zone=np.array(zones, dtype=np.int16),
    )


def band(distance_max_m: int, zone: str) -> ZoneDistance:
    return ZoneDistance(zone_map="m", distance_max_m=distance_max_m, zone=ZoneId(zone))


def region(zone: str, origin_region: str, dest_region: str, dest_country: str = "FR") -> ZoneRegion:
    return ZoneRegion(
        zone_map="m",
        origin_country="FR",
        origin_region=origin_region,
        dest_country=dest_country,
        dest_region=dest_region,
        zone=ZoneId(zone),
    )


def finder(zone_ids: tuple[ZoneId, ...] = ZONES, **tables: Any) -> ZoneFinder:
    network = builders.network(
        services=(builders.service("s", zone_map="m"),),
        zone_ids=zone_ids,
        **({"zone_distances": (), "zone_regions": (), "rates": (), "transits": (), "collections": ()} | tables),
    )
    return ZoneFinder(network)


def name_of(found: ZoneFinder, where: Target, distance_m: int = 5_000, node: int = 0) -> str:
    zone = found.zone(0, node, where, distance_m)
    return ZONES[zone] if zone >= 0 else "none"


def test_a_pair_of_prefixes_wins_over_distance_and_region() -> None:
    found = finder(
        zone_pairs=(pairs(2, ["75"], ["75"], [[6]]),),
        zone_distances=(band(10_000, "near"),),
        zone_regions=(region("any", "", ""),),
    )
    assert name_of(found, target("75011")) == "pair"


def test_a_pair_without_a_zone_falls_through_to_the_distance() -> None:
    found = finder(zone_pairs=(pairs(2, ["75"], ["75"], [[-1]]),), zone_distances=(band(10_000, "near"),))
    assert name_of(found, target("75011")) == "near"


def test_unknown_prefixes_of_origin_or_destination_fall_through() -> None:
    found = finder(zone_pairs=(pairs(2, ["75"], ["75"], [[6]]),), zone_distances=(band(10_000, "near"),))
    assert name_of(found, target("13001")) == "near"
    assert name_of(found, target("75011"), node=1) == "near"  # the store in Lyon, 69001


def test_the_longest_prefixes_are_asked_first() -> None:
    found = finder(
        zone_pairs=(
            pairs(2, ["75"], ["75", "69"], [[6, 5]]),
            pairs(5, ["75001"], ["75011", "69001"], [[1, -1]]),
        )
    )
    assert name_of(found, target("75011")) == "exact"
    assert name_of(found, target("75012")) == "pair"
    assert name_of(found, target("69001")) == "near"


def test_spaces_and_case_of_a_nodes_postcode_do_not_matter() -> None:
    london = builders.node(postcode="sw1a 1aa", country="GB")
    found = finder(nodes=(london,), zone_pairs=(pairs(4, ["SW1A"], ["7501"], [[6]]),))
    assert name_of(found, target("75011")) == "pair"


def test_a_postcode_shorter_than_the_prefix_is_no_error() -> None:
    found = finder(zone_pairs=(pairs(5, ["75001"], ["75011"], [[6]]),), zone_regions=(region("any", "", ""),))
    assert name_of(found, target("75")) == "any"


def test_a_distance_band_includes_its_limit_and_bands_are_sorted() -> None:
    found = finder(zone_distances=(band(2_000, "far"), band(1_000, "near")))
    names = [name_of(found, target(), metres) for metres in (0, 1_000, 1_001, 2_000, 2_001)]
    assert names == ["near", "near", "far", "far", "none"]


def test_beyond_the_last_band_the_regions_decide() -> None:
    found = finder(zone_distances=(band(1_000, "near"),), zone_regions=(region("any", "", ""),))
    assert name_of(found, target(), 1_001) == "any"


def test_exact_regions_win_over_any_region_whatever_their_place_in_the_file() -> None:
    rows = (region("any", "", ""), region("from", "IDF", ""), region("exact", "IDF", "ARA"), region("into", "", "ARA"))
    found = finder(zone_regions=rows)
    assert name_of(found, target(region="ARA")) == "exact"
    assert name_of(found, target(region="COR")) == "from"
    assert name_of(found, target(region="ARA"), node=1) == "into"  # from Lyon
    assert name_of(found, target(region="COR"), node=1) == "any"
    assert name_of(found, target(country="BE", region="ARA")) == "none"


def test_of_two_rows_with_one_exact_region_the_first_in_the_file_wins() -> None:
    first, second = region("from", "IDF", ""), region("into", "", "ARA")
    assert name_of(finder(zone_regions=(first, second)), target(region="ARA")) == "from"
    assert name_of(finder(zone_regions=(second, first)), target(region="ARA")) == "into"


def test_of_two_equal_rows_the_first_in_the_file_wins() -> None:
    assert name_of(finder(zone_regions=(region("from", "", ""), region("into", "", ""))), target()) == "from"


def test_a_target_without_region_gets_the_rows_of_any_region() -> None:
    found = finder(zone_regions=(region("exact", "IDF", "ARA"), region("any", "", "")))
    assert name_of(found, target(region="")) == "any"


def test_a_map_that_nothing_defines_knows_no_zone() -> None:
    assert name_of(finder(), target()) == "none"


def test_each_service_uses_its_own_map_and_a_place_is_a_target_too() -> None:
    network = builders.network()
    found = ZoneFinder(network)
    home = target_of(network, builders.dest("75011"))
    place = target_of_place(network, 2)
    by_service = [found.zone(s, 0, home, 2_000) for s in range(4)]
    assert [network.zone_ids[z] for z in by_service] == ["near", "domestic", "town", "near"]
    assert network.zone_ids[found.zone(3, 1, place, 391_000)] == "far"


def test_a_zone_that_the_network_does_not_list_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"Zone \(near\) of zone map \(m\)"):
        finder(zone_ids=(ZoneId("far"),), zone_distances=(band(1_000, "near"),))


@pytest.mark.data
@pytest.mark.skipif(not FEDEX_MILES.exists(), reason="needs ../shared/data")
def test_fedex_zones_by_miles_include_their_limits() -> None:
    with FEDEX_MILES.open() as lines:
        rows = list(csv.DictReader(lines))
    ids = tuple(ZoneId(row["zone"]) for row in rows)
    found = finder(
        zone_ids=ids,
        zone_distances=tuple(
            band(int(float(row["max_miles"] or 99_999) * METRES_PER_MILE), row["zone"]) for row in rows
        ),
    )
    miles = {100: "2", 150: "2", 151: "3", 300: "3", 301: "4", 1000: "5", 1400: "6", 1800: "7", 1801: "8", 2700: "8"}
    got = {m: ids[found.zone(0, 0, target(), int(m * METRES_PER_MILE))] for m in miles}
    assert got == miles
