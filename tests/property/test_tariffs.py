"""Zones and prices of parcels on random tariffs: they agree with engine/MODEL.md written down a second time."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.costs.parcels import Contents, ParcelPrice, RateCards
from engine.domain.ids import ZoneId
from engine.domain.units import EPOCH_DATE
from engine.network.model import Applies, Network, Rate, Service, Surcharge, ZoneDistance, ZonePairs, ZoneRegion
from engine.network.routes import Target
from engine.network.zones import ZoneFinder
from tests import builders
from tests.examples import examples
from tests.tariffs import JUNE, surcharge

ZONE_IDS = tuple(ZoneId(z) for z in "abc")
BANDS_G = (100, 250, 700, 1_500)
FIRST, LAST = JUNE, JUNE + 5  # ship days; dates of validity lie around them

# No limit of time: a busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(patient, max_examples=examples(300))


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


# MODEL.md section 4, "Parcels" to "Fuel", from the rows of the tables and in no hurry.


def price_by_the_book(
    network: Network, zone: ZoneId, day: int, contents: Contents, target: Target, signature: bool
) -> int | str:
    service = network.services[0]
    num = max(1, ceil(Fraction(contents.weight_g, service.weight_max_g)))
    if service.volume_max_cm3 > 0:
        num = max(num, ceil(Fraction(contents.volume_cm3, service.volume_max_cm3)))
    if num > service.parcels_max:
        return "too_many_parcels"
    weight = ceil(Fraction(contents.weight_g, num))
    volume = ceil(Fraction(contents.volume_cm3, num))
    due = [s for s in network.surcharges if is_due(s, service, zone, day, contents, weight, target, signature)]
    weights = [weight, *(s.charged_weight_min_g for s in due)]
    if service.dim_cm3_per_kg > 0 and volume > service.dim_min_cm3:
        weights.append(ceil(Fraction(1_000 * volume, service.dim_cm3_per_kg)))
    base = base_by_the_book(network.rates, zone, day, max(weights))
    if base is None:
        return "no_price"
    charged: dict[int, int] = {}
    for i, row in enumerate(due):
        cents = row.amount_cents + half_up(Fraction(base * row.permille_of_base, 1000))
        rivals = [j for j in charged if row.exclusive_group and due[j].exclusive_group == row.exclusive_group]
        if any(charged[j] >= cents for j in rivals):
            continue
        for j in rivals:
            del charged[j]
        charged[i] = cents
    fuelled = base + sum(cents for i, cents in charged.items() if due[i].fuel_applies)
    return num * (base + sum(charged.values()) + half_up(Fraction(fuelled * service.fuel_permille, 1000)))


def base_by_the_book(rates: tuple[Rate, ...], zone: ZoneId, day: int, charged: int) -> int | None:
    limits = {r.weight_max_g for r in rates}
    if not limits:
        return None
    holding = [limit for limit in limits if limit >= charged]
    band = min(holding) if holding else max(limits)
    for row in rates:
        valid = row.valid_from <= EPOCH_DATE + timedelta(days=day) <= row.valid_to
        if row.zone == zone and row.weight_max_g == band and valid:
            if holding:
                return row.price_cents
            if row.per_kg_beyond_cents > 0:
                return row.price_cents + row.per_kg_beyond_cents * ceil(Fraction(charged - band, 1000))
            return None
    return None


def is_due(
    row: Surcharge,
    service: Service,
    zone: ZoneId,
    day: int,
    contents: Contents,
    weight: int,
    target: Target,
    signature: bool,
) -> bool:
    if row.carrier_id != service.carrier_id or row.service_id not in (None, service.service_id):
        return False
    if row.zone not in (None, zone) or not row.valid_from <= EPOCH_DATE + timedelta(days=day) <= row.valid_to:
        return False
    return {
        Applies.ALWAYS: True,
        Applies.RESIDENTIAL: target.residential,
        Applies.REMOTE: target.remote,
        Applies.SIGNATURE: signature,
        Applies.HAZARDOUS: contents.hazardous,
        Applies.OVERSIZE: contents.oversize,
        Applies.WEIGHT_OVER: weight > row.threshold,
        Applies.LONGEST_OVER: contents.longest_mm > row.threshold,
        Applies.SECOND_OVER: contents.second_mm > row.threshold,
        Applies.LENGTH_GIRTH_OVER: contents.girth_mm > row.threshold,
    }[row.applies]


# Random tariffs, small enough that every rule binds often.


@st.composite
def validity(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {}
    first = draw(st.integers(FIRST - 1, LAST))
    last = draw(st.integers(first, LAST + 1))
    return {"valid_from": EPOCH_DATE + timedelta(days=first), "valid_to": EPOCH_DATE + timedelta(days=last)}


@st.composite
def random_rates(draw: st.DrawFn) -> tuple[Rate, ...]:
    """Some bands in every zone, some holes, some prices by date."""
    bands = draw(st.lists(st.sampled_from(BANDS_G), unique=True, min_size=1))
    return tuple(
        builders.rate(
            "s",
            zone,
            draw(st.integers(0, 2_000)),
            weight_max_g=band,
            per_kg_beyond_cents=draw(st.sampled_from((0, 70))),
            **dates,
        )
        for zone in ZONE_IDS
        for band in bands
        for dates in (draw(validity()), {})
        if draw(st.integers(0, 3)) > 0
    )


@st.composite
def random_surcharges(draw: st.DrawFn, *, same_fuel: bool = False) -> tuple[Surcharge, ...]:
    rows = []
    for i in range(draw(st.sampled_from((0, 2, 4, 6)))):
        group = draw(st.sampled_from(("", "g", "h")))
        rows.append(
            surcharge(
                f"x{i}",
                draw(st.sampled_from((0, 99, 100, 350))),
                applies=draw(st.sampled_from((*[Applies.ALWAYS] * 6, *Applies))),
                threshold=draw(st.sampled_from((0, 50, 300))),
                zone=draw(st.sampled_from((*[None] * 6, *ZONE_IDS))),
                service_id=draw(st.sampled_from((None, None, "s", "t"))),
                permille_of_base=draw(st.sampled_from((0, 0, 25, 333))),
                fuel_applies=(group == "g") if same_fuel and group else draw(st.booleans()),
                exclusive_group=group,
                charged_weight_min_g=draw(st.sampled_from((0, 0, 250, 1_501))),
                **draw(validity()),
            )
        )
    return tuple(rows)


@st.composite
def random_service(draw: st.DrawFn) -> Service:
    return builders.service(
        "s",
        weight_max_g=draw(st.sampled_from((600, 1_500, 5_000))),
        volume_max_cm3=draw(st.sampled_from((0, 0, 1_000))),
        dim_cm3_per_kg=draw(st.sampled_from((0, 5_000, 999))),
        dim_min_cm3=draw(st.sampled_from((0, 400))),
        fuel_permille=draw(st.sampled_from((0, 100, 175, 305))),
        parcels_max=draw(st.sampled_from((2, 10))),
    )


@st.composite
def random_contents(draw: st.DrawFn) -> Contents:
    near_limits = st.sampled_from([0, *(g + d for g in BANDS_G for d in (-1, 0, 1)), 2_500, 5_001, 12_000])
    side = st.sampled_from((10, 50, 51, 300, 301))
    return Contents(
        draw(near_limits | st.integers(0, 6_000)),
        draw(st.integers(0, 5_000)),
        draw(side),
        draw(side),
        10,
        draw(side),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def network_of(service: Service, rates: tuple[Rate, ...], surcharges: tuple[Surcharge, ...]) -> Network:
    return builders.network(
        services=(service,),
        rates=rates,
        surcharges=surcharges,
        zone_ids=ZONE_IDS,
        zone_distances=(),
        zone_regions=(),
        transits=(),
        collections=(),
    )


networks = st.builds(network_of, random_service(), random_rates(), random_surcharges())
targets = st.builds(
    Target,
    country=st.just("FR"),
    postcode=st.sampled_from(("75011", "75012", "69001", "13001")),
    region=st.sampled_from(("", "IDF", "ARA")),
    tz=st.just("Europe/Paris"),
    lat=st.just(48.9),
    lon=st.just(2.3),
    residential=st.booleans(),
    remote=st.booleans(),
    area=st.just(0),
)
zones = st.integers(0, len(ZONE_IDS) - 1)
days = st.integers(FIRST, LAST)


def cents_of(network: Network, zone: int, day: int, contents: Contents, where: Target, signature: bool) -> int | str:
    got = RateCards(network).price(0, zone, day, contents, where, signature)
    return got.num_parcels * got.unit_price_cents if isinstance(got, ParcelPrice) else got.code


@thorough
@given(networks, zones, days, random_contents(), targets, st.booleans())
def test_a_price_is_what_the_model_says(
    network: Network, zone: int, day: int, contents: Contents, where: Target, signature: bool
) -> None:
    expected = price_by_the_book(network, ZONE_IDS[zone], day, contents, where, signature)
    assert cents_of(network, zone, day, contents, where, signature) == expected


@patient
@given(networks, zones, days, random_contents(), targets, st.booleans())
def test_parts_of_a_price_add_up(
    network: Network, zone: int, day: int, contents: Contents, where: Target, signature: bool
) -> None:
    got = RateCards(network).price(0, zone, day, contents, where, signature)
    if isinstance(got, ParcelPrice):
        assert sum(cents for _, cents in got.parts) == got.num_parcels * got.unit_price_cents
        assert got.parts[0][0] == "base"
        assert got.charged_weight_g >= got.weight_g


@patient
@given(
    random_service(),
    random_rates(),
    random_surcharges(same_fuel=True),
    st.tuples(zones, days, random_contents(), targets, st.booleans()),
    st.data(),
)
def test_a_dearer_card_never_makes_a_parcel_cheaper(
    service: Service, rates: tuple[Rate, ...], surcharges: tuple[Surcharge, ...], ask: Any, data: st.DataObject
) -> None:
    """Groups whose rows differ in fuel_applies are left out: there, the dearer surcharge may save more fuel."""
    up = st.sampled_from((0, 1, 400))
    dearer_rates = tuple(
        replace(
            r,
            price_cents=r.price_cents + data.draw(up),
            per_kg_beyond_cents=r.per_kg_beyond_cents and r.per_kg_beyond_cents + data.draw(up),
        )
        for r in rates
    )
    dearer_extras = tuple(
        replace(s, amount_cents=s.amount_cents + data.draw(up), permille_of_base=s.permille_of_base + data.draw(up))
        for s in surcharges
    )
    before = cents_of(network_of(service, rates, surcharges), *ask)
    after = cents_of(network_of(service, dearer_rates, dearer_extras), *ask)
    if isinstance(before, str):
        assert after == before
    else:
        assert not isinstance(after, str)
        assert after >= before


@patient
@given(
    st.lists(st.integers(0, 900), min_size=len(BANDS_G), max_size=len(BANDS_G)),
    random_surcharges(same_fuel=True),
    st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)),
    days,
    targets,
)
def test_a_heavier_parcel_is_never_cheaper_where_prices_rise_with_weight(
    steps: list[int], surcharges: tuple[Surcharge, ...], weights: tuple[int, int], day: int, where: Target
) -> None:
    """Within one parcel: two half-empty ones may well cost less than a full one."""
    rates = tuple(
        builders.rate("s", "a", sum(steps[: i + 1]), weight_max_g=limit, per_kg_beyond_cents=40)
        for i, limit in enumerate(BANDS_G)
    )
    network = network_of(builders.service("s", weight_max_g=9_000, fuel_permille=150), rates, surcharges)
    light, heavy = (
        cents_of(network, 0, day, Contents(g, 100, 100, 100, 100, 500, False, False), where, False)
        for g in sorted(weights)
    )
    assert not isinstance(light, str)
    assert not isinstance(heavy, str)
    assert light <= heavy


# Zones


def zone_by_the_book(network: Network, node: int, target: Target, distance_m: int) -> int:
    origin = network.nodes[node]
    for table in sorted(network.zone_pairs, key=lambda t: t.prefix_length, reverse=True):
        here, there = origin.postcode[: table.prefix_length], target.postcode[: table.prefix_length]
        if here in table.origin and there in table.dest:
            zone = int(table.zone[table.origin.index(here), table.dest.index(there)])
            if zone >= 0:
                return zone
    for band in sorted(network.zone_distances, key=lambda row: row.distance_max_m):
        if distance_m <= band.distance_max_m:
            return network.zone_ids.index(band.zone)
    for num_exact in (2, 1, 0):
        for row in network.zone_regions:
            countries = (row.origin_country, row.dest_country) == (origin.country, target.country)
            fits = row.origin_region in ("", origin.region) and row.dest_region in ("", target.region)
            if countries and fits and (row.origin_region != "") + (row.dest_region != "") == num_exact:
                return network.zone_ids.index(row.zone)
    return -1


@st.composite
def random_zone_map(draw: st.DrawFn) -> Network:
    tables = []
    for length in draw(st.sampled_from(((), (2,), (2, 5)))):
        origin = sorted({code[:length] for code in ("75001", "69001")})
        dest = sorted({code[:length] for code in draw(st.sampled_from((("75011",), ("69001", "75011"))))})
        cells = draw(st.lists(st.integers(-1, 2), min_size=len(origin) * len(dest), max_size=len(origin) * len(dest)))
        zone = np.array(cells, dtype=np.int16).reshape(len(origin), len(dest))
        tables.append(ZonePairs(zone_map="m", prefix_length=length, origin=tuple(origin), dest=tuple(dest), zone=zone))
    limits = draw(st.sampled_from(((), (), (20,), (30, 0, 10))))
    regions = st.builds(
        ZoneRegion,
        zone_map=st.just("m"),
        origin_country=st.sampled_from((*["FR"] * 5, "BE")),
        origin_region=st.sampled_from(("", "IDF", "ARA")),
        dest_country=st.sampled_from((*["FR"] * 5, "BE")),
        dest_region=st.sampled_from(("", "IDF", "ARA")),
        zone=st.sampled_from(ZONE_IDS),
    )
    zone_of = st.sampled_from(ZONE_IDS)
    return builders.network(
        services=(builders.service("s", zone_map="m"),),
        zone_ids=ZONE_IDS,
        zone_pairs=tuple(tables),
        zone_distances=tuple(ZoneDistance(zone_map="m", distance_max_m=d, zone=draw(zone_of)) for d in limits),
        zone_regions=tuple(draw(st.lists(regions, min_size=3, max_size=9))),
        rates=(),
        transits=(),
        collections=(),
    )


@thorough
@given(random_zone_map(), st.integers(0, 1), targets, st.integers(0, 31))
def test_a_zone_is_what_the_model_says(network: Network, node: int, where: Target, distance_m: int) -> None:
    got = ZoneFinder(network).zone(0, node, where, distance_m)
    assert got == zone_by_the_book(network, node, where, distance_m)
