"""What adapters ask the desk about stock."""

import asyncio
from collections.abc import Sequence

import msgspec

from api.http.call import Call
from engine.desk.availability import PAIRS_MAX, AvailabilitiesDoc, Availability, AvailabilityDoc


async def availability(
    call: Call, skus: Sequence[str], nodes: Sequence[str], groups: Sequence[str] = ()
) -> list[AvailabilityDoc]:
    """
    What there is, by sku, then node, then group; every name is known.

    As many calls of the desk as its limit wants; it takes them together, so that they see one state.
    """
    members = [
        len([node for node in call.services.desk.state.engine.network.nodes if g in node.groups]) for g in groups
    ]
    pairs = len(nodes) + sum(members)
    if not skus or not pairs:
        return []
    many = max(1, PAIRS_MAX // pairs)
    asks = [
        Availability(skus=tuple(skus[i : i + many]), nodes=tuple(nodes), groups=tuple(groups))
        for i in range(0, len(skus), many)
    ]
    answers = await asyncio.gather(*(call.answer(ask) for ask in asks))
    found = [msgspec.json.decode(one.body, type=AvailabilitiesDoc).availability for one in answers]
    return [doc for docs in found for doc in docs]
