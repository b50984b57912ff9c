"""
Scratch memory of the kernel: made once, reused for every order, so that a decision allocates nothing.

A candidate is a node that has at least one line of the order; candidates are numbered as they are met. T is a set of
items, as a bit mask below 2**ITEMS_MAX. Entries are valid where their stamp equals the running order's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.rows import CLASSES_MAX
from engine.optimise.tables import ITEMS_MAX, LINES_MAX

I64 = NDArray[np.int64]
Records = NDArray[np.void]
MEMO_MAX = 1 << 20
SLACK_ROWS = 64
FAR = 2**56  # beyond any cost, and below TOO_MUCH, of which a dozen still add up
TOO_MUCH = 2**57
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


def _record(**fields: str) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


NODE = _record(mark="i8", candidate="i8", wanted="i8")  # stamps; number of the candidate, -1: may not serve
CLASS = _record(hopeless="i8")  # stamp
SLACK = _record(owner="i8", stamp="i8", seen="i8")  # which class a row of slack is of, and since when
CANDIDATE = _record(node="i8", lines="i8", items="i8")  # bits of the lines and items it has in full
CAND_ITEM = _record(cents="i8", from_s="i8")  # line terms of an item; from when its stock is there, 0 now
PICK = _record(stamp="i8", start_s="i8", end_s="i8", segment="i8")
SET = _record(
    weight_g="i8",
    volume_cm3="i8",
    longest_mm="i8",
    second_mm="i8",
    girth_mm="i8",
    goods="i8",  # sku flags of any of its lines
    units="i8",
    grams="i8",  # weight, also of sets that are not measured
    step="i8",  # of weight, in Reach.step_g
    lines="i8",
    value_cents="i8",
    services="i8",  # bits of the services that may carry it
    valid="i8",
    cap_cents="i8",  # dearer shipments of the set cannot be in a best plan
    least_cents="i8",  # sum of the items' least_cents
    count="i8",  # lines, and below units, also of sets that are not measured
    sum_units="i8",
    bound_cents="i8",  # no shipments of the set cost less, carriers, splits and trips aside
    floor_cents="i8",  # no carrier takes the set for less
    place_cents="i8",  # like bound_cents, for shipments to a place
)
ITEM = _record(least_cents="i8", place_cents="i8", unserved_cents="i8")  # no node asks less; none that serves a place
MEMO = _record(stamp="i8", cents="i8")
BEST_OF = _record(cost="i8", deliver="i8", kind="i8", candidate="i8", id="i8", at_place="i8")
PLAN = _record(cost="i8", deliver="i8", count="i8", choice="i8")


class Workspace(NamedTuple):
    """The arrays."""

    clock: I64  # [0] stamp, [1] number of candidates, [2] stamp of the order, [3] stamp of a pass
    node: Records  # (K,) NODE
    candidate: Records  # (K,) CANDIDATE
    cand_item: Records  # (K, ITEMS_MAX) CAND_ITEM
    pick: Records  # (K, LINES_MAX + 1) PICK
    set: Records  # (SETS,) SET
    alive: I64  # (SETS,) sets that may be a shipment of a best plan
    zone_class: Records  # (CLASSES_MAX,) CLASS
    cents: I64  # (ITEMS_MAX,) line terms of each item at the candidate at hand
    sums: I64  # (SETS,) and of each set
    slack: I64  # (SLACK_ROWS, SETS) what sums and the least pick may cost for a set to be of use from a zone class
    slack_of: Records  # (SLACK_ROWS,) SLACK
    item: Records  # (ITEMS_MAX,) ITEM
    price: Records  # (MEMO_MAX,) MEMO
    least: Records  # (MEMO_MAX,) MEMO
    best_of: Records  # (2, SETS) BEST_OF: best shipment of a set; row 0 home, row 1 home or the place at hand
    plan: Records  # (ITEMS_MAX + 1, SETS) PLAN: best plan of a set; choice 0: its lowest item goes unserved
    # [0] cost, [1] deliver_by, [2] number of shipments, [3] row of the place or -1, [4] rows of `chosen`,
    # [5] 1 if any line can be served
    best: I64
    chosen: I64  # (ITEMS_MAX, 7) set, kind, candidate, id, at place, cost, deliver_by


def workspace(num_nodes: int) -> Workspace:
    """Scratch memory for networks of so many nodes."""
    return Workspace(
        clock=np.zeros(4, dtype=np.int64),
        node=np.zeros(num_nodes, dtype=NODE),
        candidate=np.zeros(num_nodes, dtype=CANDIDATE),
        cand_item=np.zeros((num_nodes, ITEMS_MAX), dtype=CAND_ITEM),
        pick=np.zeros((num_nodes, LINES_MAX + 1), dtype=PICK),
        set=np.zeros(SETS, dtype=SET),
        alive=np.zeros(SETS, dtype=np.int64),
        zone_class=np.zeros(CLASSES_MAX, dtype=CLASS),
        cents=np.zeros(ITEMS_MAX, dtype=np.int64),
        sums=np.zeros(SETS, dtype=np.int64),
        slack=np.zeros((SLACK_ROWS, SETS), dtype=np.int64),
        slack_of=np.zeros(SLACK_ROWS, dtype=SLACK),
        item=np.zeros(ITEMS_MAX, dtype=ITEM),
        price=np.zeros(MEMO_MAX, dtype=MEMO),
        least=np.zeros(MEMO_MAX, dtype=MEMO),
        best_of=np.zeros((2, SETS), dtype=BEST_OF),
        plan=np.zeros((ITEMS_MAX + 1, SETS), dtype=PLAN),
        best=np.zeros(8, dtype=np.int64),
        chosen=np.zeros((ITEMS_MAX, 7), dtype=np.int64),
    )
