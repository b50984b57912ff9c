"""
Orders that the kernel alone cannot settle, decided beside the desk by a thread and an engine of their own.

Such an order may take until its deadline, and nobody else is to wait for it. It is decided on a copy of what it looks
at; what was sold meanwhile the ledger notices when its decision is posted, and it is studied again. Time spent waiting
for others counts: who comes too late, or for whom nothing is found in time, is answered by the plain rule.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from engine.decide.brief import Brief
from engine.decide.engine import Engine
from engine.desk.fallback import plain_brief
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.domain.plan import Status
from engine.network.live import Live

LEAST_MS = 20  # with less time left nothing is begun
Told = Callable[[Brief | Exception], None]


class Study:
    """
    Decides one order after the other, on copies of the stock of an engine that goes on meanwhile.

    Parameters
    ----------
    timer
        Seconds that only ever rise.
    """

    def __init__(self, timer: Callable[[], float] = monotonic) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="study")
        self._timer = timer
        self._own: Engine | None = None
        self._of: Live | None = None

    def decide(self, engine: Engine, order: Order, deadline_ms: int, told: Told) -> None:
        """Have an order decided; `told` is called with the answer, on the thread of the study."""
        self._pool.submit(self._decide, engine, order, deadline_ms, self._timer(), told)

    def close(self) -> None:
        """End after what was taken."""
        self._pool.shutdown()

    def _decide(self, engine: Engine, order: Order, deadline_ms: int, since_s: float, told: Told) -> None:
        try:
            own = self._copied(engine, order)
            left_ms = deadline_ms - int(1000 * (self._timer() - since_s))
            found: Brief | InputError | None = None
            if left_ms >= LEAST_MS:
                (found,) = own.decide_batch([order], deadline_ms=left_ms, hold=False)
            if found is None or (isinstance(found, Brief) and found.status == Status.NOT_FOUND):
                found = plain_brief(own, order)
            told(found)
        except Exception as error:  # the desk tries the plain rule on its own numbers
            told(error)

    def _copied(self, engine: Engine, order: Order) -> Engine:
        """An engine of our own with stock and capacity as they are now, as far as the order looks at them."""
        live = engine.live
        if self._own is None or self._of is not live:
            self._own, self._of = engine.on(live.copy()), live
        own = self._own if self._own.policy == engine.policy else self._own.under(engine.policy)
        index = engine.network.skus.index
        for line in order.lines:
            sku = index.get(line.sku)
            if sku is not None:
                rows = slice(int(live.row_start[sku]), int(live.row_start[sku + 1]))
                own.live.rows[rows] = live.rows[rows]
                own.live.held[:, rows] = live.held[:, rows]
        own.live.take_cells(live)
        return own
