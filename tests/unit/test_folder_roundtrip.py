"""What is written reads back as the same network, and nothing that would not is written."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.folder import read_network, validate_folder, write_network
from engine.domain.errors import InputError
from engine.domain.ids import CarrierId, NodeId, ServiceId, SkuId, ZoneId
from engine.domain.order import Method
from engine.domain.policy import ChannelRule, Policy, Relaxation
from engine.network.model import (
    Applies,
    CarrierHoliday,
    ChannelProtection,
    HoursException,
    Inbound,
    Network,
    Offer,
    SafetyStock,
    Surcharge,
    ZonePairs,
)
from tests import builders as b
from tests.strategies import random_case


def contents(value: Any) -> Any:
    """A value as plain data that compares by content, arrays included."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: contents(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: contents(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [contents(part) for part in value]
    return value


def assert_same(read: Network, written: Network) -> None:
    for f in dataclasses.fields(Network):
        if f.name != "version":  # of a folder it is the hash of its files
            assert contents(getattr(read, f.name)) == contents(getattr(written, f.name)), f.name
    assert read.as_of.utcoffset() == written.as_of.utcoffset()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def full_network() -> Network:
    """A network with every table filled and every kind of value off its default."""
    base = b.network()
    skus = b.sku_table(
        "a",
        "b",
        "c",
        hazardous=[True, False, False],
        node_groups={1: ("all",)},
        services={2: ("exp",)},
        class_names=("", "hard = soft", "shoes"),
        class_of=np.array([2, 0, 1], dtype=np.int32),
    )
    zones = (*base.zone_ids, ZoneId("p1"), ZoneId("p2"))
    pairs = ZonePairs(
        zone_map="miles",
        prefix_length=2,
        origin=("69", "75"),
        dest=("13", "69", "75"),
        zone=np.array([[-1, len(zones) - 2, len(zones) - 1], [0, 1, -1]], dtype=np.int16),
    )
    rates = (("shoes", 0), ("hard = soft", 1_000_000))
    stock = b.stock_table(base.nodes, skus, {("wh", "a"): 5, ("st", "b"): 0, ("wh", "c"): 7}, {("wh", "a"): 2})
    return replace(
        base,
        name='Quoted "name", with; everything\n',
        as_of=datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=timezone(timedelta(hours=-5))),
        skus=skus,
        stock=stock,
        nodes=(
            replace(
                base.nodes[0], name=" spaces, and\r\nlines ", offers=(), capacity_hour_units=0, rejection_by_class=rates
            ),
            *base.nodes[1:],
        ),
        zone_ids=tuple(sorted(zones)),
        zone_pairs=(replace(pairs, zone=remapped(pairs, zones)),),
        surcharges=(
            Surcharge(carrier_id=CarrierId("post"), code="fuel"),
            Surcharge(
                carrier_id=CarrierId("fast"),
                code="big",
                service_id=ServiceId("exp"),
                applies=Applies.LONGEST_OVER,
                threshold=1000,
                zone=ZoneId("abroad"),
                amount_cents=5,
                permille_of_base=20,
                fuel_applies=True,
                exclusive_group="size",
                charged_weight_min_g=1,
                valid_from=date(2026, 1, 1),
                valid_to=date(2026, 12, 31),
            ),
        ),
        hours_exceptions=(HoursException(node_id=NodeId("st"), day=date(2026, 12, 24), hours="10:00-12:00"),),
        carrier_holidays=(CarrierHoliday(carrier_id=CarrierId("post"), day=date(2026, 5, 1), country="FR", runs=True),),
        inbound=(
            Inbound(node_id=NodeId("wh"), sku=SkuId("a"), units=3, available_at=datetime(2026, 4, 1, tzinfo=UTC)),
        ),
        safety_stock=(
            SafetyStock(node_id=NodeId("wh"), sku=None, channel="", units=1),
            SafetyStock(node_id=NodeId("wh"), sku=SkuId("a"), channel="web", units=0),
        ),
        channel_protection=(ChannelProtection(node_id=NodeId("wh"), sku=SkuId("a"), channel="web", units=2),),
        policies=(
            Policy(
                policy_id="b",
                weights_permille=MappingProxyType({"carbon": 0}),
                methods=(Method.SAME_DAY,),
                channels=MappingProxyType({"a b": ChannelRule(node_groups=("all",), services=("exp",))}),
                relaxations=(Relaxation(rule="deliver_by", days=3), Relaxation(rule="max_distance")),
                use_inbound=True,
                max_distance_m=5,
            ),
            Policy(policy_id="a", version=2, relaxations=()),
        ),
        synthetic=("stock", 'all "else"'),
        meta=MappingProxyType(
            {"source": "ERP\x7f", "share": 0.25, "deep": {"when": date(2026, 1, 1), "list": [1, True]}}
        ),
    )


def remapped(pairs: ZonePairs, zones: tuple[ZoneId, ...]) -> Any:
    """The zone matrix with indices into the sorted zones."""
    order = {zone: i for i, zone in enumerate(sorted(zones))}
    table = np.array([order[zone] for zone in zones] + [-1], dtype=np.int16)
    return table[pairs.zone]


def trimmed(pairs: ZonePairs) -> ZonePairs:
    """Without prefixes that have no zone at all: a folder does not name them."""
    rows, columns = (pairs.zone >= 0).any(axis=1), (pairs.zone >= 0).any(axis=0)
    return replace(
        pairs,
        origin=tuple(p for p, used in zip(pairs.origin, rows, strict=True) if used),
        dest=tuple(p for p, used in zip(pairs.dest, columns, strict=True) if used),
        zone=pairs.zone[rows][:, columns],
    )


def test_a_network_with_every_table_and_value_reads_back_the_same(tmp_path: Path) -> None:
    written = full_network()
    write_network(written, tmp_path)
    assert [p for p in validate_folder(tmp_path) if p.severity == "error"] == []
    assert_same(read_network(tmp_path), written)


def test_the_default_network_reads_back_without_any_warning(tmp_path: Path) -> None:
    write_network(b.network(), tmp_path)
    assert validate_folder(tmp_path) == []
    assert_same(read_network(tmp_path), b.network())


def test_writing_what_was_read_makes_the_same_files_and_version(tmp_path: Path) -> None:
    write_network(full_network(), tmp_path / "one")
    first = read_network(tmp_path / "one")
    write_network(first, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert read_network(tmp_path / "two").version == first.version


def test_the_version_changes_with_any_byte_of_any_table(tmp_path: Path) -> None:
    write_network(b.network(), tmp_path)
    before = read_network(tmp_path).version
    (tmp_path / "stock.csv").write_text((tmp_path / "stock.csv").read_text().replace("wh,a,10", "wh,a,11"))
    assert read_network(tmp_path).version != before


def test_writing_over_an_older_network_leaves_none_of_its_tables(tmp_path: Path) -> None:
    write_network(full_network(), tmp_path)
    write_network(replace(b.network(), lanes=()), tmp_path)
    assert not (tmp_path / "lanes.csv").exists()
    assert_same(read_network(tmp_path), replace(b.network(), lanes=()))


def test_a_value_that_would_read_back_differently_is_not_written(tmp_path: Path) -> None:
    base = b.network()
    for changes in ({"groups": ("a;b",)}, {"postcode": " 75001"}, {"kind": "shop"}, {"lat": 99.0}):
        broken = replace(base, nodes=(replace(base.nodes[0], **changes), *base.nodes[1:]))
        with pytest.raises(InputError, match="cannot be written"):
            write_network(broken, tmp_path / "never")
    with pytest.raises(InputError, match="cannot be written"):
        write_network(replace(base, meta={"none": None}), tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_stock_of_zero_is_added_for_pairs_that_only_inbound_or_protection_name(tmp_path: Path) -> None:
    base = b.network()
    empty = replace(base, stock=b.stock_table(base.nodes, base.skus, {("wh", "a"): 4}))
    due = datetime(2026, 4, 1, tzinfo=UTC)
    named = replace(
        empty,
        inbound=tuple(
            Inbound(node_id=NodeId(n), sku=SkuId(s), units=1, available_at=due) for n, s in (("st", "b"), ("wh", "a"))
        ),
        channel_protection=(ChannelProtection(node_id=NodeId("wh"), sku=SkuId("c"), channel="web", units=2),),
    )
    write_network(named, tmp_path)
    stock = read_network(tmp_path).stock
    assert stock.node.tolist() == [0, 1, 0]
    assert stock.sku.tolist() == [0, 1, 2]
    assert stock.on_hand.tolist() == [4, 0, 0]


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=8)
IDS = TEXTS.filter(lambda t: t.strip() == t and t.isprintable() and t not in ("", "*", "none") and ";" not in t)
SMALL = st.integers(0, 500)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    base = b.network()
    ids = draw(st.lists(IDS.filter(lambda t: not t.startswith("group:")), min_size=2, max_size=4, unique=True))
    skus = b.sku_table(
        *draw(st.lists(IDS, min_size=1, max_size=5, unique=True)),
        weight_g=draw(SMALL),
        volume_cm3=draw(SMALL),
        never_split=draw(st.booleans()),
    )
    node = st.builds(
        replace,
        st.sampled_from(base.nodes),
        name=TEXTS,
        lat=st.floats(1, 90),
        lon=st.floats(-180, 180),
        groups=st.lists(IDS, max_size=2, unique=True).map(tuple),
        offers=st.lists(st.sampled_from(Offer), max_size=5, unique=True).map(tuple),
        capacity_day_orders=st.none() | SMALL,
        priority=SMALL,
    )
    nodes = tuple(replace(draw(node), node_id=NodeId(i)) for i in ids)
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(skus.ids))
    stock = draw(st.dictionaries(pairs, SMALL, max_size=8))
    collection = st.builds(
        b.collection,
        st.sampled_from(ids),
        st.sampled_from(["std", "exp"]),
        weekdays=st.sampled_from(["1111100", "0000001"]),
    )
    starts = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
    return replace(
        base,
        name=draw(TEXTS.filter(bool)),
        as_of=datetime.fromtimestamp(
            draw(st.integers(10**9, 2**31)), timezone(timedelta(minutes=draw(st.integers(-720, 840))))
        ),
        nodes=nodes,
        skus=skus,
        stock=b.stock_table(nodes, skus, stock, days_of_cover={pair: draw(SMALL) for pair in stock}),
        rates=tuple(replace(rate, valid_from=draw(starts) or date.min, price_cents=draw(SMALL)) for rate in base.rates),
        collections=tuple(draw(st.lists(collection, max_size=4, unique=True))),
        lanes=(b.lane(ids[0], ids[1]),),
        synthetic=tuple(draw(st.lists(TEXTS, max_size=2))),
        policies=(Policy(policy_id=draw(IDS), split_cents=draw(SMALL), use_inbound=draw(st.booleans())),),
    )


@settings(max_examples=60, deadline=None)
@given(network=networks())
def test_any_small_network_reads_back_the_same(network: Network, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("network")
    write_network(network, folder)
    read = read_network(folder)
    assert_same(read, network)
    before = files(folder)
    write_network(read, folder)
    assert files(folder) == before


def test_random_networks_of_the_property_tests_read_back_the_same(tmp_path: Path) -> None:
    same = 0
    for seed in range(40):
        network = random_case(seed).network
        # The generator may repeat a prefix, and lookups take its last row; a folder has each once.
        areas = {(area.country, area.prefix): area for area in network.areas}
        network = replace(network, areas=tuple(areas.values()), zone_pairs=tuple(map(trimmed, network.zone_pairs)))
        write_network(network, tmp_path)
        if not any(p.severity == "error" for p in validate_folder(tmp_path)):
            assert_same(read_network(tmp_path), network)
            same += 1
    assert same > 0
