"""From a folder to a Network: all files are read and checked, and nothing is built while anything is wrong."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.adapters.folder.build import build_network
from engine.adapters.folder.check_network import check_network
from engine.adapters.folder.check_tariffs import check_tariffs
from engine.adapters.folder.config import CONFIG, POLICIES, Config, read_config
from engine.adapters.folder.problems import Names, Problems
from engine.adapters.folder.sheets import ENDINGS, read_sheet, table_files
from engine.adapters.folder.tables import TABLES
from engine.adapters.folder.typed import Typed, check_references, typed
from engine.domain.errors import NetworkError, Problem
from engine.network.model import Network


@dataclass(kw_only=True)
class Folder:
    """A folder as read: typed tables by name, settings, and what is wrong."""

    tables: dict[str, Typed] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    hashes: dict[str, bytes] = field(default_factory=dict)  # of the bytes of each file read
    problems: Problems = field(default_factory=Problems)


def read_network(path: Path | str) -> Network:
    """
    Read the network in a folder (see FORMAT.md).

    Raises
    ------
    NetworkError
        Where anything is wrong with it; carries all errors, and no part of the network is used.
    """
    folder = read_folder(Path(path))
    errors = [p for p in folder.problems.listed() if p.severity == "error"]
    if errors:
        raise NetworkError(errors)
    version = hashlib.sha256(b"".join(name.encode() + b"\0" + folder.hashes[name] for name in sorted(folder.hashes)))
    return build_network(folder.tables, folder.config, version.hexdigest()[:12])


def validate_folder(path: Path | str) -> list[Problem]:
    """
    List everything that is wrong (errors) or odd (warnings) in a folder.

    Of one kind of problem in one column the first 20 are listed, followed by one with row 0 that counts the others.
    """
    return read_folder(Path(path)).problems.listed()


def read_folder(path: Path) -> Folder:
    """Read and check a folder; never raises for what is in it."""
    folder = Folder()
    if not path.is_dir():
        hint = "it is an archive: unpack it first." if path.exists() else "the name is misspelt."
        folder.problems.add(str(path), 0, "", "", "There is no such folder.", hint)
        return folder
    unreadable = _read_tables(path, folder)
    known = _known_ids(folder.tables, unreadable)
    for table in folder.tables.values():
        check_references(table, known, folder.problems)
    configs = {name: (path / name).read_bytes() for name in (CONFIG, POLICIES) if (path / name).is_file()}
    folder.hashes.update((name, hashlib.sha256(data).digest()) for name, data in configs.items())
    folder.config = read_config(configs, known.get("groups"), known.get("services"), folder.problems)
    check_network(folder.tables, folder.config.as_of, folder.problems)
    check_tariffs(folder.tables, folder.config.as_of, folder.problems)
    return folder


def _read_tables(path: Path, folder: Folder) -> set[str]:
    """Read every table; returns the names of those that are there but could not be read."""
    specs = {table.name: table for table in TABLES}
    files: dict[str, list[Path]] = {}
    for name, file in table_files(path):
        if name in specs:
            files.setdefault(name, []).append(file)
        else:
            hint = Names(specs).hint(name) or "it belongs to another folder."
            folder.problems.warn(file.name, 0, "", "", "The file is none of the tables and is not read.", hint)
    unreadable = set()
    for name, table in specs.items():
        found = files.get(name, [])
        if len(found) > 1:
            both = " and ".join(file.name for file in found)
            folder.problems.add(found[0].name, 0, "", "", f"The table is there twice: {both}.", "remove one of them.")
        sheet = None
        if found:
            data = found[0].read_bytes()
            folder.hashes[found[0].name] = hashlib.sha256(data).digest()
            sheet = read_sheet(found[0].name, data, folder.problems)
        if sheet is None and (found or table.required):
            unreadable.add(name)
        if not found and table.required:
            endings = ", ".join(ENDINGS)
            folder.problems.add(f"{name}.csv", 0, "", "", "The file is missing.", f"it may end in {endings}.")
        file_name = found[0].name if found else f"{name}.csv"
        folder.tables[name] = typed(table, sheet, file_name, folder.problems)
        if table.required and sheet is not None and sheet.num_rows == 0 and name != "stock":
            folder.problems.add(file_name, 0, "", "", "The table has no rows.", "an export was cut short.")
    return unreadable


def _known_ids(tables: Mapping[str, Typed], unreadable: set[str]) -> dict[str, Mapping[str, Any]]:
    """Ids by what refers to them; what could not be read is left out, so that not each reference to it is an error."""
    known: dict[str, Mapping[str, Any]] = {
        name: dict.fromkeys(tables[name].ids())
        for name in ("nodes", "skus", "carriers", "services")
        if name not in unreadable
    }
    if "nodes" not in unreadable:
        groups = (group for value in tables["nodes"].columns["groups"].values for group in value or ())
        known["groups"] = dict.fromkeys(groups)
    zones = ("zone_prefixes", "zone_distances", "zone_regions")
    if not unreadable.intersection(zones):
        known["zone maps"] = dict.fromkeys(zone_map for name in zones for zone_map in tables[name].ids())
    return known
