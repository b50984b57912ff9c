"""One of several processes that allocate on one database: hears what to do, says it is ready, does it at a word."""

import json
import sys
import time
from pathlib import Path

from benchmarks.ledger import CONNECTIONS, Counting, Sizes, as_served, desk, drive, shop


def main() -> None:
    """Obey standard input, answer on standard output, a JSON value a line."""
    told = json.loads(sys.stdin.readline())
    sizes = Sizes(**told["sizes"])
    network, orders, _ = shop(Path(told["data"]) if told["data"] else None, sizes, told["seed"])
    mine = orders[told["worker"] :: told["workers"]]
    watch = Counting()
    with desk(told["url"], network, watch, max(1, CONNECTIONS // told["workers"])) as running:
        drive(running, mine[: sizes.warm // told["workers"]], f"warm{told['worker']}")
        watch.conflicts = 0
        as_served()
        print(json.dumps("ready"), flush=True)
        sys.stdin.readline()
        began_s = time.time()
        rest = mine[sizes.warm // told["workers"] :]
        _, failed = drive(running, rest, f"run{told['worker']}")
        figures = {"orders": len(rest), "failed": failed, "conflicts": watch.conflicts}
        print(json.dumps({**figures, "began_s": began_s, "ended_s": time.time()}), flush=True)


if __name__ == "__main__":
    main()
