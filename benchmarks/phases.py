"""
Where a cold start spends its time: the steps of `sourcewise decide`, one after the other, in a process of their own.

Imports stand inside the steps on purpose, as in the command line: a step pays for what it is the first to need. The
last line printed is one JSON object, milliseconds of processor time by step.
"""

import json
import sys
from pathlib import Path
from time import process_time


def main(name: str, data: str, seed: str, postcode: str, *skus: str) -> None:
    """Decide one order twice on a network by name; ``data`` may be empty."""
    spent = {}
    began = 0.0

    def done(step: str) -> None:
        nonlocal began
        now = process_time()
        spent[step] = round(1000 * (now - began), 1)
        began = now

    done("python")
    from api.cli.main import keep_garbage, make_app

    keep_garbage()
    make_app()
    done("command line")
    from api.cli.networks import network_named

    network = network_named(name, data=Path(data) if data else None, seed=int(seed))
    done("network")
    from datetime import timedelta

    from engine.domain.ids import LineId, OrderId, SkuId
    from engine.domain.order import Destination, Order, OrderLine

    order = Order(
        order_id=OrderId("1"),
        placed_at=network.as_of + timedelta(hours=1),
        lines=tuple(OrderLine(line_id=LineId(sku), sku=SkuId(sku), quantity=1) for sku in skus),
        destination=Destination(country=network.nodes[0].country, postcode=postcode),
    )
    from engine.decide.engine import Engine
    from engine.network.live import Live

    done("imports of the engine")
    live = Live(network)
    done("stock")
    engine = Engine(network, live=live)
    done("dates and tariffs")
    engine.decide(order)
    done("first decision")
    engine.decide(order)
    done("second decision")
    sys.stdout.write(json.dumps(spent) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
