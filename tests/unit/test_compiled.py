from engine.decide.engine import Engine
from engine.domain.plan import Status
from engine.network.calendars import Calendars
from engine.network.compiled import compile_network
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
    net = compile_network(network, Calendars(network, live.first_day, live.num_days)).net
    std = net.service[network.service_index[rates[0].service_id]]
    bands = net.band[std["band_from"] : std["band_to"]]
    assert bands["limit_g"].tolist() == [1_000, 2_000, 5_000]
    assert bands["floor_cents"].tolist() == [450, 450, 900]
