"""A client of a desk: asks for reservations a few at a time, works on those that hold, and repeats calls."""

import threading
from collections import deque
from collections.abc import MutableSequence, Sequence
from functools import partial

import numpy as np

from engine.desk.ask import BUSY, Answer, Ask, DeskError
from engine.desk.desk import Desk
from engine.desk.sweep import Sweep
from engine.stock.records import IdempotencyKey
from tests.soak.calls import SCOPE, Call, course, given_up, held, remembered, reservation
from tests.soak.tally import Tally, digest

BATCH = 8  # reservations that a client asks for at once
AT_ONCE, LATER, FOREIGN = 0.05, 0.04, 0.25  # shares of calls repeated at once and later, of turns with another's call
PAST = 64  # answered calls that a client remembers, to repeat them
BUSY_MAX = 50  # times that a busy ledger is asked again
Result = Answer | Exception


class Client(threading.Thread):
    """
    Parameters
    ----------
    number
        Its own; its reservations are those of this number.
    asked
        How many reservations each client has asked for, shared by all processes.
    until
        Up to which of its reservations it goes.
    again
        Digests of answers from before the restart, by client and number: these are repeated first.
    sweeps
        Whether it is the one of its process that ends what ran out of time.
    """

    def __init__(
        self,
        desk: Desk,
        seed: int,
        number: int,
        asked: MutableSequence[int],
        until: int,
        again: dict[tuple[int, int], int],
        *,
        sweeps: bool,
    ) -> None:
        super().__init__(name=f"client {number}")
        self.desk = desk
        self.seed = seed
        self.number = number
        self.asked = asked
        self.until = until
        self.again = again
        self.sweeps = sweeps
        self.tally = Tally()
        self.rng = np.random.default_rng([seed, 1_000_000 + number, asked[number]])
        self._past: deque[tuple[Call, bytes]] = deque(maxlen=PAST)
        self._courses: list[deque[Call]] = []

    def run(self) -> None:
        """Ask until all its reservations are asked for."""
        try:
            self._repeat_older()
            while self.asked[self.number] < self.until or self._courses:
                self._turn()
            self.tally.kept = {
                (self.number, int(call.name.partition("-")[2])): digest(call.name, body)
                for call, body in self._past
                if "/" not in call.name
            }
        except BaseException as error:
            self.tally.found(f"{self.name} broke: {error!r}")
            raise

    def _turn(self) -> None:
        first = self.asked[self.number]
        end = min(first + BATCH, self.until)
        fresh = [reservation(self.seed, self.number, n) for n in range(first, end)]
        self.asked[self.number] = end
        steps = [course[0] for course in self._courses]
        calls = [*fresh, *steps]
        twice = [call for call in calls if self.rng.random() < AT_ONCE]
        older = [pair for pair in self._past if self.rng.random() < LATER / PAST * len(calls)]
        foreign = self._foreign()
        results = self.ask([*calls, *twice, *(call for call, _ in older), *([foreign] if foreign else [])])
        found = dict(zip((call.name for call in calls), results, strict=False))
        self.tally.counts["asked"] += len(fresh)
        self.tally.counts["repeated at once"] += len(twice)
        self.tally.counts["repeated later"] += len(older)
        at = len(calls)
        for call, result in zip(twice, results[at:], strict=False):
            self._same(call, found[call.name], result)
        at += len(twice)
        for (call, body), result in zip(older, results[at:], strict=False):
            self._as_before(call, digest(call.name, body), result)
        if foreign is not None:
            self._as_remembered(foreign, results[-1])
        self._go_on(found)
        for call in fresh:
            self._begin(call, found[call.name])
        if self.sweeps:
            self._sweep()

    def ask(self, calls: Sequence[Call]) -> list[Result]:
        """Ask at once, wait for all answers; where the ledger was busy, ask again with the same key."""
        results = self._ask(calls)
        for _ in range(BUSY_MAX):
            places = [i for i, result in enumerate(results) if isinstance(result, DeskError) and result.status == BUSY]
            if not places:
                break
            self.tally.counts["busy, asked again"] += len(places)
            for i, result in zip(places, self._ask([calls[i] for i in places]), strict=True):
                results[i] = result
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, Answer):
                self.tally.counts["answered from memory"] += result.replayed
                if not result.replayed and remembered(call, result.body):
                    self.tally.take(call.name, result.body)
            elif isinstance(result, DeskError):
                self.tally.counts[f"refused: {result.code}"] += 1
                if result.code == "exists":
                    self.tally.found(f"{call.name} was refused for what it has done itself: {result}")
            else:
                self.tally.found(f"{call.name} broke the desk: {result!r}")
        return results

    def _ask(self, calls: Sequence[Call]) -> list[Result]:
        results: list[Result] = [RuntimeError("no answer")] * len(calls)
        left, ended = len(calls), threading.Event()

        def done(place: int, _: Ask, result: Result) -> None:
            nonlocal left  # on the desk's thread alone
            results[place] = result
            left -= 1
            if left == 0:
                ended.set()

        self.desk.submit(*(Ask(call.command, partial(done, i), key=call.key) for i, call in enumerate(calls)))
        ended.wait()
        return results

    # --- what follows a reservation

    def _begin(self, call: Call, result: Result) -> None:
        if not isinstance(result, Answer):
            return
        if remembered(call, result.body):
            self._past.append((call, result.body))
        document = held(call, result.body)
        if document is None:
            return
        self.tally.counts["held"] += 1
        follows = course(call, document, self.rng)
        if follows:
            self._courses.append(deque(follows))
        else:
            self.tally.counts["left to run out"] += 1

    def _go_on(self, found: dict[str, Result]) -> None:
        """What was done leads to the next step; where one is refused (it ran out meanwhile), the rest is given up."""
        left = []
        for steps in self._courses:
            call = steps.popleft()
            result = found[call.name]
            if not isinstance(result, Answer):
                if steps:
                    left.append(deque([given_up(call)]))
            else:
                self.tally.counts[call.command.name] += 1
                if self.rng.random() < 0.2:
                    self._past.append((call, result.body))
                if steps:
                    left.append(steps)
        self._courses = left

    def _sweep(self) -> None:
        try:
            while b'"more":true' in self.desk.ask(Sweep()).body:
                self.tally.counts["sweeps"] += 1
            self.tally.counts["sweeps"] += 1
        except DeskError as error:
            self.tally.counts[f"sweep refused: {error.code}"] += 1

    # --- repeated calls

    def _foreign(self) -> Call | None:
        """A call that another client, perhaps of another process, has just sent, or is about to."""
        if self.rng.random() >= FOREIGN or len(self.asked) < 2:
            return None
        other = (self.number + int(self.rng.integers(1, len(self.asked)))) % len(self.asked)
        number = self.asked[other] - int(self.rng.integers(0, BATCH + 1))
        if number < 0:
            return None
        self.tally.counts["repeated by another client"] += 1
        return reservation(self.seed, other, number)

    def _repeat_older(self) -> None:
        calls = [reservation(self.seed, *at) for at in self.again]
        self.tally.counts["repeated after a restart"] += len(calls)
        for start in range(0, len(calls), BATCH):
            part = calls[start : start + BATCH]
            before = list(self.again.values())[start : start + BATCH]
            for call, expected, result in zip(part, before, self.ask(part), strict=True):
                self._as_before(call, expected, result)

    def _same(self, call: Call, first: Result, second: Result) -> None:
        """Two at once: what was answered first, the second is answered too."""
        if isinstance(first, Answer) and remembered(call, first.body):
            if not isinstance(second, Answer):
                self.tally.found(f"{call.name} was done, and refused when it was repeated at once: {second!r}")
            elif second.body != first.body:
                self.tally.found(f"{call.name} was answered {first.body!r}, and {second.body!r} at the same time")

    def _as_before(self, call: Call, expected: int, result: Result) -> None:
        """One that was answered: it is answered the same."""
        if not isinstance(result, Answer):
            self.tally.found(f"{call.name} was answered, and refused when it was repeated: {result!r}")
        elif digest(call.name, result.body) != expected or not result.replayed:
            self.tally.found(f"{call.name} was answered otherwise before than {result.body!r}")

    def _as_remembered(self, call: Call, result: Result) -> None:
        """One that somebody else sent as well: what we were told is what the ledger remembers for all."""
        if isinstance(result, Answer) and remembered(call, result.body):
            known = self.desk.ledger.get(IdempotencyKey, SCOPE, call.name)
            if known is None or known.body.encode() != result.body:
                self.tally.found(f"{call.name} was answered {result.body!r}; the ledger remembers {known}")
