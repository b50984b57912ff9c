"""A process that applies a feed of changes without numbers, a line a transaction, and says so after each."""

import sys
from typing import Any

from engine.adapters.ledger import open_ledger
from engine.desk.ask import KeyAsked
from engine.desk.counts import Batch, Message, apply_feed
from engine.domain.units import epoch_s
from tests import builders
from tests.desk.desk_cases import desk_on


def main(url: str, lines: int) -> None:
    """Apply as many lines of one unit more."""
    ledger = open_ledger(url)
    network = builders.network()
    count = ledger.count

    def told(*given: Any, **named: Any) -> Any:
        counted = count(*given, **named)
        print("answered" if counted.answered else "counted", flush=True)
        return counted

    ledger.count = told  # type: ignore[method-assign]
    with desk_on(network, ledger) as desk:
        batch = Batch(
            source="wms",
            batch="b",
            rows=range(1, lines + 1),
            messages=[Message(node="wh", sku="a", units=1)] * lines,
        )
        call = KeyAsked("test", "k", "payload")
        report = apply_feed(desk, batch, now_s=epoch_s(network.as_of), chunk=1, call=call)
    ledger.close()
    print(report.numbers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
