"""Small charts as HTML and CSS: they follow the page's width and its light or dark colours by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLUMN_HEIGHT_PX = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a chart: its name, its length, and how it reads."""

    name: str
    value: int
    text: str
    css: str = ""


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars on one scale; credits (negative) are drawn in the colour of gains."""
    longest = max((abs(row.value) for row in rows), default=0) or 1
    return (
        '<div class="bars">'
        + "".join(
            f'<span class="name">{escape(row.name)}</span><span class="track">'
            f'<i class="{"gain" if row.value < 0 else row.css}" '
            f'style="width:{100 * abs(row.value) / longest:.1f}%"></i></span>'
            f'<span class="num">{escape(row.text)}</span>'
            for row in rows
        )
        + "</div>"
    )


def columns(rows: Sequence[Bar], caption: str) -> str:
    """Upright bars for counts along a scale, with a caption under them."""
    highest = max((row.value for row in rows), default=0) or 1
    return (
        '<div class="columns">'
        + "".join(
            f'<div title="{escape(row.text)}"><span class="well"><span class="num">{row.value:,}</span>'
            f'<i style="height:{COLUMN_HEIGHT_PX * row.value / highest:.1f}px"></i></span>'
            f'<span class="name">{escape(row.name)}</span></div>'
            for row in rows
        )
        + f'</div><p class="caption">{escape(caption)}</p>'
    )


def stack(rows: Sequence[Bar]) -> str:
    """One bar cut into shares, largest names in the legend below it with their figures."""
    total = sum(row.value for row in rows) or 1
    parts = "".join(
        f'<i class="{row.css}" style="width:{100 * row.value / total:.2f}%" title="{escape(row.name)}"></i>'
        for row in rows
    )
    legend = "".join(
        f'<li><i class="{row.css}"></i><span class="name">{escape(row.name)}</span>'
        f'<span class="num">{100 * row.value / total:.0f}%</span><span class="num soft">{escape(row.text)}</span></li>'
        for row in rows
    )
    return f'<div class="stack">{parts}</div><ul class="legend">{legend}</ul>'
