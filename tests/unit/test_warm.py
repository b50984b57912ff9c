"""What the warm-up loads is all that a shop's first calls need: a kernel that is not there yet takes seconds."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from engine.decide.warm import warm_up
from engine.desk.near import Near
from engine.desk.opening import state_of
from engine.desk.promises import Promises
from engine.desk.quote import Quote
from engine.domain.units import epoch_s
from tests.ledger_twin import LedgerTwin
from tests.strategies import orders_of, random_case

ROOT = Path(__file__).parents[2]


def loaded() -> dict[str, int]:
    """How many signatures each kernel has in this process."""
    kernels = (
        one
        for name, module in sys.modules.items()
        if name.startswith("engine.")
        for one in vars(module).values()
        if isinstance(one, Dispatcher)
    )
    return {f"{one.py_func.__module__}.{one.py_func.__name__}": len(one.signatures) for one in kernels}


def ask_for_everything() -> None:
    """Quotes, promises and stores near, on random networks."""
    for seed in range(20):
        case = random_case(seed)
        network = case.network
        state = state_of(network, LedgerTwin(), epoch_s(network.as_of))
        state.at(epoch_s(network.as_of))
        for order in orders_of(case, 3):
            home = order.destination
            if home is None:
                continue
            skus = tuple((str(sku), 1) for sku in network.skus.ids)
            for command in (
                Quote(order=replace(order, pickup_node=None, partial=False)),
                Promises(skus=skus, country=home.country, postcode=home.postcode),
                Near(skus=skus[:3], country=home.country, postcode=home.postcode),
            ):
                command.plan(state)


def test_after_the_warm_up_no_kernel_is_loaded_by_quotes_promises_and_stores_near() -> None:
    subprocess.run([sys.executable, "-m", "tests.unit.test_warm"], check=True, cwd=ROOT)


if __name__ == "__main__":
    warm_up(lambda name, done, total: None)
    before = loaded()
    ask_for_everything()
    late = [name for name, number in loaded().items() if number > before.get(name, 0)]
    sys.exit(f"loaded late: {late}" if late else 0)
