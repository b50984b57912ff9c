"""The report: one HTML file that needs nothing else, light or dark as the reader's system is."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from api.report.charts import Bar, bars, columns, stack
from api.report.comparison import section
from api.report.details import decision_rows
from api.report.figures import Decided, Figures, figures_of
from api.report.map import kinds_shown, map_svg, symbol
from api.wording import KIND_TITLES, METHOD_TITLES, mass, money, plural, rule_title
from engine.network.model import Network
from scenarios.comparison import Comparison

DETAILS_MAX = 500  # rows that open; a browser stays quick up to here
NODES_SHOWN = 8
SIZES_SHOWN = 6
DAYS_SHOWN = 10


def write_report(
    path: Path,
    network: Network,
    decided: Sequence[Decided],
    *,
    title: str = "",
    comparison: Comparison | None = None,
) -> None:
    """Write the report of these decisions to a file; its folder must exist."""
    path.write_text(report_html(network, decided, title=title, comparison=comparison), encoding="utf-8")


def report_html(
    network: Network, decided: Sequence[Decided], *, title: str = "", comparison: Comparison | None = None
) -> str:
    """
    The report of these decisions as one HTML document, beside the rules of others where they were compared.

    The same input gives the same text, byte for byte, except for the times the engine took.
    """
    figures = figures_of(network, decided)
    listed = decided[:DETAILS_MAX]
    note = "Open a row for its dates, cost terms and reasons."
    if len(listed) < len(decided):
        note += f" The first {len(listed):,} of {len(decided):,} are listed; the figures above count all."
    page = Template(files("api.report").joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=escape(title or network.name),
        subtitle=escape(_subtitle(network, decided)),
        kpis=_kpis(network, figures),
        map=map_svg(network, decided, figures),
        keys=_keys(network, figures),
        methods=_methods(figures),
        costs=_costs(network, figures),
        days=_days(figures),
        splits=_splits(figures),
        nodes=_nodes(network, figures),
        comparison=section(network, comparison, len(decided)) if comparison is not None else "",
        decisions=decision_rows(network, listed),
        decisions_note=escape(note),
        footer=_footer(network),
    )


def _subtitle(network: Network, decided: Sequence[Decided]) -> str:
    policies = dict.fromkeys(f"{d.decision.policy_id} version {d.decision.policy_version}" for d in decided)
    counts = (
        f"{plural(len(network.nodes), 'node')}, {plural(len(network.skus.ids), 'sku')}, "
        f"{plural(len(network.services), 'service')}"
    )
    return (
        f"{counts} · network {network.version} as of {network.as_of:%d %b %Y %H:%M %Z} · policy {', '.join(policies)}"
    )


def _kpis(network: Network, figures: Figures) -> str:
    orders = max(1, figures.num_orders)
    served = figures.num_served + figures.num_partial
    cards = [
        ("Orders served", f"{figures.num_served:,}", _served_note(figures)),
        ("Proven cheapest", f"{figures.num_optimal / orders:.0%}", "bound equals cost"),
        ("Cost per order", money(figures.cost_per_order_cents, network.currency), "all terms together"),
        ("Split", f"{figures.num_split / max(1, served):.0%}", f"{plural(figures.num_shipments, 'shipment')} in all"),
        (
            "In time",
            f"{figures.num_in_time / figures.num_dated:.0%}" if figures.num_dated else "–",
            f"of {plural(figures.num_dated, 'order')} with a date",
        ),
        ("Carbon per order", mass(figures.co2e_g // max(1, served)), "CO2e of shipments"),
        ("Time to decide", _duration(figures.elapsed_us_p50), f"median; {_duration(figures.elapsed_us_p99)} p99"),
    ]
    return "".join(
        f'<div class="card kpi"><h2>{name}</h2><b>{escape(value)}</b><span>{escape(note)}</span></div>'
        for name, value, note in cards
    )


def _served_note(figures: Figures) -> str:
    rest = figures.num_orders - figures.num_served
    return (
        f"of {figures.num_orders:,}" + (f", {figures.num_partial} in part" if figures.num_partial else "")
        if rest
        else "all of them"
    )


def _duration(microseconds: int) -> str:
    if microseconds >= 1_000_000:
        return f"{microseconds / 1_000_000:.1f} s"
    return f"{microseconds / 1000:.1f} ms" if microseconds >= 1000 else f"{microseconds} µs"


def _keys(network: Network, figures: Figures) -> str:
    kinds = "".join(
        f'<span><svg viewBox="0 0 12 12" aria-hidden="true">{symbol(kind, 6, 6, 4.4)}</svg>{KIND_TITLES[kind]}</span>'
        for kind in kinds_shown(network)
    )
    methods = "".join(
        f'<button type="button" aria-pressed="true" data-method="{method.value}">'
        f'<i class="dot m-{method.value}"></i>{METHOD_TITLES[method]}</button>'
        for method, _ in figures.shipments_by_method
    )
    return f"{kinds}{methods}"


def _methods(figures: Figures) -> str:
    ranked = sorted(figures.shipments_by_method, key=lambda item: -item[1])
    return stack(
        [Bar(name=METHOD_TITLES[m], value=n, text=f"{n:,}", css=f"m-{m.value}") for m, n in ranked],
    )


def _costs(network: Network, figures: Figures) -> str:
    served = max(1, figures.num_served + figures.num_partial)
    ranked = sorted(figures.cost_by_rule, key=lambda item: -item[1])
    return bars(
        [
            Bar(name=rule_title(rule), value=cents, text=money(round(cents / served), network.currency))
            for rule, cents in ranked
            if cents
        ]
    )


def _days(figures: Figures) -> str:
    counts = dict(figures.shipments_by_days)
    last = max(counts, default=0)
    shown = [(d, counts.get(d, 0)) for d in range(min(last, DAYS_SHOWN - 1) + 1)]
    rows = [Bar(name=str(d), value=n, text=f"{plural(n, 'shipment')} promised in {plural(d, 'day')}") for d, n in shown]
    beyond = sum(n for d, n in counts.items() if d >= DAYS_SHOWN)
    if beyond:
        rows.append(Bar(name=f"{DAYS_SHOWN}+", value=beyond, text=f"{plural(beyond, 'shipment')} later"))
    return columns(rows, "Calendar days from placing to the promised date, shipments")


def _splits(figures: Figures) -> str:
    counts = dict(figures.orders_by_num_shipments)
    rows = [
        Bar(
            name=str(size),
            value=counts.get(size, 0),
            text=f"{plural(counts.get(size, 0), 'order')} in {plural(size, 'shipment')}",
        )
        for size in range(1, min(max(counts, default=1), SIZES_SHOWN - 1) + 1)
    ]
    beyond = sum(n for size, n in counts.items() if size >= SIZES_SHOWN)
    if beyond:
        rows.append(Bar(name=f"{SIZES_SHOWN}+", value=beyond, text=f"{plural(beyond, 'order')} in more"))
    return columns(rows, "Shipments per order, orders")


def _nodes(network: Network, figures: Figures) -> str:
    units = dict(figures.units_by_node)
    return bars(
        [
            Bar(
                name=network.nodes[network.node_index[node]].name or node,
                value=n,
                text=f"{n:,} ({plural(units[node], 'unit')})",
            )
            for node, n in figures.shipments_by_node[:NODES_SHOWN]
        ]
    )


def _footer(network: Network) -> str:
    made_up = f"<p>Made up: {escape('; '.join(network.synthetic))}.</p>" if network.synthetic else ""
    return (
        f"{made_up}<p>Every amount is in {escape(network.currency)}; the terms of an order add up to its cost exactly. "
        "Dates are local to where they happen.</p>"
        "<p>Map: Natural Earth 1:50m, public domain; Albers' equal-area conic projection.</p>"
    )
