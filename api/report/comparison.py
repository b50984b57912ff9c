"""The comparison with the rules of others: rows for people, one chart as SVG, and the document that goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from api.wording import amount, mass, plural
from engine.network.model import Network
from scenarios.comparison import AS_DECIDED, OURS, Comparison, Figures, is_baseline

TITLES = {
    AS_DECIDED: "Sourcewise, as above",
    OURS: "Sourcewise, home only",
    "nearest": "Nearest node",
    "priority": "Priority list",
    "magento-priority": "Magento, priority",
    "magento-distance": "Magento, distance",
    "spree": "Spree",
    "hotwax": "HotWax",
    "shopify": "Shopify",
    "salesforce": "Salesforce",
    "dynamics": "Like Dynamics 365",
    "weighted-score": "Weighted score",
}
CORRECTED = "-corrected"
# Cost terms that are shown as one, with their colours on the page; what no group names is under "Other".
GROUPS = (
    ("Carrier", ("carrier", "packaging", "transfer"), "m1"),
    ("Picking", ("picking",), "m7"),
    ("Late, waiting", ("lateness", "waiting"), "m5"),
    ("Split price", ("split",), "m2"),
    ("Unserved", ("unserved",), "m6"),
    ("Other", (), "m3"),
    ("Markdown avoided", ("markdown",), "m4"),
)
HEADS = ("Cost", *(name for name, *_ in GROUPS), "Extra shipments", "Late", "Unfilled", "From stores", "CO2e")
NARROW = ("Cost", "Carrier", "Picking", "Late, waiting", "Unserved", "Markdown avoided", *HEADS[-5:])  # for a terminal
LABEL_PX, BAR_PX, ROW_PX, WIDTH_PX, END_PX = 210, 14, 24, 1_000, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy: its name for people, what an order costs in cents by group of terms, and the rest of its figures."""

    name: str
    title: str
    ours: bool
    cost_cents: float
    groups: tuple[float, ...]
    figures: Figures

    def cells(self, heads: Sequence[str] = HEADS) -> list[str]:
        """The figures in words under some of the HEADS."""
        shares = (self.figures[key] for key in ("late_share", "unfilled_share", "store_share"))
        cells = (
            amount(round(self.cost_cents)),
            *(amount(round(cents)) if round(cents) else "–" for cents in self.groups),
            f"{self.figures['splits']:.2f}",
            *(f"{share:.1%}" for share in shares),
            mass(round(self.figures["co2e_g_per_order"])),
        )
        by_head = dict(zip(HEADS, cells, strict=True))
        return [by_head[head] for head in heads]


def rows_of(comparison: Comparison) -> list[Row]:
    """Ours first, then the rules by cost; a rule without its traps only where that changes anything."""
    figures = comparison.figures
    names = [name for name in (AS_DECIDED, OURS) if name in figures]
    names += sorted((name for name in figures if is_baseline(name)), key=lambda n: (figures[n]["cost_per_order"], n))
    kept = [n for n in names if not n.endswith(CORRECTED) or figures[n] != figures.get(n.removesuffix(CORRECTED))]
    return [_row(name, figures[name]) for name in kept]


def _row(name: str, figures: Figures) -> Row:
    plain = name.removesuffix(CORRECTED)
    cents = {key.removeprefix("cents_"): value for key, value in figures.items() if key.startswith("cents_")}
    named = {rule for _, rules, _ in GROUPS for rule in rules}
    rest = sum(value for rule, value in cents.items() if rule not in named)
    return Row(
        name=name,
        title=TITLES.get(plain, plain) + (", corrected" if plain != name else ""),
        ours=not is_baseline(name),
        cost_cents=figures["cost_per_order"],
        groups=tuple(sum(cents.get(rule, 0.0) for rule in rules) if rules else rest for _, rules, _ in GROUPS),
        figures=figures,
    )


def document(network: Network, comparison: Comparison) -> dict[str, Any]:
    """The figures for programs: money in cents of the network's currency, shares from 0 to 1."""
    best = comparison.best_baseline
    ours = comparison.figures[OURS]["cost_per_order"]
    other = comparison.figures[best]["cost_per_order"] if best is not None else 0.0
    return {
        "network": network.name,
        "currency": network.currency,
        "num_orders": comparison.num_orders,
        "policies": {
            name: {key: round(value, 4) for key, value in figures.items()}
            for name, figures in comparison.figures.items()
        },
        "best_baseline": best,
        "saving_vs_best_baseline": round(1 - ours / other, 4) if other else None,
        "left_out": [{"policy": left.name, "reason": left.reason} for left in comparison.left_out],
    }


def sentence(comparison: Comparison, num_decided: int) -> str:
    """What is compared with what, and what came out."""
    count = comparison.num_orders
    which = plural(count, "order") if count == num_decided else f"first {count:,} of {plural(num_decided, 'order')}"
    text = (
        f"The same {which} in the same sequence, from the same stock. Every rule is given the cheapest service of its "
        "nodes and our dates; what it leaves unserved or late costs it what it costs us."
    )
    best = comparison.best_baseline
    if best is not None and comparison.figures[best]["cost_per_order"] > 0:
        saved = 1 - comparison.figures[OURS]["cost_per_order"] / comparison.figures[best]["cost_per_order"]
        rule, words = TITLES[best.removesuffix(CORRECTED)], f"{abs(saved):.1%} {'less' if saved >= 0 else 'more'}"
        text += f" Without proposing pickup, ours costs {words} than the cheapest rule ({rule})."
    return text


def section(network: Network, comparison: Comparison, num_decided: int) -> str:
    """The part of the report: what is compared, a chart, a table."""
    rows = rows_of(comparison)
    left = "".join(f'<p class="caption">Left out: {escape(rule.reason)}</p>' for rule in comparison.left_out)
    heads = "".join(f'<th class="num">{escape(name)}</th>' for name in HEADS)
    body = "".join(
        f"<tr{_ours(row)}><td>{escape(row.title)}</td>"
        + "".join(f'<td class="num">{escape(cell)}</td>' for cell in row.cells())
        + "</tr>"
        for row in rows
    )
    keys = "".join(
        f'<span><i class="dot" style="--m:var(--{css})"></i>{escape(name)}</span>' for name, _, css in GROUPS
    )
    return (
        '<section class="card w12 compared"><h2>Beside the rules of others, mean of an order in '
        f"{escape(network.currency)}</h2>"
        f'<p class="soft">{escape(sentence(comparison, num_decided))}</p>'
        f'{chart(rows)}<div class="keys">{keys}</div>'
        f'<div class="wide"><table><thead><tr><th></th>{heads}</tr></thead><tbody>{body}</tbody></table></div>{left}'
        "</section>"
    )


def chart(rows: Sequence[Row]) -> str:
    """A bar for each policy, cut by group of terms; credits to the left of zero, the cost in figures at its end."""
    most = max((_upwards(row.groups) for row in rows), default=0.0) or 1.0
    least = max((_upwards([-cents for cents in row.groups]) for row in rows), default=0.0)
    scale = (WIDTH_PX - LABEL_PX - END_PX) / (most + least)
    zero = LABEL_PX + least * scale
    bars = "".join(_bar(row, i * ROW_PX, zero, scale) for i, row in enumerate(rows))
    height = len(rows) * ROW_PX
    return (
        f'<svg class="policies" viewBox="0 0 {WIDTH_PX} {height}" role="img" '
        f'aria-label="Cost of an order by policy and group of cost terms">{bars}'
        f'<path class="zero" d="M{zero:.1f} 0V{height}"/></svg>'
    )


def _bar(row: Row, top: int, zero: float, scale: float) -> str:
    right = left = zero
    parts = []
    for (name, _, css), cents in zip(GROUPS, row.groups, strict=True):
        width = abs(cents) * scale
        start = right if cents >= 0 else left - width
        right, left = (right + width, left) if cents >= 0 else (right, left - width)
        if width >= 0.05:
            parts.append(
                f'<rect x="{start:.1f}" y="{top + (ROW_PX - BAR_PX) // 2}" width="{width:.1f}" height="{BAR_PX}" '
                f'style="fill:var(--{css})"><title>{escape(f"{name}: {amount(round(cents))}")}</title></rect>'
            )
    line = top + ROW_PX // 2 + 4
    return (
        f'<g{_ours(row)}><text x="{LABEL_PX - 12}" y="{line}" text-anchor="end">{escape(row.title)}</text>'
        f'{"".join(parts)}<text x="{right + 8:.1f}" y="{line}">{amount(round(row.cost_cents))}</text></g>'
    )


def _upwards(values: Sequence[float]) -> float:
    return sum(value for value in values if value > 0)


def _ours(row: Row) -> str:
    return ' class="ours"' if row.ours else ""
