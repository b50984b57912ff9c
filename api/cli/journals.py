"""Journals on the command line: which network they are about, and a recorder for those that write one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.networks import BUILT, network_named
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.adapters.journal import Journal
    from engine.decide.engine import Engine
    from engine.decide.record import Recorder
    from engine.network.model import Network

NAMED = ("demo", *BUILT)


@contextmanager
def recording(
    engine: "Engine", path: Path, network_name: str, seed: int, *, replace: bool = False
) -> "Iterator[Recorder]":
    """A recorder whose journal is whole on the disk at the end, whatever happens in between."""
    from engine.adapters.journal import JournalWriter
    from engine.decide.events import Source, header_of
    from engine.decide.record import Recorder

    source = Source(network=_placed(network_name, path), seed=seed)
    header = header_of(engine.network, engine.policy, engine.live.num_days, source)
    with JournalWriter(path, header, replace=replace) as writer:
        yield Recorder(engine, writer)


def journal_network(
    journal: "Journal", *, name: str | None = None, data: Path | None = None, seed: int | None = None
) -> "Network":
    """
    The network that a journal names, or the given one.

    Raises InputError where a folder that it names is gone.
    """
    source = journal.header.source
    seed = source.seed if seed is None else seed
    if name is not None:
        return network_named(name, data=data, seed=seed)
    if source.network in NAMED:
        return network_named(source.network, data=data, seed=seed)
    beside = journal.path.parent / source.network  # an absolute path stays what it is
    if not beside.is_dir():
        raise InputError(
            f"Network ({beside}) of journal ({journal.path}) is no folder here.",
            "it moved: add --network.",
        )
    return network_named(str(beside), data=data, seed=seed)


def _placed(name: str, journal: Path) -> str:
    """A network's name as a journal keeps it: a folder beside the journal by its way from there, so both can move."""
    if name in NAMED:
        return name
    folder, home = Path(name).resolve(), journal.resolve().parent
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)
