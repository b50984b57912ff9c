"""The deadline of one search: how much time is left, and an exception for steps that cannot end half-way."""

import time


class OutOfTimeError(Exception):
    """The time allowed is over; raised by `Clock.check` and caught within the search."""


class Clock:
    """Counts down from so many seconds; never ends without."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.perf_counter() + seconds

    def left(self) -> float | None:
        """Seconds left, below 0 once it is late; None without a deadline."""
        return None if self._until is None else self._until - time.perf_counter()

    def late(self) -> bool:
        """Whether the time is over."""
        left = self.left()
        return left is not None and left <= 0

    def part(self, share: float) -> "Clock":
        """A clock of a share of the time that is left."""
        left = self.left()
        return Clock(None if left is None else share * left)

    def check(self) -> None:
        """Raise OutOfTimeError once the time is over."""
        if self.late():
            raise OutOfTimeError
