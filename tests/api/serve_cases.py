"""The service as a process of its own, as an operator starts it, and clients that load it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START = "from api.cli.main import main; main()"
START_S = 180


class Process:
    """A running service."""

    def __init__(self, popen: "subprocess.Popen[str]") -> None:
        self.popen = popen
        self.lines: list[str] = []
        self._at = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        assert self._at.wait(START_S), self.lines
        found = [line for line in self.lines if line.startswith("At ")]
        assert found, "\n".join(self.lines)
        return int(found[0].rpartition(":")[2])

    def end(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        self.popen.send_signal(sig)
        code = self.popen.wait(60)
        self._reader.join()
        return code

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One call; status and document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"content-type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}}
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            answer = connection.getresponse()
            text = answer.read()
            is_json = (answer.getheader("content-type") or "").split(";")[0].endswith("json")
            return answer.status, json.loads(text) if is_json else text.decode()
        finally:
            connection.close()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ends "):
                self._at.set()
        self._at.set()


def environment(state: Path, **settings: str) -> dict[str, str]:
    """Of a process that keeps its state in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOURCEWISE_")}
    return {**kept, "XDG_STATE_HOME": str(state), "PYTHONPATH": str(ROOT), **settings}


def command(state: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-c", START, *arguments],
        env=environment(state, **settings),
        cwd=state,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S,
    )


@contextmanager
def service(state: Path, *arguments: str, **settings: str) -> Iterator[Process]:
    """A service on a free port, killed at the end where it has not ended before."""
    popen = subprocess.Popen(
        [sys.executable, "-c", START, "serve", "--port", "0", *arguments],
        env=environment(state, **settings),
        cwd=state,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    process = Process(popen)
    try:
        yield process
    finally:
        if popen.poll() is None:
            popen.kill()
            popen.wait()
        process._reader.join()
        assert popen.stderr is not None
        popen.stderr.close()


def order(order_id: str, sku: str = "sku-0123") -> dict[str, Any]:
    """The body of an order of the demo's, to Bordeaux."""
    return {
        "order_id": order_id,
        "lines": [{"line_id": "1", "sku": sku, "quantity": 1}],
        "destination": {"country": "FR", "postcode": "33000"},
    }


class Client(threading.Thread):
    """Allocates one order after the other on a kept connection, until nobody listens any more."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name=name)
        self.port = port
        self.acknowledged: list[str] = []
        self.refused: list[int] = []  # statuses
        self.cut: list[str] = []  # requests on a connection that had answered before, without an answer
        self.sent = 0

    def run(self) -> None:
        """Go on until the connection is refused, or cut before it ever answered."""
        connection, answered = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), 0
        while True:
            name = f"{self.name}-{self.sent}"
            self.sent += 1
            body = json.dumps(order(name, f"sku-{1 + self.sent % 50:04d}"))
            headers = {"content-type": "application/json", "idempotency-key": name}
            try:
                connection.request("POST", "/v1/allocations", body, headers)
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except (ConnectionError, http.client.HTTPException) as error:
                if answered:
                    self.cut.append(f"{name}: {error!r}")
                connection.close()
                return
            answered += 1
            if answer.status == 200:
                self.acknowledged.append(document["order_id"])
            else:
                self.refused.append(answer.status)
            if answer.getheader("connection") == "close":
                connection.close()
                connection, answered = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), 0
