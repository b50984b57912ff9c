"""The comparison as one self-contained page: a table and a picture for each world, and maps of who shipped."""

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from api.report.figures import Decided, figures_of
from api.report.map import map_svg
from benchmarks.record import Figures
from engine.network.model import Network

HEADS = {
    "cost_per_order": "Cost an order",
    "cost_per_order_cash": "Without values of stock",
    "splits": "Shipments beyond the first, an order",
    "late_share": "Late, of those with a date",
    "unfilled_share": "Units unfilled",
    "store_share": "Shipments from stores",
    "co2e_g_per_order": "CO2e an order",
}
Maps = dict[str, tuple[Network, dict[str, Sequence[Decided]]]]  # by world: who decided, and what


def write_page(path: Path, figures: Figures, maps: Maps, picture: Path) -> None:
    """Write the page; `picture` is the PNG of the bars, which becomes part of it."""
    page = files("api.report").joinpath("page.html").read_text(encoding="utf-8")
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")].replace("$$", "$")
    bars = base64.b64encode(picture.read_bytes()).decode()
    worlds = "".join(_world(name, part, maps.get(name)) for name, part in figures["networks"].items())
    path.write_text(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison · Sourcewise</title><style>{style}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 16px; }}
section {{ margin-bottom: 28px; }} td, th {{ text-align: right; padding: 3px 10px; }} td {{ white-space: nowrap; }}
td:first-child, th:first-child {{ text-align: left; }} tr.ours td {{ font-weight: 600; }} img {{ max-width: 100%; }}
</style></head><body><main><header><h1>The same orders under every policy</h1></header>
<p>{figures["seeds"]} seeds of {figures["orders_per_seed"]:,} orders in each world, {escape(figures["source"])}.
Means over seeds; ± is half of the 95 % interval. Stock and capacity are consumed as orders come.</p>
{worlds}<section class="card"><h2>Cost by term</h2>
<img alt="Cost of an order by policy and cost term" src="data:image/png;base64,{bars}"></section></main></body></html>
""",
        encoding="utf-8",
    )


def _world(name: str, part: Figures, drawn: tuple[Network, dict[str, Sequence[Decided]]] | None) -> str:
    saved = part["saving_vs_best_baseline"]
    rows = sorted(part["policies"].items(), key=lambda item: item[1]["cost_per_order"]["mean"])
    body = "".join(_row(policy, row) for policy, row in rows)
    heads = "".join(f"<th>{escape(text)}</th>" for text in HEADS.values())
    maps = ""
    if drawn is not None:
        network, by_policy = drawn
        maps = "".join(
            f"<figure><figcaption>{escape(policy)}: who ships, one seed</figcaption>"
            f"{map_svg(network, decided, figures_of(network, decided))}</figure>"
            for policy, decided in by_policy.items()
        )
    bare = part["saving_without_markdown"]
    return (
        f'<section class="card"><h2>{escape(name)}</h2><p>Ours saves {_share(saved)} against the cheapest rule, '
        f"{escape(part['best_baseline'])}. Told not to look at markdown, and counted without it for both, it saves "
        f"{_share(bare)} against {escape(part['best_baseline_without_markdown'])}.</p>"
        f"<table><thead><tr><th>Policy</th>{heads}</tr></thead><tbody>{body}</tbody></table>"
        f'<div class="pair">{maps}</div></section>'
    )


def _share(value: Figures) -> str:
    return f"{value['mean']:.1%} (95 % interval {value['low']:.1%} to {value['high']:.1%})"


def _row(policy: str, row: Figures) -> str:
    cells = []
    for key in HEADS:
        mean, half = row[key]["mean"], (row[key]["high"] - row[key]["low"]) / 2
        if key.startswith("cost_per_order"):
            cells.append(f"{mean / 100:.2f} ± {half / 100:.2f}")
        elif key.endswith("_share"):
            cells.append(f"{mean:.1%}")
        else:
            cells.append(f"{mean:,.0f} g" if key.startswith("co2e") else f"{mean:.3f}")
    ours = ' class="ours"' if policy.startswith("sourcewise") else ""
    return f"<tr{ours}><td>{escape(policy)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
