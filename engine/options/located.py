"""Where somebody is who says no more than a country and a postcode, or coordinates."""

from bisect import bisect_left
from dataclasses import replace
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
    A destination that the network can promise to, how it was found, and how likely it is the right one.

    Where a beginning of the postcode is all that is known, the area with the most people of those that begin so stands
    for them; ``share_permille`` is their share, and what is promised holds for them.
    """

    destination: Destination
    how: str  # as of Located
    prefix: str = ""
    share_permille: int = 1000


def home_of(tools: Tools, destination: Destination) -> Home:
    """
    A destination with a postcode that the network knows: its own, one that begins so, or that of its coordinates.

    Raises
    ------
    InputError
        Where no postcode of the country begins alike, and there are no coordinates either.
    """
    network, compact = tools.network, destination.postcode.replace(" ", "").upper()
    for length in range(len(compact), 0, -1):
        if (destination.country, compact[:length]) in network.area_index:
            return Home(destination, "postcode")
    for length in range(len(compact), 0, -1):
        alike = _beginning_with(tools, destination.country, compact[:length])
        if alike:
            most = max(alike, key=lambda i: (network.areas[i].population, -i))
            people = sum(max(1, network.areas[i].population) for i in alike)
            share = max(1, network.areas[most].population) * 1000 // people
            found = replace(destination, postcode=network.areas[most].prefix)
            return Home(found, "prefix", compact[:length], share)
    if destination.lat is not None and destination.lon is not None:
        near = tools.nearest_area(destination.country, destination.lat, destination.lon)
        if near is not None:
            return Home(replace(destination, postcode=network.areas[near].prefix), "coordinates")
    raise InputError(
        f"No postcode of country ({destination.country}) that begins like ({destination.postcode}) is known to "
        f"network ({network.name}).",
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
