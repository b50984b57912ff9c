"""
Skus and baskets from `baskets/`: real codes and baskets (UCI Online Retail, CC BY 4.0), real weights and sizes of
other articles (Olist), joined by chance. Values and flags are made up.

The baskets are a wholesaler's (median 15 lines, packs of 6, 12, 24). Cut for consumers: baskets of at most ten
different skus are kept, and a dozen counts as one unit more: below 12 units is 1, below 24 is 2, all others 3.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
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
    num_baskets = np.bincount(lines.sku, minlength=len(lines.skus))
    bought = np.lexsort((np.arange(len(lines.skus)), -num_baskets))[:num_skus]
    names = [lines.skus[int(i)] for i in bought]
    described = {
        row["StockCode"].upper(): row["description"]
        for row in read_rows(data_file(data_dir, "baskets/uci_online_retail_skus.csv.gz"))
    }
    weights, sides = _sizes(data_dir)
    pick = rng.integers(0, len(weights), len(bought))
    shares = num_baskets[bought].astype(np.float64)
    return Assortment(
        skus=sku_table(names, weights[pick], sides[pick], rng),
        popularity=shares / shares.sum(),
        names=tuple(described.get(sku, "") for sku in names),
    )


def consumer_baskets(data_dir: Path, skus: SkuTable) -> list[Basket]:
    """Baskets cut to consumer size (see above), in the order of their ids; skus the network lacks are dropped."""
    lines = _basket_lines(data_dir)
    known = np.array([SkuId(sku) in skus.index for sku in lines.skus])
    bounds = np.flatnonzero(np.diff(lines.order, prepend=-1, append=-1)).tolist()
    out: list[Basket] = []
    for start, end in itertools.pairwise(bounds):
        if end - start <= LINES_MAX:
            basket = tuple(
                (SkuId(lines.skus[lines.sku[i]]), min(QUANTITY_MAX, 1 + int(lines.quantity[i]) // DOZEN))
                for i in range(start, end)
                if known[lines.sku[i]]
            )
            if basket:
                out.append(basket)
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


@dataclass(frozen=True, eq=False, kw_only=True)
class _Lines:
    """Lines of all baskets by order and sku: (num_lines,) columns, and what the sku numbers mean."""

    order: NDArray[np.int64]
    sku: NDArray[np.int64]
    quantity: NDArray[np.int64]
    skus: tuple[str, ...]


def _basket_lines(data_dir: Path) -> _Lines:
    """Codes that differ in case only are one sku; what a basket names twice is added up."""
    path = data_file(data_dir, "baskets/uci_online_retail_baskets.parquet")
    table = pq.read_table(path, columns=["order_id", "sku", "qty"])
    _, order = _numbered(table["order_id"], str)
    skus, sku = _numbered(table["sku"], str.upper)
    key, line = np.unique(order * len(skus) + sku, return_inverse=True)
    quantity = np.bincount(line, weights=table["qty"].to_numpy()).astype(np.int64)
    return _Lines(order=key // len(skus), sku=key % len(skus), quantity=quantity, skus=skus)


def _numbered(column: pa.ChunkedArray, spelt: Callable[[str], str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Distinct texts in alphabetical order, spelt alike, and the number of each row's text."""
    coded = column.combine_chunks().dictionary_encode()
    texts = [spelt(text) for text in coded.dictionary.to_pylist()]
    names = tuple(sorted(set(texts)))
    number = {name: i for i, name in enumerate(names)}
    return names, np.array([number[text] for text in texts], dtype=np.int64)[coded.indices.to_numpy()]


def _sizes(data_dir: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Weights in g and sides in mm of all articles that have both; one of zero weight and two without sizes do not."""
    columns = ("product_weight_g", "product_length_cm", "product_width_cm", "product_height_cm")
    rows = [
        [float(row[name] or 0.0) for name in columns]
        for row in read_rows(data_file(data_dir, "baskets/olist_products.csv.gz"))
    ]
    values = np.array([row for row in rows if min(row) > 0.0])
    return np.round(values[:, 0]).astype(np.int64), np.round(values[:, 1:] * 10.0).astype(np.int64)
