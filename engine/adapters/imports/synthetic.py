"""
What no public data holds, made from a seed: values and flags of skus, and which node holds how much of which.

Stock follows popularity, as it does in retail: what sells is on the shelf nearly everywhere, the long tail lies in the
warehouses. A node that holds a share ``s`` of the assortment holds sku i with probability

    p_i = min(1, c · w_i ** 0.5),   c such that mean(p) = s,   w_i = popularity of i

and, where it does, 1 + Poisson(depth · sqrt(w_i / mean w)) units of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.domain.ids import SkuId
from engine.network.model import SkuTable, StockTable

COVER_DAYS_MAX = 365
SHIPS_ALONE_G = 20_000
OVERSIZE_LENGTH_GIRTH_MM = 2_667  # 105 inches, from which parcel carriers charge extra

Basket = tuple[tuple[SkuId, int], ...]  # (sku, quantity), each sku once
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """How a node is stocked: share of the assortment, mean depth of a row, units sold on a day over all skus."""

    node: int
    share: float
    depth: float
    sales_per_day: float


def zipf(num: int, exponent: float = 1.0, shift: float = 10.0) -> Floats:
    """Popularity by rank, adding up to 1: 1 / (rank + shift) ** exponent."""
    weights = 1.0 / (np.arange(1, num + 1) + shift) ** exponent
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def sku_table(
    ids: list[str],
    weight_g: NDArray[np.int64],
    sides_mm: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    node_groups: Mapping[int, tuple[str, ...]] | None = None,
    services: Mapping[int, tuple[str, ...]] | None = None,
) -> SkuTable:
    """
    Skus of given weight and size; value and the flags that no source tells are drawn.

    Parameters
    ----------
    ids
        Their ids.
    weight_g : (num_skus,)
        True weight.
    sides_mm : (num_skus, 3)
        In any order; volume is their product.
    rng
        Draws values (lognormal, median 25.00, higher for heavy skus), one hazardous sku in 100 and one sku in 50 that
        must not be split.
    node_groups, services
        Restrictions by index.
    """
    ordered = -np.sort(-sides_mm, axis=1)
    num = len(ids)
    value = 2_500.0 * np.exp(0.7 * rng.standard_normal(num)) * np.sqrt(np.maximum(weight_g, 50) / 700.0)
    girth = ordered[:, 0] + 2 * (ordered[:, 1] + ordered[:, 2])
    return SkuTable(
        ids=tuple(SkuId(i) for i in ids),
        weight_g=weight_g.astype(np.int64),
        volume_cm3=np.maximum(1, ordered.prod(axis=1) // 1000),
        longest_mm=np.ascontiguousarray(ordered[:, 0]),
        second_mm=np.ascontiguousarray(ordered[:, 1]),
        third_mm=np.ascontiguousarray(ordered[:, 2]),
        value_cents=np.maximum(100, np.round(value / 10.0).astype(np.int64) * 10 - 1),
        ships_alone=weight_g > SHIPS_ALONE_G,
        never_split=rng.random(num) < 0.02,
        hazardous=rng.random(num) < 0.01,
        oversize=girth > OVERSIZE_LENGTH_GIRTH_MM,
        node_groups=node_groups or {},
        services=services or {},
    )


def holding_probability(popularity: Floats, share: float) -> Floats:
    """Probability that a node holds each sku, so that it holds ``share`` of them on average."""
    root = np.sqrt(popularity / popularity.mean())
    low, high = 0.0, 1.0
    while np.minimum(1.0, high * root).mean() < share and high < 1e6:
        high *= 2.0
    for _ in range(50):
        middle = (low + high) / 2.0
        if np.minimum(1.0, middle * root).mean() < share:
            low = middle
        else:
            high = middle
    return np.asarray(np.minimum(1.0, high * root), dtype=np.float64)


def stock_by_popularity(rng: np.random.Generator, popularity: Floats, shelves: Sequence[Shelf]) -> StockTable:
    """
    Stock rows of all shelves, by node and sku.

    Parameters
    ----------
    rng
        Source of all chance; the same state gives the same stock bit for bit.
    popularity : (num_skus,)
        Share of each sku in demand.
    shelves
        The nodes that hold stock.
    """
    relative = np.sqrt(popularity / popularity.mean())
    by_share = {share: holding_probability(popularity, share) for share in sorted({s.share for s in shelves})}
    nodes: list[NDArray[np.int32]] = []
    skus: list[NDArray[np.int32]] = []
    on_hand: list[NDArray[np.int32]] = []
    cover: list[NDArray[np.int32]] = []
    for shelf in shelves:
        held = np.flatnonzero(rng.random(len(popularity)) < by_share[shelf.share])
        units = 1 + rng.poisson(shelf.depth * relative[held])
        days = units / np.maximum(shelf.sales_per_day * popularity[held], 1e-9)
        nodes.append(np.full(len(held), shelf.node, dtype=np.int32))
        skus.append(held.astype(np.int32))
        on_hand.append(units.astype(np.int32))
        cover.append(np.minimum(days, COVER_DAYS_MAX).astype(np.int32))
    units_all = np.concatenate(on_hand)
    # One row in twenty has units that earlier orders wait for.
    reserved = np.where(rng.random(len(units_all)) < 0.05, np.minimum(units_all, 1 + units_all // 8), 0)
    return StockTable(
        node=np.concatenate(nodes),
        sku=np.concatenate(skus),
        on_hand=units_all,
        reserved=reserved.astype(np.int32),
        days_of_cover=np.concatenate(cover),
    )


def joined(*tables: StockTable) -> StockTable:
    """Stock tables one after the other; their (node, sku) pairs must not overlap."""
    return StockTable(
        node=np.concatenate([t.node for t in tables]),
        sku=np.concatenate([t.sku for t in tables]),
        on_hand=np.concatenate([t.on_hand for t in tables]),
        reserved=np.concatenate([t.reserved for t in tables]),
        days_of_cover=np.concatenate([t.days_of_cover for t in tables]),
    )


def empty_rows(stock: StockTable, pairs: Sequence[tuple[int, int]]) -> StockTable:
    """Rows of zeros for those (node, sku) pairs that have no row yet, so that what is due there can be taken."""
    held = set(zip(stock.node.tolist(), stock.sku.tolist(), strict=True))
    missing = [pair for pair in dict.fromkeys(pairs) if pair not in held]
    node, sku = np.array(missing, dtype=np.int32).reshape(-1, 2).T
    zeros = np.zeros(len(missing), dtype=np.int32)
    return StockTable(node=node.copy(), sku=sku.copy(), on_hand=zeros, reserved=zeros, days_of_cover=zeros)
