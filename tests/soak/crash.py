"""A PostgreSQL that is killed, all of it at once, and started again on the same folder."""

from time import perf_counter

import psutil

from tests.postgres import Postgres

GONE_S = 30


def crash(postgres: Postgres) -> float:
    """Kill the postmaster and all its children (signal 9), start it again; how long the start took."""
    master = psutil.Process(postgres.server.get_pid())
    processes = [master, *master.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=GONE_S)
    began = perf_counter()
    postgres.server.ensure_postgres_running()
    return perf_counter() - began
