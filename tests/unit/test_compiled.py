from engine.decide.engine import Engine
from engine.domain.plan import Status
from engine.network.calendars import Calendars
from engine.network.compiled import compile_network
from engine.network.floors import NOT_SOLD, floors_of
from engine.network.live import Live
from tests import builders


def test_a_network_without_rates_compiles_and_serves_what_needs_none() -> None:
    network = builders.network(rates=())
    assert len(Engine(network).compiled.net.band) == 0
    home = Engine(network).decide(builders.order("a")).plan
    assert {s.service for s in home.shipments} <= {None}
    collected = Engine(network).decide(builders.order("a", pickup_node="st")).plan
    assert collected.status == Status.OPTIMAL


def test_the_floor_of_a_band_is_the_least_price_of_it_and_of_all_above() -> None:
    rates = (
        builders.rate("std", "near", 500, weight_max_g=1_000),
        builders.rate("std", "far", 700, weight_max_g=1_000),
        builders.rate("std", "far", 450, weight_max_g=2_000),  # cheaper than the band below it
        builders.rate("std", "near", 900, weight_max_g=5_000),
    )
    network = builders.network(rates=rates)
    live = Live(network)
    floors = floors_of(compile_network(network, Calendars(network, live.first_day, live.num_days)))
    std = network.service_index[rates[0].service_id]
    near, far = (network.zone_ids.index(zone) for zone in ("near", "far"))
    assert floors.limit_g[floors.group_of[std]][:3].tolist() == [1_000, 2_000, 5_000]
    assert floors.cents[0, std, near][:3].tolist() == [500, 900, 900]
    assert floors.cents[0, std, far][:3].tolist() == [450, 450, NOT_SOLD]
