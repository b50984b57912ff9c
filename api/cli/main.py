"""
The command line, `sourcewise`. Heavy libraries are imported inside the commands, so that --help answers at once.

Exit codes: 0 done, 1 a validated network has errors, or a decision made again differs, 2 the input is wrong, 70 our own
mistake.
"""

import atexit
import gc
import os
import sys
from typing import Annotated

import typer

from api.cli.calibrate import calibrate
from api.cli.decide import decide
from api.cli.demo import demo
from api.cli.explain import explain
from api.cli.imports import import_app
from api.cli.keys import keys_app
from api.cli.ledger import ledger_app
from api.cli.options import options
from api.cli.orders import orders
from api.cli.replay import replay
from api.cli.screen import complain, problems_table
from api.cli.serve import serve
from api.cli.validate import validate
from api.wording import plural
from engine.domain.errors import FulfilmentError, NetworkError

EXIT_INPUT = 2
EXIT_OURS = 70
DEBUG = "--debug"
GARBAGE_THRESHOLD = 1_000_000


def make_app() -> typer.Typer:
    """The commands with their help."""
    app = typer.Typer(
        name="sourcewise",
        help="Decide who serves which order: which node, which service, when it arrives and what it costs.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        epilog="Start with: sourcewise demo",
    )

    @app.callback()
    def common(
        debug: Annotated[
            bool, typer.Option(DEBUG, help="Show where an error came from; fits anywhere in the line.")
        ] = False,
    ) -> None:
        """Decide who serves which order: which node, which service, when it arrives and what it costs."""

    app.command()(demo)
    app.command()(decide)
    app.command()(explain)
    app.command()(options)
    app.command()(orders)
    app.command()(validate)
    app.command()(replay)
    app.command()(calibrate)
    app.add_typer(import_app(), name="import")
    app.command()(serve)
    app.add_typer(ledger_app(), name="ledger")
    app.add_typer(keys_app(), name="keys")
    return app


def keep_garbage() -> None:
    """
    Look for garbage more rarely, and not at all when the process ends.

    What a start makes, it keeps: looking through it at the usual pace is a quarter of the time to a first decision.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    atexit.register(gc.freeze)


def keep_stdout() -> None:
    """Let nobody but us write to standard output: the solver prints a line there now and then, which goes to stderr."""
    try:
        ours = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # closed
        return
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdout = os.fdopen(ours, "w", encoding=encoding, errors=errors, buffering=1 if os.isatty(ours) else -1)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code; errors are sentences with advice, never tracebacks."""
    keep_garbage()
    if arguments is None:
        keep_stdout()
    given = sys.argv[1:] if arguments is None else arguments
    # Taken out by hand: an option of the app itself would only be known before the command's name.
    rest = [argument for argument in given if argument != DEBUG]
    try:
        make_app()(args=rest, prog_name="sourcewise")
    except FulfilmentError as error:
        if DEBUG in given:
            raise
        if isinstance(error, NetworkError):
            problems_table(error.problems, errors=True)
            complain(f"The network has {plural(len(error.problems), 'problem')}.\nMaybe run sourcewise validate.")
        else:
            complain(str(error))
        sys.exit(EXIT_INPUT)
    except OSError as error:
        if DEBUG in given:
            raise
        complain(f"{error.strerror or error}: {error.filename or ''}\nMaybe check the path and its permissions.")
        sys.exit(EXIT_INPUT)
    except Exception as error:
        if DEBUG in given:
            raise
        complain(f"A mistake of ours: {type(error).__name__}: {error}\nMaybe report it with what {DEBUG} shows.")
        sys.exit(EXIT_OURS)
