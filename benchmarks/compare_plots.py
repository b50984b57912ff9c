"""The comparison as a picture: what an order costs under each policy, by cost term."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.record import Figures

_COLORS = ("#1b6ca8", "#d1603d", "#5b8c5a", "#e0b13c", "#7d5ba6", "#8a8f98", "#3fa7a3", "#b3476c", "#4a4e57", "#c9a27e")
_TERMS_SHOWN = 9
_OTHER = "other"
_CUT = 2.2  # times the middle bar


def bars(path: Path, worlds: Figures) -> None:
    """One panel for each network and season; a bar for each policy, the cheapest on top. Far longer bars are cut."""
    drawn = Figure(figsize=(9, 1.2 + 4.2 * len(worlds)), layout="constrained")
    FigureCanvasAgg(drawn)
    terms: dict[str, float] = {}
    for row in (row for part in worlds.values() for row in part["policies"].values()):
        for key, value in row.items():
            if key.startswith("cents_"):
                terms[key] = max(terms.get(key, 0.0), abs(value["mean"]))
    shown = sorted(terms, key=lambda key: -terms[key])[:_TERMS_SHOWN]
    colors = dict(zip([*shown, _OTHER], _COLORS, strict=False))
    for place, (world, part) in enumerate(worlds.items(), start=1):
        axes = drawn.add_subplot(len(worlds), 1, place)
        rows = sorted(part["policies"].items(), key=lambda item: -item[1]["cost_per_order"]["mean"])
        names = [name for name, _ in rows]
        right, left = [0.0] * len(rows), [0.0] * len(rows)
        for key, color in colors.items():
            values = [_amount(row, key, shown) for _, row in rows]
            starts = [r if value >= 0 else n for r, n, value in zip(right, left, values, strict=True)]
            axes.barh(names, values, left=starts, color=color, label=key.removeprefix("cents_"))
            right = [r + max(0.0, value) for r, value in zip(right, values, strict=True)]
            left = [n + min(0.0, value) for n, value in zip(left, values, strict=True)]
        end = min(1.05 * max(right), _CUT * sorted(right)[len(right) // 2])
        for name, most in zip(names, right, strict=True):
            if most > end:
                axes.text(end, name, f"{most:,.0f} ", ha="right", va="center", color="white", fontsize=7)
        axes.set_xlim(1.1 * min(left), end)
        axes.set_title(f"{world}: cost of an order by term", fontsize=10)
        axes.tick_params(labelsize=7)
        axes.grid(visible=True, axis="x", alpha=0.25)
        if place == 1:
            handles, labels = axes.get_legend_handles_labels()
    drawn.legend(handles, labels, frameon=False, fontsize=8, ncols=5, loc="outside upper center")
    drawn.savefig(path, dpi=120)


def _amount(row: Figures, key: str, shown: Sequence[str]) -> float:
    """Of a term, or of all that have no colour of their own, in whole units of money."""
    if key != _OTHER:
        return float(row.get(key, {"mean": 0.0})["mean"]) / 100
    return sum(float(v["mean"]) for k, v in row.items() if k.startswith("cents_") and k not in shown) / 100
