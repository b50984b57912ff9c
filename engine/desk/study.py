"""
Orders that the kernel alone cannot settle, decided beside the desk by a thread and an engine of their own.

Such an order may take until its deadline, and nobody else is to wait for it. It is decided on a copy of the view; what
was sold meanwhile the ledger notices when its decision is posted, and it is studied again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.decide.brief import Brief
from engine.decide.engine import Engine
from engine.domain.errors import InputError
from engine.domain.order import Order
from engine.network.live import Live

Told = Callable[[Brief | Exception], None]


class Study:
    """Decides one order after the other, on copies of the stock of an engine that goes on meanwhile."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="study")
        self._own: Engine | None = None
        self._of: Live | None = None

    def decide(self, engine: Engine, order: Order, deadline_ms: int, told: Told) -> None:
        """Have an order decided; `told` is called with the answer, on the thread of the study."""
        self._pool.submit(self._decide, engine, order, deadline_ms, told)

    def close(self) -> None:
        """End after what was taken."""
        self._pool.shutdown()

    def _decide(self, engine: Engine, order: Order, deadline_ms: int, told: Told) -> None:
        try:
            (found,) = self._copied(engine).decide_batch([order], deadline_ms=deadline_ms, hold=False)
            assert found is not None, "it was to be settled"
            told(found)
        except InputError as error:
            told(error)
        except Exception as error:  # the desk answers by the plain rule
            told(error)

    def _copied(self, engine: Engine) -> Engine:
        """An engine of our own on the stock as it is now; rows that change while they are copied do no harm."""
        live = engine.live
        if self._own is None or self._of is not live:
            self._own, self._of = engine.on(live.copy()), live
        own = self._own if self._own.policy == engine.policy else self._own.under(engine.policy)
        mine = own.live
        for ours, theirs in (
            (mine.rows, live.rows),
            (mine.held, live.held),
            (mine.day, live.day),
            (mine.hour, live.hour),
        ):
            np.copyto(ours, theirs)
        return own
