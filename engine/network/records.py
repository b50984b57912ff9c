"""
The arrays of a compiled network: what their records hold, and their shapes.

Letters: K nodes, S services, Z zones, E eras (intervals of days within which no tariff changes), D days, R regions
(country, region) of targets, T time zones of targets, L lanes. Instants are epoch seconds, days are numbers from the
first day of the calendars, money is cents. "none" is -1 unless said otherwise. The fields are listed in `Net`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import openable
from engine.network.model import Applies, NodeKind, Offer, ServiceKind

I64 = NDArray[np.int64]
Records = NDArray[np.void]
Columns = dict[str, I64]
UNLIMITED = 2**31 - 1  # of a cell of capacity
OFFER_BIT = {offer: 1 << i for i, offer in enumerate(Offer)}
APPLIES_CODE = {applies: i for i, applies in enumerate(Applies)}
NODE_KIND_CODE = {kind: i for i, kind in enumerate(NodeKind)}
SERVICE_KIND_CODE = {kind: i for i, kind in enumerate(ServiceKind)}
MASK_BITS = 62


def _record(names: str) -> np.dtype[np.void]:
    return np.dtype([(name, "i8") for name in names.split()])


NODE = _record(
    "kind offers groups services hand_order_s hand_line_s receiving_s free_from_s"
    " segment_from segment_to open_from open_to lane_from lane_to"  # its rows in segment, opening, lanes_in
)
SEGMENT = _record("start_s end_s work_s day hour")  # working time; work_s: of the calendar before the segment
OPENING = _record("from_s to_s")
ROWS = _record("row_from row_to")
LEAVE = _record("leave_s cutoff_s then")  # then: ship day of a hand-over, arrival of a departure
LANE = _record("origin target order_cents unit_cents tkm_g distance_m row_from row_to")
SERVICE = _record(
    "kind weight_max_g longest_max_mm girth_max_mm volume_max_cm3 parcels_max dim dim_min_cm3 fuel"
    " minutes takes parcel_g tkm_g"  # minutes: 1 if transit is in minutes; takes: bits 1 hazardous, 2 oversize
    " band_from band_to price_from surcharge_from surcharge_to"
)
BAND = _record("limit_g")
SURCHARGE = _record("applies threshold zone cents permille fuel group min_g")  # zone -1 all, group -1 none
SKU = _record("weight_g volume_cm3 longest_mm second_mm third_mm value_cents flags groups services sku_class")
TRANSIT, DELIVERS = 1, 2  # bits of Net.running


class Net(NamedTuple):
    """The arrays. Shapes in the letters of the module; NODE and so on are record types."""

    node: Records  # (K,) NODE
    segment: Records  # SEGMENT, picking calendars one after the other
    opening: Records  # OPENING, opening calendars
    schedule: Records  # (K, S) ROWS: hand-overs of a service at a node
    handover: Records  # LEAVE
    lane: Records  # (L,) LANE
    departure: Records  # LEAVE
    lanes_in: I64  # lanes by target
    service: Records  # (S,) SERVICE
    era_of_day: I64  # (D,)
    band: Records  # BAND, by service
    price_cents: I64  # per service a block (E, Z, its bands); -1 a hole
    per_kg_cents: I64  # (S, E, Z) beyond the last band
    surcharge: Records  # SURCHARGE, by service
    surcharge_valid: I64  # (num_surcharges, E)
    running_of: I64  # (S, R) row of running
    running: I64  # (num_arrival_calendars, D + ARRIVAL_DAYS) bits TRANSIT, DELIVERS
    end_s: I64  # (S, T, D + ARRIVAL_DAYS) end of the delivery window
    sku: Records  # SKU


def _empty() -> Net:
    i64 = np.zeros(0, dtype=np.int64)
    return Net(
        node=np.zeros(0, NODE),
        segment=np.zeros(0, SEGMENT),
        opening=np.zeros(0, OPENING),
        schedule=np.zeros((0, 0), ROWS),
        handover=np.zeros(0, LEAVE),
        lane=np.zeros(0, LANE),
        departure=np.zeros(0, LEAVE),
        lanes_in=i64,
        service=np.zeros(0, SERVICE),
        era_of_day=i64,
        band=np.zeros(0, BAND),
        price_cents=i64,
        per_kg_cents=np.zeros((0, 0, 0), dtype=np.int64),
        surcharge=np.zeros(0, SURCHARGE),
        surcharge_valid=np.zeros((0, 0), dtype=np.int64),
        running_of=np.zeros((0, 0), dtype=np.int64),
        running=np.zeros((0, 0), dtype=np.int64),
        end_s=np.zeros((0, 0, 0), dtype=np.int64),
        sku=np.zeros(0, SKU),
    )


openable(Net, _empty)


def table(dtype: np.dtype[np.void], columns: Columns) -> Records:
    """Columns of equal length as one array of records."""
    assert dtype.names is not None, "a record type has names"
    out = np.zeros(len(next(iter(columns.values()))), dtype=dtype)
    for name in dtype.names:
        out[name] = columns[name]
    return out


def records(dtype: np.dtype[np.void], rows: Sequence[tuple[int, ...]]) -> Records:
    """Rows as one array of records."""
    return np.array(rows, dtype=dtype)
