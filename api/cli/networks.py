"""Networks by name: a folder, the demo, or one built from real data and kept in a cache."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.screen import screen, step
from engine.domain.errors import InputError

if TYPE_CHECKING:
    from engine.decide.engine import Engine
    from engine.domain.policy import Policy
    from engine.network.model import Network

DATA_DEFAULT = Path("../shared/data")
BUILT = ("us", "fr")
RECIPE_DIGITS = 10


def data_folder(data: Path | None) -> Path:
    """
    The folder of real data: the given one, else $SOURCEWISE_DATA, else ../shared/data.

    Raises InputError where there is none.
    """
    folder = data or Path(os.environ.get("SOURCEWISE_DATA") or DATA_DEFAULT)
    if not folder.is_dir():
        raise InputError(
            f"Data folder ({folder}) does not exist.",
            "name it by --data or SOURCEWISE_DATA; the demo network (--network demo) needs none.",
        )
    return folder


def cache_folder() -> Path:
    """Where built networks are kept: $SOURCEWISE_CACHE, else the user's cache."""
    given = os.environ.get("SOURCEWISE_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sourcewise"


def built_network(name: str, data: Path, seed: int) -> "Network":
    """Build the US or the French network from real data."""
    if name == "us":
        from engine.adapters.imports.us import us_network

        return us_network(data, seed=seed)
    from engine.adapters.imports.fr import fr_network

    return fr_network(data, seed=seed)


def network_named(name: str, *, data: Path | None = None, seed: int = 1) -> "Network":
    """
    Load or make a network.

    Parameters
    ----------
    name
        ``demo`` (made from the seed), ``us`` or ``fr`` (built once from the data folder, then kept in the cache), else
        the path of a network folder.
    data
        See `data_folder`.
    seed
        Of everything that is made up.

    Raises
    ------
    InputError, NetworkError
        Where there is no such folder, or it has problems.
    """
    if name == "demo":
        from scenarios.demo import demo_network

        return demo_network(seed)
    from engine.adapters.folder import read_network

    if name in BUILT:
        return read_network(_kept(name, data_folder(data), seed))
    folder = Path(name)
    if not folder.is_dir():
        raise InputError(f"Network ({name}) is no folder.", "demo, us, fr, or the path of a network folder.")
    return read_network(folder)


def _kept(name: str, data: Path, seed: int) -> Path:
    """The cached folder of a built network, built now where absent. A half-written one is never left behind."""
    from engine.adapters.folder import write_network

    folder = cache_folder() / f"{name}-seed{seed}-{_recipe(name, data)}"
    if folder.is_dir():
        return folder
    half = folder.with_name(f"{folder.name}.{os.getpid()}.half")
    with step(f"Building the {name} network from {data}, once (about half a minute)"):
        half.mkdir(parents=True)
        try:
            write_network(built_network(name, data, seed), half)
            for outdated in folder.parent.glob(f"{name}-seed{seed}-{'[0-9a-f]' * RECIPE_DIGITS}"):
                shutil.rmtree(outdated)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    screen(errors=True).print(f"Kept in {folder}", markup=False)
    return folder


def _recipe(name: str, data: Path) -> str:
    """A name for what a built network depends on: the code that builds and writes it, and the files it reads."""
    import engine.adapters

    source = Path(next(iter(engine.adapters.__path__)))
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*.py")) + sorted(source.rglob("*.csv")):
        digest.update(path.read_bytes())
    for folder in (name, "baskets"):
        for path in sorted((data / folder).glob("*")):
            digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:RECIPE_DIGITS]


def engine_for(network: "Network", policy: "Policy | None" = None) -> "Engine":
    """An engine on a network; the first on a machine compiles its kernels, and says so while it does."""
    from engine.decide.engine import Engine

    compile_kernels()
    return Engine(network, policy=policy)


def compile_kernels() -> None:
    """Compile the kernels where nobody has yet on this machine, and say so meanwhile."""
    from engine.decide.warm import is_warm, warm_up

    if not is_warm():
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = screen(errors=True)
        console.print("Compiling kernels, once per machine (about a minute) …")
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
        ) as bar:
            task = bar.add_task("kernels", total=None)

            def report(name: str, done: int, total: int) -> None:
                bar.update(task, description=name, completed=done, total=total)

            warm_up(report)
