"""What stands in the way of a shipment, by code; and the arrays in which `engine.optimise.why` works and answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.policy import RULES
from engine.network.blocks import openable
from engine.network.jit import inlined

I64 = NDArray[np.int64]

# Codes of engine.options; a node is told by the one that got furthest, and of equals by the first.
CODES = (
    "",
    "no_source",
    "paused",
    "node",
    "channel",
    "pinned",
    "node_group",
    "no_stock",
    "no_route",
    "method",
    "service",
    "too_far",
    "ships_alone",
    "sku_service",
    "never_open",
    "no_capacity",
    "no_collection",
    "no_transit",
    "no_lane",
    "place_never_opens",
    "beyond_horizon",
    "too_late",
    "hazardous",
    "oversize",
    "too_heavy",
    "too_large",
    "too_many_parcels",
    "no_price",
    "place",
)
(
    FITS,
    NO_SOURCE,
    PAUSED,
    BARRED,
    CHANNEL,
    PINNED,
    NODE_GROUP,
    NO_STOCK,
    NO_ROUTE,
    METHOD,
    SERVICE,
    TOO_FAR,
    SHIPS_ALONE,
    SKU_SERVICE,
    NEVER_OPEN,
    NO_CAPACITY,
    NO_COLLECTION,
    NO_TRANSIT,
    NO_LANE,
    PLACE_NEVER_OPENS,
    BEYOND_HORIZON,
    TOO_LATE,
    HAZARDOUS,
    OVERSIZE,
    TOO_HEAVY,
    TOO_LARGE,
    TOO_MANY_PARCELS,
    NO_PRICE,
    OTHER_PLACE,
) = range(len(CODES))
IGNORE_STOCK, IGNORE_CUT_OFF, IGNORE_ROOM, IGNORE_DATE = 1, 2, 4, 8
(
    W_CODE,
    W_KIND,  # KIND_...
    W_ID,  # service or lane
    W_PLACE,  # row of Orders.places, -1 home
    W_CENTS,
    W_DELIVER,
    W_SHORT,  # line that is short, from the row's first; -1 none
    W_HAVE,  # units that can be promised of it, or -1
    W_CUT_OFF,  # a cut-off that was missed for the first hand-over after the pick, -1 none
    W_LEAVE,  # that hand-over: row of net.handover, or of net.departure for a lane
    W_FULL,  # segment whose day or hour has no room, so that the pick has to wait, -1 none
    W_RELEASE,
    W_PICK,
    W_SHIP,
    W_CO2E,
    W_FIELDS,
) = range(16)
# the pick at a node, and what every service asks about the items
PK_END, PK_DAY, PK_CODE, PK_UNIT_G, PK_UNIT_CM3, PK_FIELDS = range(6)


class Look(NamedTuple):
    """Arrays of one look at all nodes; made once per network."""

    ask: I64  # (A_FIELDS,)
    collects: I64  # (K,) services with a collection at a node, as bits
    start: I64  # (W_FIELDS,) facts of the node at hand before any route
    base: I64  # (len(RULES),) and its terms
    now: I64  # (W_FIELDS,) of the route at hand
    part: I64  # (len(RULES),)
    kept: I64  # (W_FIELDS,) the answer of the node at hand before a look at places that it may not use
    pick: I64  # (PK_FIELDS,) of the node at hand
    found: I64  # (K, W_FIELDS) the answer: the best shipment of a node, or the refusal that got furthest
    terms: I64  # (K, len(RULES)) its cost by rule, weighted; to a new place with the trip there


# what is asked: rules to look away from; services that the order itself allows (its row has those that the channel
# allows too); the row of the place that other shipments of the plan go to, -1 none
A_IGNORE, A_OWN, A_USED, A_FIELDS = range(4)


def look(collects: I64) -> Look:
    """Room for looks at a network, whose nodes' collections are given."""
    num_nodes = len(collects)
    return Look(
        ask=np.zeros(A_FIELDS, dtype=np.int64),
        collects=collects,
        start=np.zeros(W_FIELDS, dtype=np.int64),
        base=np.zeros(len(RULES), dtype=np.int64),
        now=np.zeros(W_FIELDS, dtype=np.int64),
        part=np.zeros(len(RULES), dtype=np.int64),
        kept=np.zeros(W_FIELDS, dtype=np.int64),
        pick=np.zeros(PK_FIELDS, dtype=np.int64),
        found=np.zeros((num_nodes, W_FIELDS), dtype=np.int64),
        terms=np.zeros((num_nodes, len(RULES)), dtype=np.int64),
    )


openable(Look, lambda: look(np.zeros(0, dtype=np.int64)))


@inlined
def stage(code: int) -> int:
    """How far a route got before a refusal."""
    if code >= HAZARDOUS:
        return 7
    if code == TOO_LATE:
        return 6
    if code >= NEVER_OPEN:
        return 5
    if code >= SHIPS_ALONE:
        return 3
    return 2 if code == TOO_FAR else (1 if code >= METHOD else 0)
