"""A PostgreSQL that is killed, all of it at once, and started again on the same folder."""

import subprocess
from time import perf_counter

import psutil

from tests.postgres import Postgres

GONE_S = 30
STARTS_MAX = 12  # a start is given up after ten seconds, though the server goes on recovering


def crash(postgres: Postgres) -> float:
    """Kill the postmaster and all its children (signal 9), start it again; how long the start took."""
    master = psutil.Process(postgres.server.get_pid())
    processes = [master, *master.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=GONE_S)
    began = perf_counter()
    for _ in range(STARTS_MAX):
        try:
            postgres.server.ensure_postgres_running()
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        raise AssertionError(f"PostgreSQL did not start again in {perf_counter() - began:.0f} s")
    return perf_counter() - began
