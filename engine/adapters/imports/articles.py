"""
Skus and baskets from `baskets/`: real codes and baskets (UCI Online Retail, CC BY 4.0), real weights and sizes of
other articles (Olist), joined by chance. Values and flags are made up.

The baskets are a wholesaler's (median 15 lines, packs of 6, 12, 24). Cut for consumers: baskets of at most ten
different skus are kept, and a dozen counts as one unit more: below 12 units is 1, below 24 is 2, all others 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.adapters.imports.demand import Home, Mix, make_orders
from engine.adapters.imports.reading import data_file, read_rows
from engine.adapters.imports.synthetic import Basket, Floats, sku_table
from engine.domain.errors import InputError
from engine.domain.ids import SkuId
from engine.domain.order import Order
from engine.network.model import Network, SkuTable

LINES_MAX = 10
DOZEN = 12
QUANTITY_MAX = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Assortment:
    """Skus with their share in demand, most popular first, and their names."""

    skus: SkuTable
    popularity: Floats
    names: tuple[str, ...]


def assortment(data_dir: Path, rng: np.random.Generator, num_skus: int) -> Assortment:
    """The ``num_skus`` most bought skus (fewer if there are fewer), with sizes of random articles."""
    lines = _basket_lines(data_dir)
    counts = lines.group_by("sku").aggregate([("order_id", "count")])
    bought = sorted(
        zip(counts["sku"].to_pylist(), counts["order_id_count"].to_pylist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )[:num_skus]
    described = {
        row["StockCode"].upper(): row["description"]
        for row in read_rows(data_file(data_dir, "baskets/uci_online_retail_skus.csv.gz"))
    }
    weights, sides = _sizes(data_dir)
    pick = rng.integers(0, len(weights), len(bought))
    shares = np.array([count for _, count in bought], dtype=np.float64)
    return Assortment(
        skus=sku_table([sku for sku, _ in bought], weights[pick], sides[pick], rng),
        popularity=shares / shares.sum(),
        names=tuple(described.get(sku, "") for sku, _ in bought),
    )


def consumer_baskets(data_dir: Path, skus: SkuTable) -> list[Basket]:
    """Baskets cut to consumer size (see above), in the order of their ids; skus the network lacks are dropped."""
    lines = _basket_lines(data_dir).sort_by([("order_id", "ascending"), ("sku", "ascending")])
    out: list[Basket] = []
    order_ids = lines["order_id"].combine_chunks().to_pylist()
    names = lines["sku"].to_pylist()
    quantities = lines["qty_sum"].cast(pa.int64()).to_pylist()
    start = 0
    for end in range(1, len(order_ids) + 1):
        if end < len(order_ids) and order_ids[end] == order_ids[start]:
            continue
        if end - start <= LINES_MAX:
            basket = tuple(
                (SkuId(names[i]), min(QUANTITY_MAX, 1 + quantities[i] // DOZEN))
                for i in range(start, end)
                if names[i] in skus.index
            )
            if basket:
                out.append(basket)
        start = end
    return out


def orders_from_baskets(
    network: Network,
    data_dir: Path,
    rng: np.random.Generator,
    *,
    homes: Sequence[Home],
    moments: Sequence[datetime],
    mix: Mix,
) -> list[Order]:
    """An order per home and moment; its basket is drawn from the consumer baskets, with replacement."""
    baskets = consumer_baskets(data_dir, network.skus)
    if not baskets:
        raise InputError(f"No basket has a sku of network ({network.name}).", "use a network of the same importer.")
    chosen = [baskets[int(i)] for i in rng.integers(0, len(baskets), len(moments))]
    return make_orders(network, rng, baskets=chosen, homes=homes, moments=moments, mix=mix)


def _basket_lines(data_dir: Path) -> pa.Table:
    """Columns order_id, sku, qty_sum. Codes that differ in case only are one sku; some baskets name one twice."""
    path = data_file(data_dir, "baskets/uci_online_retail_baskets.parquet")
    table = pq.read_table(path, columns=["order_id", "sku", "qty"])
    upper = table.set_column(1, "sku", pc.utf8_upper(table["sku"]))
    return upper.group_by(["order_id", "sku"]).aggregate([("qty", "sum")])


def _sizes(data_dir: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Weights in g and sides in mm of all articles that have both; one of zero weight and two without sizes do not."""
    columns = ("product_weight_g", "product_length_cm", "product_width_cm", "product_height_cm")
    rows = [
        [float(row[name] or 0.0) for name in columns]
        for row in read_rows(data_file(data_dir, "baskets/olist_products.csv.gz"))
    ]
    values = np.array([row for row in rows if min(row) > 0.0])
    return np.round(values[:, 0]).astype(np.int64), np.round(values[:, 1:] * 10.0).astype(np.int64)
