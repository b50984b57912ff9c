"""
The desk: takes calls from many threads, plans them in groups on one view, and has each group posted in one transaction.

One thread plans; as many more as the ledger has writers post. While a group is on its way to the disk the next one is
planned on what it will have taken. An answer leaves only once it is durable. A call whose numbers were overtaken by
another process is planned again, on fresh ones, at most ATTEMPTS_MAX times.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import monotonic

from engine.decide.brief import Brief
from engine.decide.choose import UnsettledError
from engine.desk.allocation import Allocate, plan_together
from engine.desk.ask import BUSY, UNPROCESSABLE, Answer, Ask, Command, DeskError, KeyAsked
from engine.desk.fallback import plain_brief
from engine.desk.quote import Quote
from engine.desk.state import State
from engine.desk.study import Study
from engine.desk.under_way import Back, Repeats, Sent, contended
from engine.desk.watch import Watch as Watch  # whoever makes a desk imports both from here
from engine.domain.errors import FulfilmentError, InputError
from engine.stock.ledger import Conflict, Ledger, LedgerBusyError, Posted
from engine.stock.records import IdempotencyKey

ATTEMPTS_MAX = 8
GROUP_MAX = 512
AHEAD_MIN = 128  # calls that are planned though no writer is free; fewer wait for more, since each group costs a commit
TICK_S = 0.05  # how long the desk waits for calls before it looks at the feed again


class Desk:
    """
    Answers commands, one thread.

    Parameters
    ----------
    state
        Engine, view and ledger, loaded.
    clock_s
        Now, in epoch seconds.
    writers
        Groups that may be on their way at once: 1 for SQLite, the number of connections for PostgreSQL.
    watch
        Is told what happens.
    writer
        The name under which the ledger's feed knows this process; its own changes are not taken from the feed.
    """

    def __init__(
        self,
        state: State,
        *,
        clock_s: Callable[[], int],
        writers: int = 1,
        watch: Watch | None = None,
        group_max: int = GROUP_MAX,
        follow: Callable[[State], None] | None = None,
    ) -> None:
        self.state = state
        self.clock_s = clock_s
        self.writers = writers
        self.watch = watch or Watch()
        self.group_max = group_max
        self._follow = follow
        self._inbox: deque[Ask] = deque()
        self._back: deque[Back] = deque()
        self._studied: deque[tuple[Ask, Brief | Exception]] = deque()
        self._repeats = Repeats()
        self.study = Study()
        self._studying = 0
        self._due: deque[Callable[[State], None]] = deque()
        self._bell = threading.Condition()
        self._in_flight = 0
        self._closing = False
        self._pool = ThreadPoolExecutor(writers, thread_name_prefix="ledger")
        self.thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self.thread.start()

    @property
    def ledger(self) -> Ledger:
        """Where the truth is."""
        return self.state.ledger

    @property
    def waiting(self) -> int:
        """Calls that are neither planned nor answered."""
        return len(self._inbox)

    def submit(self, *asks: Ask, first: bool = False) -> None:
        """Take calls; each one's `done` is called once, on the desk's thread. `first`: before those that wait."""
        with self._bell:
            if self._closing:
                raise DeskError("closing", BUSY, "The desk takes no more calls.", "try again.", retryable=True)
            if first:
                self._inbox.extendleft(reversed(asks))
            else:
                self._inbox.extend(asks)
            self._bell.notify()

    def ask(self, command: Command, key: KeyAsked | None = None) -> Answer:
        """Ask and wait; raises what the command raises."""
        future: Future[Answer] = Future()

        def done(_: Ask, result: Answer | Exception) -> None:
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.submit(Ask(command, done, key=key))
        return future.result()

    def run(self, work: Callable[[State], None]) -> None:
        """Have something done on the desk's thread between two groups, and wait until it is."""
        ended = threading.Event()
        failed: list[BaseException] = []

        def call(state: State) -> None:
            try:
                work(state)
            except BaseException as error:  # handed on to whoever waits
                failed.append(error)
            finally:
                ended.set()

        with self._bell:
            if self._closing:  # nobody would ever do it
                raise DeskError("closing", BUSY, "The desk takes no more calls.", "try again.", retryable=True)
            self._due.append(call)
            self._bell.notify()
        ended.wait()
        if failed:
            raise failed[0]

    def close(self) -> None:
        """Answer what was taken, then stop."""
        with self._bell:
            self._closing = True
            self._bell.notify()
        self.thread.join()
        self._pool.shutdown()
        self.study.close()

    def _run(self) -> None:
        while True:
            with self._bell:
                idle = not (self._back or self._due or self._studied) and not self._room(self._in_flight)
                busy = self._in_flight or self._studying
                if idle and self._closing and not self._inbox and not busy:
                    return
                if idle:
                    self._bell.wait(None if self._closing else TICK_S)
                back = [self._back.popleft() for _ in range(len(self._back))]
                studied = [self._studied.popleft() for _ in range(len(self._studied))]
                due = [self._due.popleft() for _ in range(len(self._due))]
                group = [self._inbox.popleft() for _ in range(self._room(self._in_flight - len(back)))]
            for sent, posted, began_s, ended_s in back:
                self._in_flight -= 1
                self.watch.step("post", sent.asks, began_s, ended_s)
                self._answer(sent, posted)
            for ask, found in studied:
                self._studying -= 1
                self._take_studied(ask, found)
            for work in due:
                work(self.state)
            if self._follow is not None:
                self._follow(self.state)
            if group:
                self._begin(group)

    def _room(self, in_flight: int) -> int:
        """How many calls the next group takes; 0 as long as it is better to wait."""
        waiting = min(len(self._inbox), self.group_max)
        if in_flight < self.writers:
            return waiting
        return waiting if in_flight == self.writers and waiting >= AHEAD_MIN else 0

    def _begin(self, group: list[Ask]) -> None:
        """Plan a group and send it off."""
        state, began_s = self.state, monotonic()
        state.at(self.clock_s())
        together: list[Ask] = []
        others: list[Ask] = []
        for ask in group:
            if not self._repeats.begin(ask):
                continue
            plain = isinstance(ask.command, Allocate) and not ask.command.alone and ask.attempts == 0
            (together if plain else others).append(ask)
        sent = Sent()
        try:
            others = self._unanswered(others)
            state.read(name for ask in others for name in ask.command.wanted().reservations)
        except LedgerBusyError as error:
            for ask in others:
                self._fail(ask, error)
            others = []
        for ask in others:
            self._plan(sent, ask)
        self._decide(sent, together)
        self._answer_unwritten(sent)
        if not sent.begun:
            return
        self.watch.step("plan", sent.asks, began_s, monotonic())
        self._in_flight += 1
        now_s = state.now_s
        self._pool.submit(self._post, sent, now_s)

    def _begin_study(self, ask: Ask, command: Allocate) -> None:
        """Have an order decided that would keep all others waiting."""

        def told(found: Brief | Exception) -> None:
            with self._bell:
                self._studied.append((ask, found))
                self._bell.notify()

        self._studying += 1
        self.study.decide(self.state.engine, command.order, command.deadline_ms, told)

    def _take_studied(self, ask: Ask, found: Brief | Exception) -> None:
        """Plan with what the study found, in the next group; by the plain rule where it broke or found nothing."""
        command = ask.command
        assert isinstance(command, Allocate), "only orders are studied"
        if isinstance(found, InputError):
            self._fail(ask, found)
            return
        if isinstance(found, Exception):
            self.watch.fallback(ask, found)
            try:
                found = plain_brief(self.state.engine, command.order)
            except Exception as second:
                self._fail(ask, second)
                return
        elif found.method == "fallback":
            self.watch.fallback(ask, None)
        ask.command = replace(command, studied=found)
        self._inbox.appendleft(ask)

    def _plan(self, sent: Sent, ask: Ask) -> None:
        """Plan one command alone; an order by the plain rule, where the engine breaks."""
        command, state = ask.command, self.state
        try:
            planned = command.plan(state)
        except UnsettledError:
            assert isinstance(command, Allocate), "only orders are studied"
            self._begin_study(ask, command)
            return
        except FulfilmentError as error:
            sent.unwritten.append((ask, error))
            return
        except Exception as error:
            if not isinstance(command, Allocate | Quote):
                self._fail(ask, error)
                return
            self.watch.fallback(ask, error)
            try:
                planned = command.plainly(state)
            except Exception as second:
                self._fail(ask, second)
                return
        if planned.posting is not None:
            state.view.hold(planned.posting)
        sent.add(ask, planned)

    def _decide(self, sent: Sent, asks: list[Ask]) -> None:
        """Plan orders together; where the engine breaks, each alone."""
        commands = [ask.command for ask in asks if isinstance(ask.command, Allocate)]
        try:
            results = plan_together(commands, self.state) if commands else []
        except Exception:
            for ask in asks:
                self._plan(sent, ask)
            return
        for ask, planned in zip(asks, results, strict=True):
            if planned is None:
                assert isinstance(ask.command, Allocate), "only orders are decided"
                self._begin_study(ask, ask.command)
                continue
            if isinstance(planned, InputError):
                self._fail(ask, planned)
                continue
            self.state.view.note(planned.posting)
            sent.add(ask, planned)

    def _unanswered(self, asks: list[Ask]) -> list[Ask]:
        """Answer calls that were answered before; the others."""
        known = self._known(asks)
        for ask, found in known:
            self._replay(ask, found)
        answered = {id(ask) for ask, _ in known}
        return [ask for ask in asks if id(ask) not in answered]

    def _answer_unwritten(self, sent: Sent) -> None:
        """
        Answer calls that change nothing, most of them because they cannot be.

        Another process may have done the same call since it was looked up, and that may be just why it cannot be (its
        last unit is taken: by itself): then it is answered as it was there.
        """
        try:
            known = {id(ask): found for ask, found in self._known([ask for ask, _ in sent.unwritten])}
        except LedgerBusyError as error:
            sent.unwritten[:] = [(ask, error) for ask, _ in sent.unwritten]
            known = {}
        for ask, result in sent.unwritten:
            if id(ask) in known:
                self._replay(ask, known[id(ask)])
            elif isinstance(result, Answer):
                self._done(ask, result)
            else:
                self._fail(ask, result)

    def _known(self, asks: list[Ask]) -> list[tuple[Ask, IdempotencyKey]]:
        """Calls that were answered before, and how."""
        keys = [(ask.key.scope, ask.key.key) for ask in asks if ask.key is not None]
        found = {(k.scope, k.key): k for k in self.ledger.get_many(IdempotencyKey, keys)} if keys else {}
        return [(ask, found[ask.key[:2]]) for ask in asks if ask.key is not None and ask.key[:2] in found]

    def _post(self, sent: Sent, now_s: int) -> None:
        """On a writer's thread: write a group up, post it and hand back what became of it."""
        result: Posted | Exception
        began_s = monotonic()
        try:
            postings = sent.write_up(now_s)
            result = self.ledger.post(postings, now_s)
        except Exception as error:
            result = error
        with self._bell:
            self._back.append(Back(sent, result, began_s, monotonic()))
            self._bell.notify()

    def _answer(self, sent: Sent, posted: Posted | Exception) -> None:
        again: list[Ask] = []
        for ask, posting in sent.broken:  # alone it will tell what is wrong
            self.state.view.forget([posting])
            ask.attempts += 1
            again.append(ask)
        postings = [posting for _, _, posting in sent.written]
        if isinstance(posted, Exception):
            self.state.view.forget(postings)
            for ask, _, _ in sent.written:
                self._fail(ask, posted)
            self._once_more(again)
            return
        self.state.view.settle(postings, posted, self.state.now_s)
        self.state.mark_seq = max(self.state.mark_seq, posted.seq)
        self.watch.posted(len(postings))
        for (ask, planned, _), outcome in zip(sent.written, posted.outcomes, strict=True):
            if outcome.conflict is None:
                if planned.then is not None:
                    planned.then(self.state)
                self._done(ask, planned.answer)
            elif outcome.conflict == Conflict.KEY:
                assert outcome.answered is not None, "a remembered call has its answer"
                self._replay(ask, outcome.answered)
            else:
                ask.attempts += 1
                if isinstance(ask.command, Allocate):  # what was studied is overtaken
                    ask.command = replace(ask.command, studied=None)
                self.watch.conflict(ask, outcome)
                if ask.attempts >= ATTEMPTS_MAX:
                    self._fail(ask, contended(ask, outcome))
                else:
                    again.append(ask)
        self._once_more(again)

    def _once_more(self, asks: list[Ask]) -> None:
        """Plan calls again, before those that wait."""
        if asks:
            with self._bell:
                self._inbox.extendleft(reversed(asks))

    def _replay(self, ask: Ask, known: IdempotencyKey) -> None:
        assert ask.key is not None, "only calls with a key are replayed"
        if known.fingerprint != ask.key.fingerprint:
            text = f"Idempotency-Key ({ask.key.key}) was used for another payload."
            self._fail(ask, DeskError("idempotency-payload", UNPROCESSABLE, text, "give each call its own key."))
            return
        self._done(ask, Answer(known.status, known.body.encode(), replayed=True))

    def _done(self, ask: Ask, answer: Answer) -> None:
        self.watch.decided(ask, answer)
        self._inbox.extendleft(self._repeats.end(ask))
        ask.done(ask, answer)

    def _fail(self, ask: Ask, error: Exception) -> None:
        if isinstance(error, LedgerBusyError):
            error = DeskError(
                "ledger-busy", BUSY, "The ledger cannot be written now.", "try again with the same key.", retryable=True
            )
        self.watch.failed(ask, error)
        self._inbox.extendleft(self._repeats.end(ask))
        ask.done(ask, error)
