"""
Scratch memory of the kernel: made once, reused for every order, so that a decision allocates nothing.

A candidate is a node that has at least one line of the order; candidates are numbered as they are met. T is a set of items,
as a bit mask below 2**ITEMS_MAX. Entries are valid where their stamp equals the running order's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.optimise.tables import ITEMS_MAX, LINES_MAX

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
MEMO_MAX = 1 << 20
SETS = 1 << ITEMS_MAX
INFINITE = 2**61

# columns of a shipment in the kernel's answer
(
    S_KIND,  # KIND_...
    S_NODE,
    S_ID,  # service or lane
    S_ITEMS,  # bit mask
    S_AT_PLACE,  # 1: ends at the plan's place
    S_CENTS,
    S_PICK,
    S_DAY,  # pick cell, day from first_day
    S_HOUR,
    S_SHIP,
    S_DELIVER,
    S_UNITS,
    S_FIELDS,
) = range(13)
KIND_CARRIER, KIND_OWN, KIND_LANE = 0, 1, 2


class Workspace(NamedTuple):
    """The arrays."""

    clock: I64  # [0] stamp, [1] number of candidates
    mark: I64  # (K,) stamp
    candidate_of: I32  # (K,) -1: may not serve
    cand_node: I32  # (K,)
    cand_lines: I64  # (K,) bits of lines it has in full
    cand_items: I64  # (K,) bits of items
    cand_cents: I64  # (K, ITEMS_MAX) rejection, opportunity and markdown of an item
    cand_from_s: I64  # (K, ITEMS_MAX) from when the item's stock is there, 0 now
    pick_stamp: I64  # (K, LINES_MAX + 1)
    pick_start_s: I64
    pick_end_s: I64
    pick_segment: I64
    set_weight_g: I64  # (SETS,)
    set_volume_cm3: I64
    set_longest_mm: I64
    set_second_mm: I64
    set_girth_mm: I64
    set_goods: I64
    set_units: I64
    set_lines: I64
    set_value_cents: I64
    set_services: I64
    set_valid: I32
    item_least_cents: I64  # (ITEMS_MAX,)
    item_floor_cents: I64  # (ITEMS_MAX,) least carrier price of a parcel that holds it
    item_unserved_cents: I64  # (ITEMS_MAX,)
    price_stamp: I64  # (MEMO_MAX,)
    price_cents: I64
    least_stamp: I64  # (MEMO_MAX,)
    least_cents: I64
    cap_cents: I64  # (SETS,) dearer shipments of T cannot be in a best plan
    cost: I64  # (2, SETS) best shipment of T: row 0 home, row 1 home or the place at hand
    deliver: I64  # (2, SETS)
    route: I64  # (2, SETS, 4) kind, candidate, id, 1 if it ends at the place
    plan_cost: I64  # (ITEMS_MAX + 1, SETS)
    plan_deliver: I64
    plan_count: I64
    plan_choice: I64  # first shipment of the best plan of a set; 0: its lowest item goes unserved
    best: I64  # [0] cost, [1] deliver_by, [2] count, [3] place row or -1, [4] layers used, then the sets chosen
    best_routes: I64  # (ITEMS_MAX, 7) set, kind, candidate, id, at place, cost, deliver_by


def workspace(num_nodes: int) -> Workspace:
    """Scratch memory for networks of so many nodes."""

    def zeros(*shape: int) -> I64:
        return np.zeros(shape, dtype=np.int64)

    return Workspace(
        clock=zeros(2),
        mark=zeros(num_nodes),
        candidate_of=np.zeros(num_nodes, dtype=np.int32),
        cand_node=np.zeros(num_nodes, dtype=np.int32),
        cand_lines=zeros(num_nodes),
        cand_items=zeros(num_nodes),
        cand_cents=zeros(num_nodes, ITEMS_MAX),
        cand_from_s=zeros(num_nodes, ITEMS_MAX),
        pick_stamp=zeros(num_nodes, LINES_MAX + 1),
        pick_start_s=zeros(num_nodes, LINES_MAX + 1),
        pick_end_s=zeros(num_nodes, LINES_MAX + 1),
        pick_segment=zeros(num_nodes, LINES_MAX + 1),
        set_weight_g=zeros(SETS),
        set_volume_cm3=zeros(SETS),
        set_longest_mm=zeros(SETS),
        set_second_mm=zeros(SETS),
        set_girth_mm=zeros(SETS),
        set_goods=zeros(SETS),
        set_units=zeros(SETS),
        set_lines=zeros(SETS),
        set_value_cents=zeros(SETS),
        set_services=zeros(SETS),
        set_valid=np.zeros(SETS, dtype=np.int32),
        item_least_cents=zeros(ITEMS_MAX),
        item_floor_cents=zeros(ITEMS_MAX),
        item_unserved_cents=zeros(ITEMS_MAX),
        price_stamp=zeros(MEMO_MAX),
        price_cents=zeros(MEMO_MAX),
        least_stamp=zeros(MEMO_MAX),
        least_cents=zeros(MEMO_MAX),
        cap_cents=zeros(SETS),
        cost=zeros(2, SETS),
        deliver=zeros(2, SETS),
        route=zeros(2, SETS, 4),
        plan_cost=zeros(ITEMS_MAX + 1, SETS),
        plan_deliver=zeros(ITEMS_MAX + 1, SETS),
        plan_count=zeros(ITEMS_MAX + 1, SETS),
        plan_choice=zeros(ITEMS_MAX + 1, SETS),
        best=zeros(8),
        best_routes=zeros(ITEMS_MAX, 7),
    )
