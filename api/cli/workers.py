"""Several processes of the service on one port: started, watched, started again where one dies, ended together."""

import multiprocessing
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from types import FrameType

from api.cli.screen import complain

START_S = 300.0  # a worker that does not answer by then is not going to
QUICK_S = 10.0  # one that dies sooner after it began was broken from the start
QUICK_MAX = 3
MARGIN_S = 10.0  # beyond what a worker is given to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What every worker serves."""

    network: str
    url: str
    seed: int
    data: str | None


def work(job: Job, listener: socket.socket, begun: Connection) -> None:
    """A worker's life."""
    from api.cli.networks import network_named
    from api.http.running import run
    from api.http.settings import Settings

    read = partial(network_named, job.network, data=Path(job.data) if job.data else None, seed=job.seed)
    settings = Settings.model_validate({})
    run(read(), job.url, settings, listener, source=read, begun=lambda: begun.send_bytes(b"begun"))


class Supervisor:
    """Keeps workers alive until it is told to end."""

    def __init__(self, job: Job, listener: socket.socket, count: int, begun: Callable[[], None]) -> None:
        self.job = job
        self.listener = listener
        self.count = count
        self.begun = begun
        self.stopping = False
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, tuple[BaseProcess, Connection, float]] = {}
        self._quick = 0
        self._ready: set[int] = set()
        self._told = False

    def run(self, end_s: float) -> int:
        """Supervise; the exit code: 0 where all ended in order."""
        from api.http.metrics import forget_process

        for _ in range(self.count):
            self._start()
        code, deadline = 0, None
        while self._workers:
            if self.stopping and deadline is None:
                deadline = monotonic() + end_s
                self._signal(signal.SIGTERM)
            if deadline is not None and monotonic() > deadline:
                self._signal(signal.SIGKILL)
            wait([process.sentinel for process, _, _ in self._workers.values()], timeout=0.1)
            for pid, (process, pipe, began_s) in list(self._workers.items()):
                self._hear(pid, pipe)
                if process.exitcode is None:
                    continue
                del self._workers[pid]
                self._ready.discard(pid)
                forget_process(pid)
                if self.stopping:
                    code = code or (1 if process.exitcode else 0)
                    continue
                self._quick = self._quick + 1 if monotonic() - began_s < QUICK_S else 0
                complain(f"Worker {pid} ended with code {process.exitcode}.")
                if self._quick >= QUICK_MAX:
                    self.stopping, code = True, 1
                else:
                    self._start()
        return code

    def stop(self, sig: int, frame: FrameType | None) -> None:
        """End all."""
        self.stopping = True

    def _start(self) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work, args=(self.job, self.listener, theirs))
        process.start()
        theirs.close()
        assert process.pid is not None, "it was started"
        self._workers[process.pid] = process, ours, monotonic()

    def _hear(self, pid: int, pipe: Connection) -> None:
        try:
            if pipe.poll() and pipe.recv_bytes():
                self._ready.add(pid)
        except EOFError:
            return
        if not self._told and len(self._ready) == self.count:
            self._told = True
            self.begun()

    def _signal(self, sig: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, sig)


def supervise(job: Job, listener: socket.socket, count: int, begun: Callable[[], None]) -> int:
    """Run workers until a signal comes; the exit code. They count their metrics together in a folder of their own."""
    from api.http.settings import Settings

    settings = Settings.model_validate({})
    with tempfile.TemporaryDirectory(prefix="sourcewise-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        supervisor = Supervisor(job, listener, count, begun)
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, supervisor.stop)
        return supervisor.run(settings.drain_s + settings.shutdown_s + MARGIN_S)
