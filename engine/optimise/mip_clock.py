"""
The deadline of one search: how much time is left, and an exception for steps that cannot end half-way.

A search that looks at the clock may find another plan tomorrow. What its clocks have answered is short, and is all that
is new in it: a tape of the answers, played again, makes the same search again, step by step. Solvers that keep their
own time are the exception: one that was stopped by it cannot be repeated, and the tape says so.
"""

import time
from collections.abc import Sequence

_LATE = 0  # on a tape; a positive whole number stands for so many times "not late", a fraction for seconds left


class OutOfTimeError(Exception):
    """The time allowed is over; raised by `Clock.check` and caught within the search."""


class OffTapeError(Exception):
    """A search asked its clocks something else than the search whose tape is played."""


class Tape:
    """
    Takes down what the clocks of a search answer.

    ``answers`` holds whole numbers n > 0 for n times "not late", 0 for "late", and fractions for seconds left.
    """

    def __init__(self) -> None:
        self.answers: list[int | float] = []
        self.cut = False  # whether a solver was stopped by its own clock

    def late(self, now: bool) -> bool:
        """The answer to give where the clock says `now`."""
        answers = self.answers
        if now:
            answers.append(_LATE)
        elif answers and type(answers[-1]) is int and answers[-1] != _LATE:
            answers[-1] += 1
        else:
            answers.append(1)
        return now

    def left(self, now: float) -> float:
        """The seconds to give where the clock says `now`."""
        self.answers.append(now)
        return now

    def solver_s(self, seconds: float) -> float | None:
        """The limit to give to a solver that may take so many seconds."""
        return seconds


class Playback(Tape):
    """
    Gives the answers of a tape again, whatever the time is, and lets solvers end by themselves.

    Raises OffTapeError where it is asked for something else than was answered.
    """

    def __init__(self, answers: Sequence[int | float]) -> None:
        super().__init__()
        self.answers = list(answers)
        self._at = 0
        self._given = 0  # of a number of times "not late"

    def late(self, now: bool) -> bool:
        """What was answered."""
        answer = self._answer()
        if type(answer) is not int:
            raise OffTapeError
        self._given += 1
        if answer == _LATE or self._given == answer:
            self._next()
        return answer == _LATE

    def left(self, now: float) -> float:
        """What was answered."""
        answer = self._answer()
        if type(answer) is int:
            raise OffTapeError
        self._next()
        return answer

    def solver_s(self, seconds: float) -> float | None:
        """No limit: the solver ended by itself before."""
        return None

    @property
    def ended(self) -> bool:
        """Whether all answers have been given."""
        return self._at == len(self.answers)

    def _answer(self) -> int | float:
        if self.ended:
            raise OffTapeError
        return self.answers[self._at]

    def _next(self) -> None:
        self._at, self._given = self._at + 1, 0


class Clock:
    """Counts down from so many seconds; never ends without. What it answers goes by its tape, if it has one."""

    def __init__(self, seconds: float | None, tape: Tape | None = None) -> None:
        self._until = None if seconds is None else time.perf_counter() + seconds
        self._tape = tape

    def left(self) -> float | None:
        """Seconds left, below 0 once it is late; None without a deadline."""
        if self._until is None:
            return None
        now = self._until - time.perf_counter()
        return now if self._tape is None else self._tape.left(now)

    def late(self) -> bool:
        """Whether the time is over."""
        if self._until is None:
            return False
        now = self._until - time.perf_counter() <= 0
        return now if self._tape is None else self._tape.late(now)

    def part(self, share: float) -> "Clock":
        """A clock of a share of the time that is left."""
        left = self.left()
        return Clock(None if left is None else share * left, self._tape)

    def check(self) -> None:
        """Raise OutOfTimeError once the time is over."""
        if self.late():
            raise OutOfTimeError

    def solver_s(self, seconds: float | None = None) -> float | None:
        """The limit of a solver that keeps its own time: so many seconds, all that is left unless given."""
        allowed = self.left() if seconds is None else seconds
        return allowed if allowed is None or self._tape is None else self._tape.solver_s(allowed)

    def cut(self) -> None:
        """Note that a solver was stopped by its limit."""
        if self._tape is not None:
            self._tape.cut = True
