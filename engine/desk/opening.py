"""A desk's state when it opens: the engine on a view of all that the ledger holds."""

from datetime import timedelta

from engine.decide.engine import Engine
from engine.desk.rules import Rules
from engine.desk.state import State
from engine.domain.units import day_number, utc
from engine.network.live import Live
from engine.network.model import Network
from engine.stock.ledger import Ledger
from engine.stock.view import View


def state_of(network: Network, ledger: Ledger, now_s: int, *, rules: Rules | None = None) -> State:
    """Engine and view of what a ledger holds."""
    numbers = ledger.open(network, now_s)
    engine = Engine(network, live=Live(network), guard=False)
    view = View(engine.live, numbers)
    contents = ledger.load(day_number((utc(now_s) - timedelta(days=1)).date()))
    view.load(contents)
    state = State(engine, view, ledger, rules)
    state.now_s = now_s
    state.mark_seq = int(contents.seq.max(initial=0))
    state.mark = contents.mark
    state.book.read(state)
    return state
