"""Where somebody is who says no more than a country and a postcode, or coordinates."""

from bisect import bisect_left
from typing import NamedTuple

from engine.domain.errors import InputError
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
