"""
The service, to be started and killed many times.

A start of the command line costs seconds, most of them imports. `Nursery` is a process that has imported everything and
loaded the kernels; for each start it forks a child that does all the rest of what `sourcewise serve` does: it opens the
ledger, makes its desk, listens on a real socket and answers. `CommandLine` starts `sourcewise serve` itself.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from engine.adapters.folder.write import write_network
from tests.api.serve_cases import START, Process, environment
from tests.soak.shop import shop

READY_S = 120.0


class Servers(Protocol):
    """Starts one server after the other."""

    def begin(self, url: str) -> int:
        """Start one; its process number."""
        ...

    def port(self) -> int:
        """Where it listens; waits until it does."""
        ...

    def kill(self) -> None:
        """Kill it (signal 9), and wait until it is gone."""
        ...

    def close(self) -> None:
        """End all."""
        ...


class Nursery:
    """Forks servers."""

    def __init__(self, times: int, as_of: datetime) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_nurse, args=(theirs, times, as_of))
        self._process.start()
        self._pipe.recv()
        self._pid = 0

    def begin(self, url: str) -> int:
        """See `Servers`."""
        self._pipe.send(url)
        self._pid = self._pipe.recv()
        return self._pid

    def port(self) -> int:
        """See `Servers`."""
        assert self._pipe.poll(READY_S), "the server did not start"
        return int(self._pipe.recv())

    def kill(self) -> None:
        """See `Servers`."""
        os.kill(self._pid, signal.SIGKILL)
        self._pipe.send(None)
        while self._pipe.recv() != "gone":
            pass  # it may have begun to listen in its last moment

    def close(self) -> None:
        """See `Servers`."""
        self._pipe.close()
        self._process.join()


def _nurse(pipe: Connection, times: int, as_of: datetime) -> None:
    from api.http.running import bind, run
    from api.http.settings import Settings
    from engine.decide.warm import warm_up

    os.environ["SOURCEWISE_LOG_LEVEL"] = "error"
    network, settings = shop(times=times, as_of=as_of), Settings.model_validate({"log_decisions": 0})
    warm_up(lambda name, done, total: None)
    pipe.send("ready")
    pid = 0
    while True:
        try:
            told = pipe.recv()
        except EOFError:
            return
        if told is None:
            os.waitpid(pid, 0)
            pipe.send("gone")
            continue
        listener = bind("127.0.0.1", 0)
        pid = os.fork()
        if pid == 0:
            port = listener.getsockname()[1]
            pipe.send(os.getpid())
            try:
                run(network, told, settings, listener, begun=lambda port=port: pipe.send(port))  # type: ignore[misc]
            finally:
                os._exit(1)
        listener.close()


class CommandLine:
    """Starts `sourcewise serve` on a folder of the network."""

    def __init__(self, folder: Path, times: int, as_of: datetime) -> None:
        self.folder = folder
        self.network = folder / "shop"
        write_network(shop(times=times, as_of=as_of), self.network)
        self._process: Process | None = None

    def begin(self, url: str) -> int:
        """See `Servers`."""
        popen = subprocess.Popen(
            [sys.executable, "-c", START, "serve", str(self.network), "--port", "0", "--ledger", url],
            env=environment(self.folder, SOURCEWISE_LOG_DECISIONS="0"),
            cwd=self.folder,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._process = Process(popen)
        return popen.pid

    def port(self) -> int:
        """See `Servers`."""
        assert self._process is not None, "it was begun"
        return self._process.port

    def kill(self) -> None:
        """See `Servers`."""
        assert self._process is not None, "it was begun"
        self._process.end(signal.SIGKILL)
        stderr: Any = self._process.popen.stderr
        stderr.close()

    def close(self) -> None:
        """See `Servers`."""


def timed(work: Callable[[], int]) -> tuple[int, float]:
    """What a work gives, and how many seconds it took."""
    began = perf_counter()
    return work(), perf_counter() - began
