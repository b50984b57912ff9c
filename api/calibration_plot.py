"""Promises and what came of them, as a picture: week by week, and asked against kept."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from engine.promise.rolling.walk import Walk

WEEK_MIN = 10  # orders
COLORS = ("#1b6ca8", "#d1603d", "#5b8c5a")


def plot(path: Path, walked: "Walk", test: NDArray[np.bool_]) -> None:
    """Two panels over the weeks, of `test` orders: the share of promises kept, and the mean days promised."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    past = walked.past
    known = test
    week = (past.bought_day + 3) // 7 * 7 - 3
    drawn = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(drawn)
    above, below = drawn.subplots(2, 1, sharex=True)
    weeks = [day for day in np.unique(week[known]) if (known & (week == day)).sum() >= WEEK_MIN]
    dates = np.array(weeks, dtype="datetime64[D]")
    took = past.arrived_day - past.bought_day
    surge = walked.surge_weeks()
    for k, (confidence, color) in enumerate(zip(walked.confidences, COLORS, strict=False)):
        kept = [float((took <= walked.days[:, k])[known & (week == day)].mean()) for day in weeks]
        promised = [float(walked.days[known & (week == day), k].mean()) for day in weeks]
        above.plot(dates, kept, color=color, marker=".", label=f"asked {confidence:.0%}")
        above.axhline(confidence, color=color, linewidth=0.8, linestyle="--")
        below.plot(dates, promised, color=color, marker=".", label=f"promised at {confidence:.0%}")
    below.plot(
        dates, [float(took[known & (week == day)].mean()) for day in weeks], color="black", label="mean days it took"
    )
    for axes in (above, below):
        for day in weeks:
            if surge[week == day].any():
                axes.axvspan(np.datetime64(int(day), "D"), np.datetime64(int(day) + 7, "D"), color="#e0b13c", alpha=0.3)
        axes.grid(visible=True, alpha=0.25)
        axes.legend(frameon=False, fontsize=8, ncols=4)
    above.set_ylabel("share of promises kept")
    above.set_title("Promises by week of purchase (shaded: a surge)", fontsize=10)
    below.set_ylabel("days")
    below.set_ylim(bottom=0)
    drawn.savefig(path, dpi=120)
