"""What a calibration says on its morning: the legs as rows of a transit table, and what would be promised, by band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.network.model import Transit
from engine.promise.calibrate import fit_transit
from engine.promise.rolling.calibration import Calibration
from engine.promise.rolling.past import Floats
from engine.promise.rolling.replay import NEAR_OFFSET_M, weighted_quantiles

NUM_PARCELS = 400  # a leg is told by so many equally likely parcels
AVERAGE_DAYS = 28  # whole weeks, so that every weekday counts alike
NOON = 0.5
BAND_MIN = 20  # parcels


@dataclass(frozen=True, slots=True, kw_only=True)
class BandToday:
    """
    A distance band this morning.

    Parameters
    ----------
    distance_max_m
        Limit included; None: all beyond.
    num
        Parcels that have arrived.
    handling, transit
        Calendar days of the legs, from purchase to hand-over and from there to the door, without queues to come.
    promised_days
        For an order of today at noon over the middle distance of the band, by confidence, queues included.
    """

    distance_max_m: int | None
    num: int
    handling: Transit
    transit: Transit
    promised_days: tuple[int, ...]


def zone_of(limit_m: int | None) -> str:
    """What a band is called in a transit table."""
    return "beyond" if limit_m is None else f"up_to_{limit_m // 1000}_km"


def bands_today(calibration: Calibration, confidences: Sequence[float], service_id: str) -> tuple[BandToday, ...]:
    """
    All bands of at least BAND_MIN parcels; orders of the others are promised by their neighbours.

    Raises
    ------
    InputError
        Where the history is too small.
    """
    morning = calibration.morning()
    home = calibration.past.regions.index("")
    distance_m = np.exp(morning.sent.log_distance) - NEAR_OFFSET_M
    band = np.searchsorted(np.asarray(calibration.limits_m), np.rint(distance_m))
    orders_till_noon = round(NOON * morning.load.orders_normal)
    out = []
    for number, limit in enumerate((*calibration.limits_m, None)):
        those = band == number
        if those.sum() < BAND_MIN:
            continue
        weight = morning.sent.weight[those]
        legs = [
            _leg(work[those], weight, pace, service_id, zone_of(limit))
            for work, pace in (
                (morning.sent.handling, morning.handling[home]),
                (morning.sent.transit, morning.transit[number, home]),
            )
        ]
        promised = morning.quantiles(
            round(float(np.median(distance_m[those]))),
            NOON,
            confidences,
            origin=home,
            target=home,
            num_today=orders_till_noon,
        )
        out.append(
            BandToday(
                distance_max_m=limit,
                num=int(those.sum()),
                handling=legs[0],
                transit=legs[1],
                promised_days=promised,
            )
        )
    return tuple(out)


def _leg(work: Floats, weight: Floats, pace: Floats, service_id: str, zone: str) -> Transit:
    """A leg in calendar days: what parcels need in work, over the work of an average day."""
    chances = (np.arange(NUM_PARCELS) + 0.5) / NUM_PARCELS
    days = weighted_quantiles(work, weight, chances.tolist()) / float(pace[:AVERAGE_DAYS].mean())
    return fit_transit(np.rint(days).astype(np.int64).tolist(), service_id, zone)
