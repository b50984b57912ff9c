"""Collects what is wrong in tables: everything is counted, of each kind the first few are listed."""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import Problem

LISTED_MAX = 20  # of one kind in one column of one file; more help nobody, and a bad export has a million
_NEIGHBOURS = 60  # ids looked at on either side of a misspelt one, where there are too many to compare with all
_COMPARED_MAX = 3_000


class Problems:
    """Problems found so far. Two are of one kind if their messages differ only inside parentheses."""

    def __init__(self) -> None:
        self._listed: dict[tuple[str, str, str, str], list[Problem]] = {}
        self._counts: dict[tuple[str, str, str, str], int] = {}

    def add(
        self,
        file: str,
        rows: int | Sequence[int] | NDArray[np.int64],
        column: str,
        value: str,
        message: str,
        hint: str | Callable[[], str] = "",
        *,
        severity: str = "error",
    ) -> None:
        """Note one problem at one row or at each of some rows; a hint given as a function is asked for if listed."""
        found = (rows,) if isinstance(rows, int) else rows
        if not len(found):
            return
        key = (file, column, severity, re.sub(r"\([^()]*\)", "(…)", message))
        self._counts[key] = self._counts.get(key, 0) + len(found)
        listed = self._listed.setdefault(key, [])
        room = LISTED_MAX - len(listed)
        if room <= 0:
            return
        advice = hint if isinstance(hint, str) else hint()
        listed.extend(
            Problem(
                file=file, row=int(row), column=column, value=value, message=message, hint=advice, severity=severity
            )
            for row in found[:room]
        )

    def warn(
        self,
        file: str,
        rows: int | Sequence[int] | NDArray[np.int64],
        column: str,
        value: str,
        message: str,
        hint: str | Callable[[], str] = "",
    ) -> None:
        """Note something that is odd but can be worked with."""
        self.add(file, rows, column, value, message, hint, severity="warning")

    @property
    def num_errors(self) -> int:
        """How many errors there are, listed or not."""
        return sum(n for (_, _, severity, _), n in self._counts.items() if severity == "error")

    def listed(self) -> list[Problem]:
        """All kinds of problems by file and first row; each kind ends with how many more there are, if any."""
        out: list[Problem] = []
        for key in sorted(self._listed, key=lambda k: (k[0], self._listed[k][0].row, k)):
            file, column, severity, kind = key
            some = sorted(self._listed[key], key=lambda p: p.row)
            out.extend(some)
            more = self._counts[key] - len(some)
            if more:
                message = f"And {more} more like it: {kind}"
                out.append(Problem(file=file, row=0, column=column, value="", message=message, severity=severity))
        return out


class Names:
    """Known names, to find the one that was meant."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {name.casefold(): name for name in self._known}

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._known)

    @cached_property
    def _sorted_reversed(self) -> list[str]:
        return sorted(name[::-1] for name in self._known)

    def hint(self, word: str) -> str:
        """Advice that names the nearest known name; empty where none is near."""
        same = self._folded.get(word.casefold())
        if same is not None and same != word:
            return f"({same}) is meant; upper and lower case differ."
        close = get_close_matches(word, self._candidates(word), n=20)
        return f"({max(close, key=lambda name: _likeness(name, word))}) is meant." if close else ""

    def _candidates(self, word: str) -> list[str]:
        """All names; of very many only those that start or end most like the word."""
        if len(self._known) <= _COMPARED_MAX:
            return self._sorted
        near = _around(self._sorted, word)
        near += [name[::-1] for name in _around(self._sorted_reversed, word[::-1])]
        return sorted(set(near))


def _likeness(name: str, word: str) -> tuple[float, int, str]:
    """How like a word a name is; of equals the one that starts like it, as most errors come late in a word."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, word, strict=False)))
    return SequenceMatcher(None, name, word).ratio(), same, name


def _around(names: list[str], word: str) -> list[str]:
    at = bisect_left(names, word)
    return names[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]
