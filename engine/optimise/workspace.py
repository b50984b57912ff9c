"""
Scratch memory of the kernel: made once, reused for every order, so that a decision allocates nothing.

A candidate is a node that has at least one line of the order; candidates are numbered as they are met. T is a set of
items, as a bit mask below 2**ITEMS_MAX. Entries are valid where their stamp equals the running order's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network.blocks import openable
from engine.network.floors import BANDS_MAX
from engine.network.live import LiveArrays
from engine.network.records import Net
from engine.network.rows import CLASSES_MAX, Reach
from engine.optimise.tables import ITEMS_MAX, LINES_MAX, Orders, Pol

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
Records = NDArray[np.void]
MEMO_MAX = 1 << 20
FAR = 2**56  # beyond any cost, and a dozen still add up
FAMILIES_MAX = 64
NUM_MAX = 8  # parcels of a cell, or more
NEVER = 100_000_000  # bounds at and above it say that there is no shipment
TERM_MAX, TERM_MIN = 1 << 20, -(1 << 21)  # of one item in a bound; plans of a dozen shipments stay below NEVER
FIRST = 15  # row of Workspace.term
FEW_ITEMS = 5  # up to which bounds are summed over nodes in the inner loop, and over sets from there on
SETS = 1 << ITEMS_MAX
UNITS_MAX = 64  # of the divided lines of an order together
BRANCHES_MAX = 256  # of a search for a plan that overdraws no cell of capacity
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
D_ITEMS, D_FIRST, D_AT, D_UNITS, D_FIELDS = range(5)  # columns of Workspace.divided
KIND_CARRIER, KIND_OWN, KIND_LANE = 0, 1, 2


def _record(**fields: str) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


NODE = _record(mark="i8", candidate="i8", wanted="i8", listed="i8")  # stamps; number of the candidate, -1: none
# bits of the lines and items it has in full, and of the items whose stock comes later; place of its zone class
CANDIDATE = _record(node="i8", lines="i8", items="i8", late="i8", at="i8")
PICK = _record(stamp="i8", start_s="i8", end_s="i8", segment="i8")
SET = _record(
    weight_g="i8",
    volume_cm3="i8",
    longest_mm="i8",
    second_mm="i8",
    girth_mm="i8",
    goods="i8",  # sku flags of any of its lines
    units="i8",
    lines="i8",
    value_cents="i8",
    services="i8",  # bits of the services that may carry it
    valid="i8",
    cap_cents="i8",  # dearer shipments of the set cannot be in a best plan
    least_cents="i8",  # sum of the items' least_cents
    exact="i8",  # stamp of the order for which its best shipment home is known
    bound_cents="i8",  # no shipments of the set cost less, carriers, splits and trips aside
    place_cents="i8",  # like bound_cents, for shipments to a place
)
ITEM = _record(
    lines="i8", units="i8", least_cents="i8", place_cents="i8", unserved_cents="i8"
)  # no node asks less; none that serves a place
MEMO = _record(stamp="i8", cents="i8")
FAMILY = _record(group="i8", due="i8", services="i8", cells="i8")  # bits of surcharges and services; number of cells
CELL_AT = _record(stamp="i8", cell="i8")
BEST_OF = _record(cost="i8", deliver="i8", kind="i8", candidate="i8", id="i8", at_place="i8")
BRANCH = _record(parent="i8", items="i8", node="i8", cents="i8", state="i8")
PLAN = _record(cost="i8", deliver="i8", count="i8", choice="i8")


class Workspace(NamedTuple):
    """The arrays."""

    clock: I64  # [0] stamp, [1] number of candidates, [2] stamp of the order
    node: Records  # (K,) NODE
    candidate: Records  # (K,) CANDIDATE
    cand_cents: I64  # (K, ITEMS_MAX) line terms of an item; of a piece no more than any number of them has each
    cand_units: I64  # (K, ITEMS_MAX) by first item of a divided line: how many units of it there are
    cand_pieces_cents: I64  # (K, UNITS_MAX) terms of 1, 2, .. units of a divided line, then of the next one
    cand_from_s: I64  # (K, ITEMS_MAX) from when its stock is there, if that is not now
    pick: Records  # (K, LINES_MAX + 1) PICK
    set: Records  # (SETS,) SET
    alive: I64  # (SETS,) sets that may be a shipment of a best plan
    slack: I64  # (ITEMS_MAX, CLASSES_MAX) how much dearer than the least a shipment with an item may be; FAR: any
    few: I64  # (K,) nodes that a first plan is looked for at
    kept: I64  # (K,) rows of a sku that may be worth it
    # [0] families, [1] zone classes of the target, [2] rows of `bars`, [3] rows of `divided`, [4] items not divided
    counts: I64
    bars: I64  # (BRANCHES_MAX, 2) sets, and nodes that must not ship them
    divided: I64  # (ITEMS_MAX, D_FIELDS) lines in pieces: which, the first, column in cand_pieces_cents, units
    branch: Records  # (BRANCHES_MAX,) BRANCH: see bars.py
    family: Records  # (FAMILIES_MAX,) FAMILY
    plain: I64  # (FAMILIES_MAX,) the family of a group without surcharges, with all its services
    cell_at: Records  # (FAMILIES_MAX * NUM_MAX * BANDS_MAX,) CELL_AT
    cell: I32  # (FAMILIES_MAX, SETS) of each group and set; 0 where nobody takes it
    cell_band: I32  # (FAMILIES_MAX * SETS,)
    cell_num: I32  # likewise
    cell_cents: I64  # likewise: from nodes of the zone class at hand
    class_at: I64  # (CLASSES_MAX,) place of a zone class among those of the target
    class_of: I64  # (CLASSES_MAX,) and back
    class_first: I64  # (CLASSES_MAX + 1,) where its nodes start in by_class
    class_left: I64  # (CLASSES_MAX,) of the classes: bounds of the set at hand, and the like
    class_price: I32  # (classes, sets) of the order, flat: no carrier takes a set from that class for less
    set_price: I32  # (SETS,) nor from any
    by_class: I64  # (K,) candidates that ship home, by zone class
    term: I32  # (16, K) of those: what each item costs at least, and in row FIRST what any shipment does besides
    few_sums: I32  # (1 << FEW_ITEMS, K)
    sums: I32  # (SETS,)
    bound: I32  # (classes, sets) of the order, flat: what a shipment of a set from a class costs at least
    value: I32  # (SETS,) the least of these, exact once that is known
    plan_bound: I32  # (SETS,) what plans that bring a set home cost at least, with a split for each shipment
    any_value: I32  # (SETS,) like value and plan_bound, for shipments home or to a place
    any_bound: I32
    unserved: I32  # (ITEMS_MAX,)
    listed: I64  # (SETS,) sets with a shipment, by their lowest item, from the greatest on
    listed_from: I64  # (ITEMS_MAX + 1,)
    item: Records  # (ITEMS_MAX,) ITEM
    price: Records  # (MEMO_MAX,) MEMO
    best_of: Records  # (2, SETS) BEST_OF: best shipment of a set; row 0 home, row 1 home or the place at hand
    plan: Records  # (ITEMS_MAX + 1, SETS) PLAN: best plan of a set; choice 0: its lowest item goes unserved
    # [0] cost, [1] deliver_by, [2] number of shipments, [3] row of the place or -1, [4] rows of `chosen`,
    # [5] 1 if any line can be served, [6] 1 if more shipments than were looked at might be better
    best: I64
    chosen: I64  # (ITEMS_MAX, 7) set, kind, candidate, id, at place, cost, deliver_by


class Inputs(NamedTuple):
    """All that a decision reads, and the memory it writes to."""

    net: Net
    pol: Pol
    live: LiveArrays
    reach: Reach
    orders: Orders
    ws: Workspace


def workspace(num_nodes: int) -> Workspace:
    """Scratch memory for networks of so many nodes."""
    return Workspace(
        clock=np.zeros(4, dtype=np.int64),
        node=np.zeros(num_nodes, dtype=NODE),
        candidate=np.zeros(num_nodes, dtype=CANDIDATE),
        cand_cents=np.zeros((num_nodes, ITEMS_MAX), dtype=np.int64),
        cand_units=np.zeros((num_nodes, ITEMS_MAX), dtype=np.int64),
        cand_pieces_cents=np.zeros((num_nodes, UNITS_MAX), dtype=np.int64),
        cand_from_s=np.zeros((num_nodes, ITEMS_MAX), dtype=np.int64),
        pick=np.zeros((num_nodes, LINES_MAX + 1), dtype=PICK),
        set=np.zeros(SETS, dtype=SET),
        alive=np.zeros(SETS, dtype=np.int64),
        slack=np.zeros((ITEMS_MAX, CLASSES_MAX), dtype=np.int64),
        few=np.zeros(num_nodes + 1, dtype=np.int64),
        kept=np.zeros(num_nodes + 1, dtype=np.int64),
        counts=np.zeros(5, dtype=np.int64),
        bars=np.zeros((BRANCHES_MAX, 2), dtype=np.int64),
        divided=np.zeros((ITEMS_MAX, D_FIELDS), dtype=np.int64),
        branch=np.zeros(BRANCHES_MAX, dtype=BRANCH),
        family=np.zeros(FAMILIES_MAX, dtype=FAMILY),
        plain=np.zeros(FAMILIES_MAX, dtype=np.int64),
        cell_at=np.zeros(FAMILIES_MAX * NUM_MAX * BANDS_MAX, dtype=CELL_AT),
        cell=np.zeros((FAMILIES_MAX, SETS), dtype=np.int32),
        cell_band=np.zeros(FAMILIES_MAX * SETS, dtype=np.int32),
        cell_num=np.zeros(FAMILIES_MAX * SETS, dtype=np.int32),
        cell_cents=np.zeros(FAMILIES_MAX * SETS, dtype=np.int64),
        class_at=np.zeros(CLASSES_MAX, dtype=np.int64),
        class_of=np.zeros(CLASSES_MAX, dtype=np.int64),
        class_first=np.zeros(CLASSES_MAX + 1, dtype=np.int64),
        class_left=np.zeros(CLASSES_MAX, dtype=np.int64),
        class_price=np.zeros(CLASSES_MAX * SETS, dtype=np.int32),
        set_price=np.zeros(SETS, dtype=np.int32),
        by_class=np.zeros(num_nodes, dtype=np.int64),
        term=np.zeros((16, num_nodes), dtype=np.int32),
        few_sums=np.zeros((1 << FEW_ITEMS, num_nodes), dtype=np.int32),
        sums=np.zeros(SETS, dtype=np.int32),
        bound=np.zeros(CLASSES_MAX * SETS, dtype=np.int32),
        value=np.zeros(SETS, dtype=np.int32),
        plan_bound=np.zeros(SETS, dtype=np.int32),
        any_value=np.zeros(SETS, dtype=np.int32),
        any_bound=np.zeros(SETS, dtype=np.int32),
        unserved=np.zeros(ITEMS_MAX, dtype=np.int32),
        listed=np.zeros(SETS, dtype=np.int64),
        listed_from=np.zeros(ITEMS_MAX + 1, dtype=np.int64),
        item=np.zeros(ITEMS_MAX, dtype=ITEM),
        price=np.zeros(MEMO_MAX, dtype=MEMO),
        best_of=np.zeros((2, SETS), dtype=BEST_OF),
        plan=np.zeros((ITEMS_MAX + 1, SETS), dtype=PLAN),
        best=np.zeros(8, dtype=np.int64),
        chosen=np.zeros((ITEMS_MAX, 7), dtype=np.int64),
    )


openable(Workspace, lambda: workspace(1))
openable(Inputs)
