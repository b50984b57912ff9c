"""Plots of results, as small PNGs."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.record import Figures

OURS, CPSAT, HIGHS = "#1b6ca8", "#d1603d", "#5b8c5a"


def one_order(path: Path, figures: Figures) -> None:
    """Time of an order by its number of lines: the kernel and the peers, on a logarithmic scale."""
    drawn, axes = _axes("Lines of the order", "Time of one order, ms")
    groups = figures["kernel_by_lines"]
    lines = [int(n) for n in groups]
    axes.plot(lines, [groups[str(n)]["p50_us"] / 1_000 for n in lines], "o-", color=OURS, label="kernel, p50")
    axes.plot(lines, [groups[str(n)]["p99_us"] / 1_000 for n in lines], "o:", color=OURS, label="kernel, p99")
    raced = figures["peers_by_lines"]
    for model, suffix, style in (("by node", "", "s-"), ("by set", "_by_set", "s:")):
        for peer, name, color in (("cpsat", "CP-SAT", CPSAT), ("highs", "HiGHS", HIGHS)):
            key = f"{peer}{suffix}_ms_p50"
            known = [int(n) for n in raced if key in raced[n]]
            times_ms = [raced[str(n)][key] for n in known]
            axes.plot(known, times_ms, style, color=color, label=f"{name}, model {model}, p50")
    axes.set_yscale("log")
    axes.set_xticks(lines)
    drawn.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=7, ncols=3, loc="outside upper center")
    _save(drawn, path)


def growth(path: Path, figures: Figures) -> None:
    """Time of an order by the number of nodes, and by the number of lines."""
    drawn = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(drawn)
    for place, key, label in ((1, "by_nodes", "Nodes"), (2, "by_lines", "Lines of the order")):
        axes = drawn.add_subplot(1, 2, place)
        rows = figures[key]
        steps = [int(n) for n in rows]
        field = "kernel_us" if key == "by_nodes" else "decide_us"
        axes.plot(steps, [rows[str(n)][f"{field}_p50"] / 1_000 for n in steps], "o-", color=OURS, label="p50")
        top = "p99" if key == "by_nodes" else "max"
        axes.plot(steps, [rows[str(n)][f"{field}_{top}"] / 1_000 for n in steps], "o:", color=OURS, label=top)
        axes.set_yscale("log")
        axes.set_xlabel(label)
        axes.set_ylabel("ms in the kernel" if key == "by_nodes" else "ms to decide")
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(frameon=False, fontsize=8)
    _save(drawn, path)


def _axes(x: str, y: str):  # type: ignore[no-untyped-def]  # matplotlib is read as untyped
    drawn = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, which="both", alpha=0.25)
    return drawn, axes


def _save(drawn: Figure, path: Path) -> None:
    # No creation date and no version inside: equal figures give equal bytes.
    drawn.savefig(path, dpi=110, metadata={"Software": None})
