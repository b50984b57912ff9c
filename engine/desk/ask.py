"""What is asked of the desk and what it answers: commands, their answers, and errors that say what to do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from engine.domain.errors import FulfilmentError
from engine.stock.ledger import Posting

if TYPE_CHECKING:
    from engine.desk.state import State

OK, CREATED, NOT_FOUND, CONFLICT, UNPROCESSABLE, BUSY = 200, 201, 404, 409, 422, 503


class KeyAsked(NamedTuple):
    """How the caller names a call, so that a repeated one is the same call."""

    scope: str  # client and operation
    key: str
    fingerprint: str  # of the payload


class Answer(NamedTuple):
    """An answer as it is sent and remembered: status as HTTP has it, body as JSON."""

    status: int
    body: bytes
    replayed: bool = False


class Planned(NamedTuple):
    """
    What a command does, and what it answers if that holds. Without a posting nothing is changed.

    ``then`` is called on the desk's thread once the posting is durable: for what the desk remembers beside the view.
    """

    answer: Answer
    posting: Posting | None = None
    then: "Callable[[State], None] | None" = None


class Draft(NamedTuple):
    """
    What a command takes, to be written up on a writer's thread: `write` looks at nothing that changes meanwhile.

    Answers and records take a third as long as deciding does; the desk decides the next group while they are made.
    """

    posting: Posting  # stock and capacity
    write: Callable[[], Planned]  # the same posting with its records, and the answer


class Wanted(NamedTuple):
    """What a command must have read before it plans: ids of reservations (their parts come along)."""

    reservations: tuple[str, ...] = ()


class Command(Protocol):
    """
    One call. It is planned on the state as it is, and planned again where that state was overtaken.

    `plan` may decide orders by way of the state; it changes nothing itself. It raises DeskError or InputError where the
    call cannot be; then nothing is remembered, and the caller may send it again.
    """

    @property
    def name(self) -> str:
        """The operation, for metrics and logs."""
        ...

    def wanted(self) -> Wanted:
        """What to read first."""
        ...

    def plan(self, state: "State") -> Planned:
        """What to do."""
        ...


class Ask:
    """A command on its way through the desk."""

    __slots__ = ("attempts", "command", "deadline_s", "done", "key", "since_s", "trace_id")

    def __init__(
        self,
        command: Command,
        done: Callable[["Ask", Answer | Exception], None],
        *,
        key: KeyAsked | None = None,
        deadline_s: float | None = None,
        since_s: float = 0.0,
        trace_id: str = "",
    ) -> None:
        self.command = command
        self.done = done
        self.key = key
        self.deadline_s = deadline_s  # on the desk's timer
        self.since_s = since_s
        self.trace_id = trace_id
        self.attempts = 0


class DeskError(FulfilmentError):
    """
    A call that cannot be, though it is well formed.

    Parameters
    ----------
    code
        Stable, for programs: "unknown-reservation", "wrong-state", …
    status
        As HTTP has it.
    message, hint
        For people.
    field
        JSON pointer to what is wrong in the call, "" where no single field is.
    retryable
        Whether the same call may succeed later.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        hint: str = "",
        *,
        field: str = "",
        retryable: bool = False,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.status = status
        self.message = message
        self.hint = hint
        self.field = field
        self.retryable = retryable
        self.details = details or {}
        super().__init__(f"{message}\nMaybe {hint}" if hint else message)


_ENCODER = msgspec.json.Encoder()


def answer(document: Any, status: int = OK) -> Answer:
    """An answer from a document: a Struct, or plain values; aware datetimes become ISO 8601."""
    return Answer(status, _ENCODER.encode(document))
