"""A socket between us and PostgreSQL that breaks a connection at its COMMIT, before or after it has arrived."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"
BYTES = 65_536
COMMIT = b"COMMIT\0"  # with its end: transactions begin as READ COMMITTED


class Proxy:
    """
    Passes everything on, until it is told what to break.

    ``breaks`` is "answer" (the next COMMIT arrives, its answer does not), "commit" (it does not arrive) or "".
    ``reachable`` says whether new connections are let through.
    """

    def __init__(self, listener: socket.socket, target: str) -> None:
        self.breaks = ""
        self.reachable = True
        self.broken = 0
        self._listener = listener
        self._target = target
        self._ends: list[_Ends] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def close(self) -> None:
        """Break all connections and end."""
        self.reachable = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for ends in self._ends:
            ends.part()
        for thread in self._threads[1:]:
            thread.join()
        for ends in self._ends:
            ends.client.close()
            ends.server.close()

    def _run(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.reachable:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            ends = _Ends(self, client, server)
            self._ends.append(ends)
            self._run(ends.ask)
            self._run(ends.answer)


class _Ends:
    """One connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.swallows = False

    def ask(self) -> None:
        """From us to PostgreSQL."""
        with suppress(OSError):
            while data := self.client.recv(BYTES):
                if self.proxy.breaks and COMMIT in data:
                    broken, self.proxy.breaks = self.proxy.breaks, ""
                    self.proxy.broken += 1
                    if broken == "commit":
                        break
                    self.swallows = True
                self.server.sendall(data)
        self.part()

    def answer(self) -> None:
        """From PostgreSQL to us."""
        with suppress(OSError):
            while data := self.server.recv(BYTES):
                if self.swallows:  # it has answered: the transaction is done
                    break
                self.client.sendall(data)
        self.part()

    def part(self) -> None:
        """Break both."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(url: str, folder: Path) -> Iterator[tuple[Proxy, str]]:
    """A proxy of the server at an address, and the address to use in its place."""
    (where,) = parse_qs(urlsplit(url).query)["host"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen()
        proxy = Proxy(listener, f"{where}/{SOCKET}")
        try:
            yield proxy, url.replace(where, str(folder))
        finally:
            proxy.close()
