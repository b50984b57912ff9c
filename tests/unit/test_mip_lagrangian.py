"""What a plan with one set of items costs at least, by hand."""

import numpy as np
import pytest

from engine.optimise.reduce import Boxes, Relaxed, lagrangian


def relaxed(place: list[int], trip: float, max_shipments: int) -> Relaxed:
    """Slots with one item each, home (-1) or at a place; their reduced costs are given by the test."""
    num = len(place)
    one, none = np.ones(num), np.zeros(0)
    whole = np.ones(num, dtype=np.int64)
    starts = np.zeros(1, dtype=np.int64)
    boxes = Boxes(
        mask_start=starts,
        mask_items=np.zeros((0, num), dtype=np.bool_),
        box_start=starts,
        least_g=none,
        limit_g=none,
        least_cm3=none,
        limit_cm3=none,
        cents=none,
    )
    return Relaxed(
        entry_slot=np.arange(num),
        entry_item=np.arange(num),
        share=one,
        cost=one,
        weight=one,
        volume=one,
        pieces=whole,
        fixed=one,
        group=np.zeros(num, dtype=np.int64),
        times=whole,
        place=np.array(place, dtype=np.int64),
        boxes=boxes,
        trip=np.array([trip]),
        unserved=np.full(num, np.inf),
        split=0.0,
        max_shipments=max_shipments,
    )


# The shipments of a place, whose trip costs what they save, once made every plan from home look dearer than it is.
@pytest.mark.parametrize(
    ("trip", "max_shipments", "cents", "spare"),
    [
        (19.0, 2, -1.0, 0.0),  # from home there is room for one more shipment
        (5.0, 2, -14.0, 9.0),  # at the place it takes that of the second shipment
        (5.0, 3, -15.0, 1.0),
        (5.0, 4, -15.0, 0.0),
    ],
)
def test_a_set_takes_the_place_of_the_last_shipment_where_its_plan_is_full(
    trip: float, max_shipments: int, cents: float, spare: float
) -> None:
    order = relaxed([-1, 0, 0], trip, max_shipments)
    assert lagrangian(order, np.zeros(3), np.array([-1.0, -10.0, -9.0])) == (cents, spare)
