"""What a desk has under way: groups of calls on their way to the ledger, and calls that repeat one of them."""

from typing import NamedTuple

from engine.desk.ask import BUSY, CONFLICT, Answer, Ask, DeskError, Draft, Planned
from engine.stock.ledger import Conflict, Outcome, Posted, Posting
from engine.stock.records import IdempotencyKey


class Sent:
    """A group on its way to the ledger."""

    __slots__ = ("begun", "broken", "unwritten", "written")

    def __init__(self) -> None:
        self.begun: list[tuple[Ask, Planned | Draft]] = []
        self.written: list[tuple[Ask, Planned, Posting]] = []  # the same, once they are written up
        self.broken: list[tuple[Ask, Posting]] = []  # those that could not be
        self.unwritten: list[tuple[Ask, Answer | Exception]] = []  # calls that change nothing, and their results

    @property
    def asks(self) -> list[Ask]:
        """The calls, as long as they are not written up."""
        return [ask for ask, _ in self.begun]

    def add(self, ask: Ask, planned: Planned | Draft) -> None:
        """Take a call in."""
        if isinstance(planned, Planned) and planned.posting is None:
            self.unwritten.append((ask, planned.answer))
        else:
            self.begun.append((ask, planned))

    def write_up(self, now_s: int) -> list[Posting]:
        """Make what drafts leave out, and the answers to remember; what is to be posted. On a writer's thread."""
        for ask, planned in self.begun:
            posting = planned.posting
            assert posting is not None, "calls that change nothing are not sent"
            try:
                done = planned.write() if isinstance(planned, Draft) else planned
            except Exception:
                self.broken.append((ask, posting))
                continue
            if ask.key is not None:
                posting.key = IdempotencyKey(
                    scope=ask.key.scope,
                    key=ask.key.key,
                    fingerprint=ask.key.fingerprint,
                    status=done.answer.status,
                    body=done.answer.body.decode(),
                    created_s=now_s,
                )
            self.written.append((ask, done, posting))
        return [posting for _, _, posting in self.written]


class Back(NamedTuple):
    """A group that has come back from it."""

    sent: Sent
    posted: Posted | Exception
    began_s: float
    ended_s: float


class Repeats:
    """
    Calls with a key that are under way, and those that repeat them.

    A call that is repeated while the first is under way waits for it. Planned beside it, it might find gone what the
    first one takes, and be refused though it holds.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Ask] = {}
        self._waiting: dict[tuple[str, str], list[Ask]] = {}

    def begin(self, ask: Ask) -> bool:
        """Whether a call may be planned now; otherwise it is kept here."""
        if ask.key is None:
            return True
        name = ask.key[:2]
        if self._first.setdefault(name, ask) is ask:
            return True
        self._waiting.setdefault(name, []).append(ask)
        return False

    def end(self, ask: Ask) -> list[Ask]:
        """A call is answered: those that have waited for it, the last first."""
        if ask.key is None or self._first.get(ask.key[:2]) is not ask:
            return []
        del self._first[ask.key[:2]]
        return self._waiting.pop(ask.key[:2], [])[::-1] if self._waiting else []


def contended(ask: Ask, outcome: Outcome) -> DeskError:
    """What a call is told that was overtaken too often."""
    if outcome.conflict == Conflict.EXISTS:
        return DeskError("exists", CONFLICT, f"There is one with that id already ({outcome.what}).", "use another id.")
    text = f"The call lost {ask.attempts} races for the same stock or record ({outcome.what})."
    return DeskError("contended", BUSY, text, "try again with the same key.", retryable=True)
