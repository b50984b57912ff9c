"""
What a desk does between two groups beside calls: it follows the feed, makes room for new rows, offers what came in.

Changes of this process are known already and passed over; those of others are taken from the feed at intervals, and
what their notices say was changed is read again. The lag is how old the latest change was when it was taken.
"""

from collections.abc import Callable
from contextlib import suppress

from engine.desk.ask import Answer, Ask, Command, DeskError
from engine.desk.backorders import offers
from engine.desk.desk import Desk, Watch
from engine.desk.exchange import Exchange, grow
from engine.desk.learning import CountPicks, learnt, moved
from engine.desk.publish import NETWORK
from engine.desk.state import State
from engine.stock.ledger import LedgerBusyError

FEED_S = 0.2  # between two looks at the feed
GROW_S = 1.0  # between two times that rows are added
CHANGES_MAX = 1_000


class Follow:
    """
    The `follow` hook of a desk.

    Parameters
    ----------
    clock_s
        Now, in epoch seconds.
    timer
        Seconds that only ever rise, for the intervals.
    writer
        The name of this process in the feed.
    exchange
        Makes engines that follow settings; None leaves the engine as it is.
    """

    def __init__(
        self,
        clock_s: Callable[[], int],
        timer: Callable[[], float],
        *,
        writer: str = "",
        exchange: Exchange | None = None,
        watch: Watch | None = None,
        feed_s: float = FEED_S,
    ) -> None:
        self.clock_s = clock_s
        self.timer = timer
        self.writer = writer
        self.exchange = exchange
        self.watch = watch or Watch()
        self.feed_s = feed_s
        self.desk: Desk | None = None  # once it runs: who offers ask it
        self.on_network: Callable[[], None] | None = None  # another process has published a network
        self.lag_s = 0.0
        self._feed_at = self._grow_at = self._learn_at = float("-inf")

    def __call__(self, state: State) -> None:
        """Look at what is due; called by the desk on its thread."""
        state.at(self.clock_s())
        now = self.timer()
        if now - self._feed_at >= self.feed_s:
            self._feed_at = now
            self._take(state)
        if state.view.missing and now - self._grow_at >= GROW_S:
            self._grow_at = now
            grow(state)
        if self.exchange is not None:
            if now - self._learn_at >= state.rules.learn_each_s:
                self._learn_at = now
                self._learn(state, self.exchange)
            self.exchange.look(state)
        if state.view.risen and self.desk is not None:
            self._offer(state, self.desk)

    def _take(self, state: State) -> None:
        """Take over what others have changed; where the ledger cannot be read, next time."""
        try:
            changes = state.ledger.changes(state.mark, CHANGES_MAX)
            if not changes:
                if self.lag_s:  # caught up: whoever watches must not take the last lag for the present one
                    self.lag_s = 0.0
                    self.watch.feed(0, 0.0)
                return
            others = [change for change in changes if change.writer != self.writer]
            notices = set(state.view.take(others))
            if notices:
                state.book.notice(state, notices)
            if NETWORK in notices and self.on_network is not None:
                self.on_network()
        except LedgerBusyError:
            return
        state.mark = changes[-1].mark
        state.mark_seq = max(state.mark_seq, *(change.mark.seq for change in changes))
        before_s, self.lag_s = self.lag_s, max(0.0, float(self.clock_s() - changes[-1].at_s)) if others else 0.0
        if others or before_s:
            self.watch.feed(len(others), self.lag_s)
        if len(changes) == CHANGES_MAX:
            self._feed_at = float("-inf")  # there is more

    def _learn(self, state: State, exchange: Exchange) -> None:
        """Take over what was counted so far, and have what ended since counted for the next time."""
        try:
            exchange.learn(moved(exchange.learnt, learnt(state, tuple(exchange.nodes.values()))))
        except LedgerBusyError:
            return
        if self.desk is not None:
            self._submit(self.desk, CountPicks())

    def _submit(self, desk: Desk, *commands: Command) -> None:
        """Have commands done before the calls that wait; one that closes does none of them."""
        with suppress(DeskError):
            desk.submit(*(Ask(command, _done) for command in commands), first=True)

    def _offer(self, state: State, desk: Desk) -> None:
        try:
            found = offers(state)
        except LedgerBusyError:
            return  # what rose is looked at again
        if found:
            self._submit(desk, *found)


def _done(ask: Ask, result: Answer | Exception) -> None:
    """Nobody waits: an offer that fails is made again when more becomes free."""
