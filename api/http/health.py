"""Whether the process lives, and whether it should be sent calls."""

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec

from engine.desk.desk import Desk
from engine.stock.records_oms import ApiKey

CHECK_S = 2.0  # for each of the checks
BELIEVED_S = 1.0  # how long an answer is taken for true


class HealthDoc(msgspec.Struct, kw_only=True):
    """Each thing that was looked at, and whether all are well."""

    ok: bool
    checks: dict[str, str]


class Health:
    """
    Looks at what calls need.

    Parameters
    ----------
    desk
        And its ledger.
    lag_s
        How far the view is behind what others have done.
    lag_s_max
        Not ready above it.
    """

    def __init__(self, desk: Desk, *, lag_s: Callable[[], float], lag_s_max: float) -> None:
        self.desk = desk
        self.lag_s = lag_s
        self.lag_s_max = lag_s_max
        self.draining = False
        self._known: tuple[float, HealthDoc] | None = None

    async def ready(self) -> HealthDoc:
        """Whether calls should be sent here; looked up at most once a second."""
        if self.draining:
            return HealthDoc(ok=False, checks={"service": "is going down"})
        now = monotonic()
        if self._known is None or now - self._known[0] > BELIEVED_S:
            ledger, desk = await asyncio.gather(
                self._look(lambda: self.desk.ledger.find(ApiKey, limit=1)), self._look(self._wake_desk)
            )
            lag_s = self.lag_s()
            checks = {
                "ledger": ledger,
                "desk": desk,
                "view": "ok" if self.desk.state.mark_seq >= 0 else "not loaded",
                "feed": "ok" if lag_s <= self.lag_s_max else f"{lag_s:.1f} s behind",
            }
            known = HealthDoc(ok=all(text == "ok" for text in checks.values()), checks=checks)
            self._known = now, known
        return self._known[1]

    def _wake_desk(self) -> None:
        self.desk.run(lambda state: None)

    async def _look(self, work: Callable[[], object]) -> str:
        try:
            async with asyncio.timeout(CHECK_S):
                await asyncio.to_thread(work)
        except TimeoutError:
            return f"no answer within {CHECK_S:g} s"
        except Exception as error:
            return f"{type(error).__name__}"
        return "ok"
