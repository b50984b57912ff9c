from engine.domain.plan import Status
from engine.network.live import Live
from engine.network.model import Network
from engine.optimise.mip import solve
from engine.options.evaluate import Evaluator
from engine.options.tools import Tools
from tests import builders as b


def evaluator_of(network: Network, order, policy=None) -> Evaluator:
    return Evaluator(network, Live(network), policy or network.policy(), order.merged(), Tools.of(network))


def test_one_shipment_where_one_node_has_everything() -> None:
    plan = solve(evaluator_of(b.network(), b.order("a", "b", "c")))
    assert plan.status == Status.OPTIMAL
    assert plan.bound_cents == plan.cost_cents
    assert len(plan.shipments) == 1
