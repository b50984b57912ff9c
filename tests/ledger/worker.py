"""A process that posts on a ledger: says each posting that holds as soon as it is durable."""

import sys

import numpy as np

from engine.adapters.ledger import open_ledger
from tests.ledger.cases import NOW_S, allocation


def main(url: str, name: str, rows: int, groups: int, size: int) -> None:
    """Post groups of allocations on few rows; one line a group on standard output: what holds."""
    ledger = open_ledger(url, writer=name)
    rng = np.random.default_rng(sum(name.encode()))
    for group in range(groups):
        names = [f"{name}-{group}-{i}" for i in range(size)]
        postings = [allocation(one, int(rng.integers(rows)), int(rng.integers(1, 3))) for one in names]
        posted = ledger.post(postings, NOW_S)
        held = [one for one, outcome in zip(names, posted.outcomes, strict=True) if outcome.conflict is None]
        print(*held, flush=True)
    assert ledger.guard_hits == 0
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
