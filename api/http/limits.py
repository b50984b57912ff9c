"""
Calls a minute, by key: each answer says what is left, and what is beyond the limit is refused.

Windows of a minute, counted in this process; several processes each count alone, so that a key may call as often as
that in each of them. A limit across processes is for whatever shares the calls out among them.
"""

from collections.abc import Callable

from api.http.auth import Client
from api.http.problems import HttpProblemError

WINDOW_S = 60
CLIENTS_MAX = 10_000

Headers = list[tuple[bytes, bytes]]


class Limits:
    """Counts calls; `clock` is in seconds and never goes back."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # end of the window, calls left in it

    def take(self, client: Client, headers: Headers) -> None:
        """
        Count a call and add what is left to the headers of its answer.

        Raises HttpProblemError 429 where nothing is left.
        """
        quota = client.rate_per_minute or self._per_minute
        now = self._clock()
        end, left = self._windows.get(client.client_id, (0.0, 0))
        if now >= end:
            if len(self._windows) >= CLIENTS_MAX:
                self._windows = {name: window for name, window in self._windows.items() if window[0] > now}
            end, left = now + WINDOW_S, quota
        left -= 1
        self._windows[client.client_id] = (end, max(left, 0))
        wait_s = int(end - now) + 1
        headers.append((b"ratelimit-policy", b'"key";q=%d;w=%d' % (quota, WINDOW_S)))
        headers.append((b"ratelimit", b'"key";r=%d;t=%d' % (max(left, 0), wait_s)))
        if left < 0:
            raise HttpProblemError(
                "rate-limited",
                f"The key ({client.client_id}) may call {quota} times a minute.",
                headers={"Retry-After": str(wait_s)},
                details={"violated_policies": ["key"]},
            )
