"""Where text goes: results to standard output, progress and complaints to standard error."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.domain.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_PIPED = 140  # columns where nobody has said how many there are
PROBLEMS_SHOWN = 200


def screen(*, errors: bool = False) -> "Console":
    """A console on standard output (or error); wide where it is a file or a pipe, so that tables keep their words."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    wide = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_PIPED
    return Console(stderr=errors, width=wide, highlight=False, soft_wrap=False)


def complain(message: str) -> None:
    """Say what went wrong; the advice in it keeps its own line."""
    from rich.text import Text

    first, *rest = message.splitlines() or [""]
    text = Text()
    text.append("Error: ", style="bold red")
    text.append("\n".join([first, *rest]))
    screen(errors=True).print(text)


@contextmanager
def step(words: str) -> Iterator[None]:
    """Show that something is under way: a spinner for people, one line for a log."""
    console = screen(errors=True)
    if console.is_terminal:
        with console.status(words):
            yield
    else:
        console.print(f"{words} …", markup=False)
        yield


def problems_table(problems: Sequence[Problem], *, errors: bool = False) -> None:
    """Print problems with where they are and what to do, errors first."""
    from rich.table import Table
    from rich.text import Text

    ranked = sorted(problems, key=lambda p: (p.severity != "error", p))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "Where", "Value", "What", "Maybe"):
        table.add_column(name, overflow="fold")
    for problem in ranked[:PROBLEMS_SHOWN]:
        bad = problem.severity == "error"
        row = f" row {problem.row:,}" if problem.row else ""
        column = f" {problem.column}" if problem.column else ""
        table.add_row(
            Text("error" if bad else "warning", style="red" if bad else "yellow"),
            Text(f"{problem.file}{row}{column}"),
            Text(problem.value),
            Text(problem.message),
            Text(problem.hint, style="dim"),
        )
    console = screen(errors=errors)
    console.print(table)
    if len(ranked) > PROBLEMS_SHOWN:
        console.print(f"… and {len(ranked) - PROBLEMS_SHOWN:,} more; --json lists them all.")
