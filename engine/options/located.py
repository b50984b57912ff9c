"""Where somebody is who says no more than a country and a postcode, or coordinates."""

from bisect import bisect_left
from typing import NamedTuple

from engine.domain.errors import InputError
from engine.domain.order import Destination
from engine.options.tools import Tools


class Located(NamedTuple):
    """A place, and how it was found: by "coordinates", "postcode", or a "prefix" of it, which is then named."""

    lat: float
    lon: float
    how: str
    prefix: str = ""


def locate(tools: Tools, country: str, postcode: str) -> Located:
    """
    Find a postcode: itself; else the area that it is in; else the middle of those that begin as it does.

    The middle is that of the people who live there. The longest beginning counts, in both cases.

    Raises
    ------
    InputError
        Where no postcode of the country begins with the first character.
    """
    network, compact = tools.network, postcode.replace(" ", "").upper()
    for length in range(len(compact), 0, -1):
        found = network.area_index.get((country, compact[:length]))
        if found is not None:
            area = network.areas[found]
            if length == len(compact):
                return Located(area.lat, area.lon, "postcode", compact)
            return Located(area.lat, area.lon, "prefix", compact[:length])
    for length in range(len(compact), 0, -1):
        begin = compact[:length]
        alike = _beginning_with(tools, country, begin)
        if alike:
            people = [max(1, network.areas[i].population) for i in alike]
            lat = sum(n * network.areas[i].lat for n, i in zip(people, alike, strict=True)) / sum(people)
            lon = sum(n * network.areas[i].lon for n, i in zip(people, alike, strict=True)) / sum(people)
            return Located(lat, lon, "prefix", begin)
    raise InputError(
        f"No postcode of country ({country}) that begins like ({postcode}) is known to network ({network.name}).",
        "check the postcode, or give lat and lon.",
    )


class Home(NamedTuple):
    """
    A customer's home as a decision takes it, and how it was found.

    ``alike`` are the areas that it may be in, where no more than the beginning of a postcode is known.
    """

    destination: Destination
    located: Located
    alike: tuple[int, ...] = ()


def locate_home(
    tools: Tools,
    country: str,
    postcode: str | None,
    lat: float | None = None,
    lon: float | None = None,
    *,
    residential: bool = True,
) -> Home:
    """
    Find a home by a postcode or by coordinates: as a decision does; else where `locate` does, or at the coordinates.

    Zones, calendars and surcharges are then those of the nearest area: of the country's, or of those that begin alike.

    Raises
    ------
    InputError
        Where no postcode of the country begins with the first character, or none of it is known at all.
    """
    compact = "" if postcode is None else postcode.replace(" ", "").upper()
    known = any((country, compact[:length]) in tools.network.area_index for length in range(len(compact), 0, -1))
    placed = lat is not None and lon is not None
    if placed:
        located = Located(lat or 0.0, lon or 0.0, "coordinates")
    else:
        located = locate(tools, country, compact)
    if known:
        return Home(Destination(country=country, postcode=compact, lat=lat, lon=lon, residential=residential), located)
    alike = _beginning_with(tools, country, located.prefix)
    if not alike:
        raise InputError(f"No postcode of country ({country}) is known to network ({tools.network.name}).", "add some.")
    near = tools.nearest_area(alike, located.lat, located.lon)
    home = Destination(
        country=country,
        postcode=tools.network.areas[near].prefix,
        lat=located.lat,
        lon=located.lon,
        residential=residential,
    )
    return Home(home, located, () if placed else tuple(alike))


def home_of(tools: Tools, destination: Destination) -> Home:
    """Likewise, of a destination; one without a postcode has an empty one."""
    where = destination.country, destination.postcode or None, destination.lat, destination.lon
    return locate_home(tools, *where, residential=destination.residential)


def knows(tools: Tools, country: str) -> bool:
    """Whether the network has a node or an area in a country."""
    at = bisect_left(tools.areas_by_prefix, (country, "", 0))
    rows = tools.areas_by_prefix
    return (at < len(rows) and rows[at][0] == country) or any(node.country == country for node in tools.network.nodes)


def _beginning_with(tools: Tools, country: str, begin: str) -> list[int]:
    """The areas of a country whose prefixes begin with a text."""
    rows = tools.areas_by_prefix
    at = bisect_left(rows, (country, begin, 0))
    last = bisect_left(rows, (country, begin + "\U0010ffff", 0))
    return [index for _, _, index in rows[at:last]]
