"""Promises that keep their word: walked through a delivery history, and through made-up surges."""

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.calibration_plot import plot
from benchmarks import record
from benchmarks.record import Figures
from engine.adapters.history import read_history
from engine.promise.rolling.measure import judged, kept_by_group, lengths_of, retailers_own
from engine.promise.rolling.past import Days, Past, date_of, day_of, past_of
from engine.promise.rolling.walk import Walk, fitted_once, plain_rolling, walk_through
from scenarios.deliveries import Shape, made_up_deliveries

REQUIRED_KEYS = ("data", "met", "promised_days_p50", "retailer", "baseline_rolling", "fitted_once", "surge")
WARM_UP_DAYS = 120  # of a history, before its promises are judged; on the real one that is June 2017 on
SURGE_DAYS = 7
SEEDS_FULL, SEEDS_QUICK = 5, 1


def run(data: Path | None, *, seed: int, results: Path, quick: bool) -> Figures:
    """Measure, print, draw and write a line of history."""
    began = perf_counter()
    real = data is not None and (data / "br").is_dir()
    if real and data is not None:
        past = past_of(read_history(data / "br").orders, "BR").since_last_pause()
    else:
        past = past_of(made_up_deliveries(seed))
    walked = walk_through(past)
    until = int(past.bought_day[-1]) + 1 if real else int(past.bought_day[-1]) - 30
    first = day_of(np.datetime64("2017-06-01").astype(object)) if real else int(past.bought_day[0]) + WARM_UP_DAYS
    test = judged(past, walked.days, first, until)
    baseline = plain_rolling(past)
    figures: Figures = {
        "data": "br" if real else "made up (real data is absent)",
        "num_orders": int(test.sum()),
        "from": date_of(first).isoformat(),
        **_figures(walked, walked.days, test),
        "baseline_rolling": _figures(walked, baseline, test & (baseline[:, 0] >= 0)),
        "fitted_once": _figures(walked, fitted_once(past, first), test),
        "retailer": _retailer(past, test),
        "surge": [_surge(seed + k) for k in range(SEEDS_QUICK if quick else SEEDS_FULL)],
    }
    figures["seconds"] = round(perf_counter() - began, 1)
    _tell(figures)
    if not quick:
        plot(results / "promises.png", walked, test)
    record.append(results, "promises", figures, seed=seed, quick=quick)
    return figures


def _figures(walked: Walk, days: Days, test: NDArray[np.bool_]) -> Figures:
    """Shares kept by group and confidence, days promised and pinball loss by confidence."""
    met: dict[str, Any] = {}
    for one in kept_by_group(walked.past, days, walked.confidences, test, walked.surge_weeks()):
        cell = [one.num_kept, one.num, round(one.share, 3), round(one.low, 3), round(one.high, 3)]
        met.setdefault(one.group, {}).setdefault(one.name, {})[str(one.confidence)] = cell
    lengths = lengths_of(walked.past, days, walked.confidences, test)
    return {
        "met": met,
        "promised_days_p50": {str(one.confidence): one.days_p50 for one in lengths},
        "promised_days_p90": {str(one.confidence): one.days_p90 for one in lengths},
        "promised_days_mean": {str(one.confidence): round(one.days_mean, 2) for one in lengths},
        "pinball_days": {str(one.confidence): round(one.pinball_days, 3) for one in lengths},
    }


def _retailer(past: Past, test: NDArray[np.bool_]) -> Figures | None:
    own = retailers_own(past, test)
    if own is None:
        return None
    kept, lengths = own
    return {
        "met": round(kept.share, 3),
        "days_p50": lengths.days_p50,
        "days_p90": lengths.days_p90,
        "days_mean": round(lengths.days_mean, 2),
    }


def _surge(seed: int) -> Figures:
    """What was kept of the promises made in the first days of a made-up surge; nothing like it was seen before."""
    past = past_of(made_up_deliveries(seed))
    walked, plain = walk_through(past), plain_rolling(past)
    first = day_of(Shape().surge_from)
    out: Figures = {"seed": seed}
    for name, days in (("met", walked.days), ("baseline_rolling", plain)):
        test = judged(past, days, first, first + SURGE_DAYS)
        took = (past.arrived_day - past.bought_day)[test, None]
        out[name] = dict(
            zip(map(str, walked.confidences), (took <= days[test]).mean(axis=0).round(3).tolist(), strict=True)
        )
        out["num"] = int(test.sum())
    return out


def _tell(figures: Figures) -> None:
    print(f"{figures['data']}: {figures['num_orders']:,} promises from {figures['from']} on, {figures['seconds']} s")
    print(f"{'kept (* off beyond chance)':34}{'orders':>8}{'50%':>9}{'80%':>9}{'95%':>9}")
    for group in ("all", "band", "weekday", "times"):
        for name, cells in figures["met"].get(group, {}).items():
            _row(name, cells)
    _row("plain rolling quantile", figures["baseline_rolling"]["met"]["all"]["all"])
    _row("fitted once", figures["fitted_once"]["met"]["all"]["all"])
    for name, part in (
        ("ours", figures),
        ("plain rolling quantile", figures["baseline_rolling"]),
        ("fitted once", figures["fitted_once"]),
    ):
        print(f"{name}: days p50 {part['promised_days_p50']}, p90 {part['promised_days_p90']}")
        print(f"{'':4}days mean {part['promised_days_mean']}, pinball {part['pinball_days']}")
    print(f"the retailer's own: {figures['retailer']}")
    for one in figures["surge"]:
        print(f"made-up surge, seed {one['seed']}: kept {one['met']}, plain rolling {one['baseline_rolling']}")


def _row(name: str, cells: dict[str, list[float]]) -> None:
    shares = [
        f"{share:.3f}{' ' if low <= float(confidence) <= high else '*'}"
        for confidence, (_, _, share, low, high) in cells.items()
    ]
    num = int(next(iter(cells.values()))[1])
    print(f"{name:34}{num:8,}" + "".join(f"{share:>9}" for share in shares))
