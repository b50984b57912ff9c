"""Decisions and figures as tables for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.wording import (
    METHOD_TITLES,
    STATUS_TITLES,
    local_moment,
    mass,
    money,
    plural,
    rule_title,
    shipment_tz,
)
from engine.domain.plan import Plan, Status

if TYPE_CHECKING:
    from api.report.figures import Decided, Figures
    from engine.decide.engine import NamedOption
    from engine.domain.order import Order
    from engine.network.model import Network
    from scenarios.comparison import Comparison

BAR_WIDTH = 24
DAYS_SHOWN = 8


def plain_table(*columns: str, right: Sequence[int] = ()) -> Table:
    """A table without frames; the columns at these positions hold numbers and are aligned to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i in right else "left", overflow="fold")
    return table


def decisions_table(network: "Network", decided: "Sequence[Decided]") -> Table:
    """One row per order: how, from where, promised when, at what cost."""
    table = plain_table("Order", "Lines", "How", "From", "Promised by", "Cost", "Proof", right=(1, 5))
    for item in decided:
        plan = item.decision.plan
        methods = ", ".join(dict.fromkeys(METHOD_TITLES[s.method] for s in plan.shipments))
        table.add_row(
            Text(plan.order_id),
            str(len(item.order.lines)),
            methods or "–",
            Text(", ".join(dict.fromkeys(s.node for s in plan.shipments)) or "–"),
            promised(network, item.order, plan),
            money(plan.cost_cents, network.currency) if plan.shipments else "–",
            status_text(plan),
        )
    return table


def options_table(network: "Network", order: "Order", options: "Sequence[NamedOption]") -> Table:
    """The choices of one order, no one of which is better than another in cost, date and carbon at once."""
    table = plain_table("", "How", "From", "Promised by", "Cost", "CO2e", "Splits", right=(4, 5, 6))
    for option in options:
        plan = option.plan
        table.add_row(
            Text(", ".join(option.names), style="bold"),
            "\n".join(METHOD_TITLES[s.method] + (f" ({s.service})" if s.service else "") for s in plan.shipments)
            or "–",
            Text(
                "\n".join(s.node + (f" to {s.place}" if s.place not in (None, s.node) else "") for s in plan.shipments)
            ),
            promised(network, order, plan),
            money(plan.cost_cents, network.currency),
            mass(plan.co2e_g),
            str(max(0, len(plan.shipments) - 1)),
        )
    return table


def comparison_table(network: "Network", comparison: "Comparison") -> Table:
    """A row for each policy: what an order costs, splits, lateness, what is unfilled, where from, carbon."""
    from api.report.comparison import NARROW, rows_of

    table = plain_table(f"Mean of an order, {network.currency}", *NARROW, right=range(1, len(NARROW) + 1))
    table.columns[0].no_wrap = True
    for row in rows_of(comparison):
        table.add_row(Text(row.title, style="bold" if row.ours else ""), *row.cells(NARROW))
    return table


def promised(network: "Network", order: "Order", plan: Plan) -> str:
    """The last promise of a plan, in the time zone of who waits for it."""
    last = max(plan.shipments, key=lambda s: s.promise.deliver_by, default=None)
    return "–" if last is None else local_moment(last.promise.deliver_by, shipment_tz(network, order, last))


def status_text(plan: Plan) -> Text:
    """How far a plan is proven, green where it is."""
    words = STATUS_TITLES[plan.status]
    if plan.status is Status.FEASIBLE:
        words = f"within {plan.gap:.1%}"
    return Text(words, style="green" if plan.status is Status.OPTIMAL else "yellow")


def figures_tables(network: "Network", figures: "Figures", console: Console) -> None:
    """Print the figures of many decisions: mix, cost, splits, dates, speed."""
    currency, served = network.currency, max(1, figures.num_served + figures.num_partial)
    mix = plain_table("Method", "Shipments", "", "", "Mean cost", right=(1, 3, 4))
    costs = dict(figures.cost_by_method)
    for method, count in sorted(figures.shipments_by_method, key=lambda item: -item[1]):
        share = count / max(1, figures.num_shipments)
        mix.add_row(
            METHOD_TITLES[method], f"{count:,}", bar(share), f"{share:.0%}", money(costs[method] // count, currency)
        )
    console.print(mix)

    console.print()
    terms = plain_table("Cost per order", "", "", right=(1,))
    highest = max((abs(cents) for _, cents in figures.cost_by_rule), default=1)
    for rule, cents in sorted(figures.cost_by_rule, key=lambda item: -item[1]):
        if cents:
            terms.add_row(rule_title(rule), money(round(cents / served), currency), bar(abs(cents) / max(1, highest)))
    terms.add_row(
        Text("All terms", style="bold"), Text(money(figures.cost_per_order_cents, currency), style="bold"), ""
    )
    console.print(terms)

    console.print()
    facts = plain_table("Orders", "")
    for name, value in _facts(figures):
        facts.add_row(name, value)
    console.print(facts)


def _facts(figures: "Figures") -> list[tuple[str, str]]:
    served = max(1, figures.num_served + figures.num_partial)
    days = dict(figures.shipments_by_days)
    later = sum(count for day, count in days.items() if day >= DAYS_SHOWN)
    by_day = [f"{_day(day)} {days[day]}" for day in sorted(days) if day < DAYS_SHOWN]
    facts = [
        ("Served", f"{figures.num_served:,} of {figures.num_orders:,}"),
        ("Proven cheapest", f"{figures.num_optimal:,}"),
        ("Split", f"{figures.num_split:,}; {plural(figures.num_shipments, 'shipment')} in all"),
        ("Shipments promised", ", ".join([*by_day, *([f"later {later}"] if later else [])])),
    ]
    if figures.num_partial:
        facts.append(("Served in part", f"{figures.num_partial:,}"))
    if figures.num_dated:
        facts.append(("Asked-for date kept", f"{figures.num_in_time:,} of {figures.num_dated:,}"))
    if figures.num_relaxed:
        facts.append(("Soft rule given up", f"{figures.num_relaxed:,}"))
    facts.append(("CO2e per order", mass(figures.co2e_g // served)))
    speed = f"{figures.decisions_per_s:,} decisions per second on one core"
    facts.append(
        (
            "Time to decide",
            f"median {figures.elapsed_us_p50:,} µs, p99 {figures.elapsed_us_p99:,} µs; {speed}",
        )
    )
    return facts


def _day(day: int) -> str:
    return "same day" if day == 0 else "next day" if day == 1 else f"day {day}"


def bar(share: float) -> Text:
    """A bar of text, to compare rows at a glance."""
    return Text("█" * round(share * BAR_WIDTH) or "▏", style="cyan")
