"""
Callers of a service that is killed again and again.

Each writes every answer to a file of its own, on the disk before it counts. What was asked and not answered is asked
again, with the same key, once there is somebody to ask.
"""

import http.client
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.soak.shop import NODES, ORDERED, PLACES, SKUS

BUSY, PAUSE_S = 503, 0.02
STOPPED = (ConnectionError, http.client.HTTPException, TimeoutError, OSError)


class Asked(NamedTuple):
    """A call."""

    key: str
    path: str
    body: dict[str, Any]


class Acknowledged(NamedTuple):
    """A call and its answer, as they lie in the file."""

    key: str
    path: str
    body: dict[str, Any]
    status: int
    text: str


def post(connection: http.client.HTTPConnection, asked: Asked) -> tuple[int, str]:
    """Send a call; status and answer."""
    headers = {"content-type": "application/json", "idempotency-key": asked.key}
    connection.request("POST", asked.path, json.dumps(asked.body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


class Caller:
    """
    One of several; it goes on where it was cut off.

    Parameters
    ----------
    file
        What it was told, a JSON document a line.
    """

    def __init__(self, seed: int, number: int, file: Path) -> None:
        self.number = number
        self.file = file
        self.rng = np.random.default_rng([seed, number])
        self.doubt: Asked | None = None  # asked, and not answered
        self.sent = self.acknowledged = self.refused = self.busy = 0
        self.port = 0
        self._own: list[str] = []  # reservations that it may go on with
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, port: int) -> None:
        """Call, in a thread, until told to stop or cut off."""
        self.port = port
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=f"caller {self.number}")
        self._thread.start()

    def stop(self) -> None:
        """End the call under way, then stop."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has stopped."""
        if self._thread is not None:
            self._thread.join()

    def resolve(self, port: int) -> None:
        """Ask again what was not answered."""
        self.port = port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            if self.doubt is not None:
                self._ask(connection, self.doubt)
        finally:
            connection.close()

    def told(self, start: int = 0) -> list[Acknowledged]:
        """What lies in its file, from a place on."""
        if not self.file.exists():
            return []
        with self.file.open(encoding="utf-8") as file:
            file.seek(start)
            return [Acknowledged(*json.loads(line)) for line in file]

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while not self._stop.is_set():
                self._ask(connection, self.doubt or self._next())
        except STOPPED:
            pass  # cut off: it stays in doubt
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, asked: Asked) -> None:
        """Ask until there is an answer that stays, and write it down."""
        self.doubt = asked
        while True:
            status, text = post(connection, asked)
            if status != BUSY:
                break
            self.busy += 1
            time.sleep(PAUSE_S)
        self.doubt = None
        if status >= 300:
            self.refused += 1
            return
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([*asked, status, text]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.acknowledged += 1
        if asked.path in ("/v1/allocations", "/v1/reservations"):
            self._own.append(asked.body["order_id"])

    def _next(self) -> Asked:
        rng, name = self.rng, f"k{self.number}-{self.sent}"
        self.sent += 1
        kind = rng.random()
        if kind < 0.3 and self._own:
            own = self._own.pop(int(rng.integers(len(self._own))))
            if kind < 0.1:
                return Asked(name, f"/v1/reservations/{own}:confirm", {})
            if kind < 0.2:
                return Asked(name, f"/v1/reservations/{own}:release", {})
            return Asked(name, "/v1/cancellations", {"order_id": own})
        if kind < 0.7:
            place = PLACES[int(rng.integers(2))]
            lines = [{"line_id": "1", "sku": ORDERED, "quantity": 1}]
            if rng.random() < 0.3:
                lines.append({"line_id": "2", "sku": SKUS[int(rng.integers(3))], "quantity": 1})
            where = {"country": place.country, "postcode": place.postcode}
            return Asked(name, "/v1/allocations", {"order_id": name, "lines": lines, "destination": where})
        sku, node = SKUS[int(rng.integers(3))], NODES[int(rng.integers(4))]
        line = {"line_id": "1", "sku": sku, "quantity": 1 + int(rng.integers(2)), "node": node}
        return Asked(name, "/v1/reservations", {"reservation_id": name, "order_id": name, "lines": [line]})
