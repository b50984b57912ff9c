"""How many of the people who may be meant by the beginning of a postcode are reached as early as was promised."""

from engine.desk.state import State
from engine.domain.order import Destination
from engine.network.routes import Route, distance_m
from engine.options.located import Home

ALIKE_MAX = 12  # areas that stand for all that begin alike, those with most people


def reached_permille(state: State, home: Home, route: Route) -> int:
    """
    The share of the people who may be meant that a carrier takes no longer to than was promised.

    They live in the areas that begin alike, of which the ALIKE_MAX with most people stand for all.
    """
    areas = state.engine.network.areas
    alike = sorted((areas[i] for i in home.alike), key=lambda area: (-area.population, area.prefix))[:ALIKE_MAX]
    within = _transit(state, home.destination, route)
    reached, people = 0, 0
    for area in alike:
        number = max(1, area.population)
        takes = _transit(state, Destination(country=area.country, postcode=area.prefix), route)
        people += number
        if takes is not None and within is not None and takes <= within:
            reached += number
    return 1000 * reached // people


def _transit(state: State, destination: Destination, route: Route) -> int | None:
    """Days (or minutes) that a service is given to somewhere; None where it does not go."""
    engine, tools = state.engine, state.engine.tools
    node, target = engine.network.nodes[route.node], tools.home_target(destination)
    far_m = distance_m(node.lat, node.lon, target.lat, target.lon)
    zone = tools.zones.zone(route.service, route.node, target, far_m)
    found = tools.dates.transit_units(route.service, zone, engine.policy.promise_confidence_permille)
    return None if found is None else found[0]
