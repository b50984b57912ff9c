"""What the desk tells of its work."""

from collections.abc import Sequence

from engine.desk.ask import Answer, Ask
from engine.stock.ledger import Outcome


class Watch:
    """What is told of the desk's work; the edge counts and logs it. All are called on the desk's thread."""

    def decided(self, ask: Ask, answer: Answer) -> None:
        """A call was answered, durably."""

    def failed(self, ask: Ask, error: Exception) -> None:
        """A call was refused, or broke."""

    def conflict(self, ask: Ask, outcome: Outcome) -> None:
        """A call was overtaken and is planned again."""

    def fallback(self, ask: Ask, error: Exception | None) -> None:
        """The engine failed, or was out of time; the plain rule answered."""

    def backup(self) -> None:
        """A quote was answered without the desk, which was late; not called on its thread."""

    def posted(self, size: int) -> None:
        """A group of so many calls was posted."""

    def step(self, name: str, asks: Sequence[Ask], began_s: float, ended_s: float) -> None:
        """Calls were planned ("plan") or posted ("post") together, between these moments of the monotonic clock."""

    def feed(self, changes: int, lag_s: float) -> None:
        """So many changes of other processes were taken over, the last of them that old."""
