"""The table of one-order on paper."""

from benchmarks.race import PEERS, SET_SUFFIX
from benchmarks.record import Figures


def show(f: Figures) -> None:
    """Print the figures: one a line, then by number of lines."""
    rows = [
        ("kernel, p50 / p99 / max", f"{f['kernel_us_p50']} / {f['kernel_us_p99']} / {f['kernel_us_max']} us"),
        (
            "kernel, wholesale baskets, p50 / p99",
            f"{f['wholesale_kernel_us_p50']} / {f['wholesale_kernel_us_p99']} us",
        ),
        ("decide, p50 / p99", f"{f['decide_us_p50']} / {f['decide_us_p99']} us; {f['decide_cut']} cut at the deadline"),
        ("decide with the check, p50 / p99", f"{f['decide_guard_us_p50']} / {f['decide_guard_us_p99']} us"),
        ("decisions per second, one core", f"{f['decisions_per_s']:,} ({f['loop_orders']:,} orders, stock consumed)"),
        ("orders into columns", f"{f['intake_us']} us each, in Python"),
        (
            "orders in groups, to briefs, stock held",
            f"{f['batch_us_per_order']} us each; {f['batch_not_settled']} of {f['batch_orders']:,} without proof",
        ),
    ]
    for peer in PEERS:
        for name, model in ((peer, "by node"), (peer + SET_SUFFIX, "by set")):
            if f"speedup_{name}_p10" in f:
                median, p10, of_sums = (f[f"speedup_{name}{end}"] for end in ("", "_p10", "_of_sums"))
                text = (
                    f"{median:,.0f} x median, {p10:,.0f} x p10, {of_sums:,.0f} x of sums; {f[f'num_{name}']:,} orders"
                )
                rows.append((f"speed-up over {peer}, model {model}", text + _cut(f[f"num_unsolved_{name}"])))
    equal = f["num_equal_checked"] - len(f["different_rows"])
    both = ", ".join(f"{peer} {f[f'num_equal_{peer}']}" for peer in PEERS)
    rows.append(
        ("equal optima", f"{equal} of {f['num_equal_checked']} proven, {100 * f['equal_optimum_share']:.2f} % ({both})")
    )
    behind = f["num_orders_measured"] - f["num_orders"]
    rows.append(
        ("orders compared", f"{f['num_orders']} of {f['num_orders_measured']}" + " (time was up)" * (behind > 0))
    )
    rows.append(("facts for the peers, p50, not counted", f"{f['peer_facts_ms_p50']} ms an order, in Python and numpy"))
    for title, text in rows:
        print(f"{title:<40} {text}")
    print(f"\n{'':>49} {'model by node':^31} {'model by set':^19}")
    print(
        f"{'lines':>5} {'orders':>6} {'equal':>6} {'p50 us':>8} {'p99 us':>9} {'max us':>9}"
        f" {'orders':>7} {'x cpsat':>11} {'x highs':>11} {'x cpsat':>9} {'x highs':>9}"
    )
    for lines, group in f["kernel_by_lines"].items():
        raced = f["peers_by_lines"].get(lines, {})
        ratios = [raced.get(f"speedup_{peer}{suffix}", 0.0) for suffix in ("", SET_SUFFIX) for peer in PEERS]
        shown = [f"{ratio:,.0f}" if ratio else "-" for ratio in ratios]
        print(
            f"{lines:>5} {group['orders']:>6} {raced.get('equal', 0):>6} {group['p50_us']:>8,.1f}"
            f" {group['p99_us']:>9,.1f} {group['max_us']:>9,.1f} {raced.get('by_node', 0):>7}"
            f" {shown[0]:>11} {shown[1]:>11} {shown[2]:>9} {shown[3]:>9}"
        )
    print(
        "A peer's time is building and solving its model, one thread; facts and dropping of columns are not counted.\n"
        "By node: a column for each node and set of lines that it can send, at its cheapest service. By set: only the\n"
        "cheapest of all nodes, which leaves the solver little to do but to prove the optimum."
    )
    print(f"took {f['elapsed_s']} s; {f['source']}")


def _cut(num: int) -> str:
    return f", {num} cut at the limit (lower bounds)" if num else ""
