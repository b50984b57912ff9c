"""The comparison as a picture: what an order costs under each policy, by cost term."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.record import Figures

_COLORS = ("#1b6ca8", "#d1603d", "#5b8c5a", "#e0b13c", "#7d5ba6", "#8a8f98", "#3fa7a3", "#b3476c", "#4a4e57", "#c9a27e")
_TERMS_SHOWN = 9


def bars(path: Path, worlds: Figures) -> None:
    """One panel for each network and season; a bar for each policy, the cheapest on top."""
    drawn = Figure(figsize=(9, 0.6 + 4.4 * len(worlds)), layout="constrained")
    FigureCanvasAgg(drawn)
    for place, (world, part) in enumerate(worlds.items(), start=1):
        axes = drawn.add_subplot(len(worlds), 1, place)
        rows = sorted(part["policies"].items(), key=lambda item: -item[1]["cost_per_order"]["mean"])
        terms: dict[str, float] = {}
        for _, row in rows:
            for key, value in row.items():
                if key.startswith("cents_"):
                    terms[key] = max(terms.get(key, 0.0), abs(value["mean"]))
        shown = sorted(terms, key=lambda key: -terms[key])[:_TERMS_SHOWN]
        right, left = [0.0] * len(rows), [0.0] * len(rows)
        names = [name for name, _ in rows]
        for color, key in zip(_COLORS, [*shown, "other"], strict=False):
            values = [
                row.get(key, {"mean": 0.0})["mean"] / 100
                if key != "other"
                else sum(v["mean"] for k, v in row.items() if k.startswith("cents_") and k not in shown) / 100
                for _, row in rows
            ]
            starts = [r if value >= 0 else n for r, n, value in zip(right, left, values, strict=True)]
            axes.barh(names, values, left=starts, color=color, label=key.removeprefix("cents_"))
            right = [r + max(0.0, value) for r, value in zip(right, values, strict=True)]
            left = [n + min(0.0, value) for n, value in zip(left, values, strict=True)]
        axes.set_title(f"{world}: cost of an order by term", fontsize=10)
        axes.tick_params(labelsize=7)
        axes.grid(visible=True, axis="x", alpha=0.25)
        axes.legend(frameon=False, fontsize=7, ncols=5, loc="lower right")
    drawn.savefig(path, dpi=120)
