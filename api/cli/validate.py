"""sourcewise validate: everything wrong with a network folder, at once."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli.inputs import JsonOption
from api.cli.screen import problems_table, screen
from api.wording import plural
from engine.domain.errors import InputError


def validate(
    folder: Annotated[Path, typer.Argument(help="A network folder.")],
    as_json: JsonOption = False,
) -> None:
    """List all problems of a network folder. Exit code 0: none, 1: errors, 2: no such folder."""
    from engine.adapters.folder import validate_folder

    if not folder.is_dir():
        raise InputError(f"Network ({folder}) is no folder.", "sourcewise demo writes one to look at.")
    problems = validate_folder(folder)
    counts = Counter(problem.severity for problem in problems)
    if as_json:
        for problem in problems:
            print(json.dumps(asdict(problem), ensure_ascii=False))
    else:
        if problems:
            problems_table(problems)
        verdict = "fit for use" if not counts["error"] else "not fit for use"
        found = f"{plural(counts['error'], 'error')}, {plural(counts['warning'], 'warning')}"
        screen().print(f"{folder}: {verdict} ({found})", markup=False)
    if counts["error"]:
        raise typer.Exit(1)
