"""From a Network to a folder that reads back as the same network. As in sheets, the table library waits for its use."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.adapters.folder.cells import CellError
from engine.adapters.folder.config import CONFIG, POLICIES, config_text
from engine.adapters.folder.sheets import ENDINGS
from engine.adapters.folder.spec import Column, Table
from engine.adapters.folder.tables import TABLES
from engine.adapters.folder.typed import parse_cell
from engine.domain.errors import InputError
from engine.network.model import Network

if TYPE_CHECKING:
    import pyarrow as pa

_ATTRIBUTES = {"transit": "transits", "postcodes": "areas"}  # where a table is not named like its field of Network


def write_network(network: Network, path: Path | str) -> None:
    """
    Write a network as a folder of CSV files; tables of a network written there before are replaced.

    Raises
    ------
    InputError
        Where a value would not be read back as it is (an id with a semicolon in a list); nothing is written then.
    """
    folder = Path(path)
    tables = {table: found for table in TABLES if (found := _columns(table, network)) is not None}
    text = config_text(network)
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        for ending in ENDINGS:
            (folder / f"{table.name}{ending}").unlink(missing_ok=True)
    (folder / POLICIES).unlink(missing_ok=True)
    (folder / CONFIG).write_text(text, encoding="utf-8", newline="\n")
    for table, found in tables.items():
        _write_csv(found, folder / f"{table.name}.csv")


def _write_csv(found: "pa.Table", path: Path) -> None:
    """Write without quotation marks where no text needs them (the writer would put them around every text)."""
    import pyarrow as pa
    import pyarrow.csv

    for style in ("none", "needed"):
        try:
            options = pyarrow.csv.WriteOptions(quoting_style=style, quoting_header="none", batch_size=65_536)
            pyarrow.csv.write_csv(found, path, options)
        except pa.ArrowInvalid:
            continue
        return


def _columns(table: Table, network: Network) -> "pa.Table | None":
    """The cells of a table; None where an optional table has no rows."""
    import pyarrow as pa

    if table.row is None:
        values = _COLUMNAR[table.name](network)
    else:
        rows: Sequence[Any] = getattr(network, _ATTRIBUTES.get(table.name, table.name))
        values = {column.name: [getattr(row, column.name) for row in rows] for column in table.columns}
    num_rows = len(next(iter(values.values())))
    if not num_rows and not table.required:
        return None
    columns = {}
    for column in table.columns:
        cells = values[column.name]
        array = pa.array(cells) if isinstance(cells, np.ndarray) else _texts(table, column, cells)
        if column.required or not _all_default(column, cells):
            columns[column.name] = array
    return pa.table(columns)


def _all_default(column: Column, cells: Sequence[Any] | NDArray[Any]) -> bool:
    if isinstance(cells, np.ndarray):
        return bool((cells == column.default).all())
    return all(cell == column.default for cell in cells)


def _texts(table: Table, column: Column, cells: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa

    written: dict[Any, str] = {}
    for value in dict.fromkeys(cells):
        written[value] = cell_text(table, column, value)
    return pa.array([written[value] for value in cells], type=pa.string())


def cell_text(table: Table, column: Column, value: Any) -> str:
    """A value as text that reads back as the same value."""
    text = "" if value is None else column.kind.format(value)
    if value == () and column.default != ():
        text = "none"
    try:
        if parse_cell(column, text) == value:
            return text
        hint = "an empty value stands for something else there, or spaces are around it."
    except CellError as error:
        hint = error.hint or error.message
    raise InputError(f"Value ({value!r}) of {table.name}.{column.name} cannot be written.", hint)


def _sku_columns(network: Network) -> dict[str, Any]:
    skus = network.skus
    count = len(skus.ids)
    whole = ("weight_g", "volume_cm3", "longest_mm", "second_mm", "third_mm", "value_cents")
    flags = ("ships_alone", "never_split", "hazardous", "oversize")
    return {
        "sku": list(skus.ids),
        **{name: np.asarray(getattr(skus, name)) for name in whole},
        **{name: np.asarray(getattr(skus, name)).astype(np.int8) for name in flags},
        "sku_class": [skus.sku_class(i) for i in range(count)],
        "node_groups": [skus.node_groups.get(i, ()) for i in range(count)],
        "services": [skus.services.get(i, ()) for i in range(count)],
    }


def _stock_columns(network: Network) -> dict[str, Any]:
    stock = network.stock
    nodes, skus = network.nodes, network.skus.ids
    return {
        "node_id": [nodes[i].node_id for i in stock.node.tolist()],
        "sku": [skus[i] for i in stock.sku.tolist()],
        "on_hand": stock.on_hand,
        "reserved": stock.reserved,
        "days_of_cover": stock.days_of_cover,
    }


def _prefix_columns(network: Network) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {"zone_map": [], "origin_prefix": [], "dest_prefix": [], "zone": []}
    for pairs in network.zone_pairs:
        origins, dests = np.nonzero(pairs.zone >= 0)
        out["zone_map"] += [pairs.zone_map] * len(origins)
        out["origin_prefix"] += [pairs.origin[i] for i in origins.tolist()]
        out["dest_prefix"] += [pairs.dest[i] for i in dests.tolist()]
        out["zone"] += [network.zone_ids[z] for z in pairs.zone[origins, dests].tolist()]
    return out


_COLUMNAR: dict[str, Callable[[Network], dict[str, Any]]] = {
    "skus": _sku_columns,
    "stock": _stock_columns,
    "zone_prefixes": _prefix_columns,
}
