"""Errors a caller can act on. An order that cannot be served is none of them: it is an INFEASIBLE plan."""

from dataclasses import dataclass


class FulfilmentError(Exception):
    """Base of all errors that Sourcewise raises on purpose."""


class InputError(FulfilmentError):
    """
    What the caller gave is wrong.

    Parameters
    ----------
    message
        One sentence that names the field and its value.
    hint
        What to try; printed on a line of its own that starts with "Maybe".
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\nMaybe {hint}" if hint else message)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in a table: where it is, what it says and what to do. ``row`` is 1 for the first data row."""

    file: str
    row: int
    column: str
    value: str
    message: str
    hint: str = ""
    severity: str = "error"  # "error" or "warning"; warnings do not fail a validation


class NetworkError(FulfilmentError):
    """A network folder with problems; carries all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(
            f"{len(problems)} problem(s); the first: {first.file} row {first.row} column {first.column} "
            f"value ({first.value}): {first.message}" + (f"\nMaybe {first.hint}" if first.hint else "")
        )
