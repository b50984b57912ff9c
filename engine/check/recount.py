"""Rules about dates, money and what a plan claims: everything is computed afresh and compared."""

from collections.abc import Iterable, Iterator

from engine.check.case import Case
from engine.costs.terms import co2e_g, order_terms, trip_co2e_g
from engine.domain.plan import CostTerm, Promise, Refusal, Status, Violation
from engine.domain.units import epoch_s, weighted_cents

_BY_LINE = ("split", "rejection", "opportunity", "markdown")  # weighed line by line, so not by their sum


def promises_wrong(case: Case) -> Iterator[Violation]:
    """Every shipment has the promise that its route and contents give."""
    for shipment in case.plan.shipments:
        route = case.route(shipment)
        if route is None:
            continue  # reported as a route that does not exist
        due = case.promise(route, case.items(shipment))
        if isinstance(due, Refusal):
            yield Violation(rule="promise", message=f"{shipment.node} has no date for it: {due.text}")
        elif due != shipment.promise:
            wrong = [name for name in Promise.__slots__ if getattr(due, name) != getattr(shipment.promise, name)]
            text = ", ".join(f"{n} {getattr(shipment.promise, n)}, should be {getattr(due, n)}" for n in wrong)
            yield Violation(rule="promise", message=f"{shipment.node}: {text}.")


def deadlines_missed(case: Case) -> Iterator[Violation]:
    """No shipment is promised for later than the order allows."""
    for shipment in case.plan.shipments:
        by = shipment.promise.deliver_by
        if case.deliver_by_s is not None and epoch_s(by) > case.deliver_by_s:
            text = f"{shipment.node} delivers by {by}, too late for {case.order.deliver_by}."
            yield Violation(rule="deliver_by", message=text)


def facts_wrong(case: Case) -> Iterator[Violation]:
    """Parcels, weight, distance and emissions of a shipment are those of its route and contents; so is the trip."""
    for shipment in case.plan.shipments:
        route, items = case.route(shipment), case.items(shipment)
        far_m = case.distance_m(route) if route is not None else None
        if route is None or far_m is None:
            continue  # reported as a route that does not exist
        price = case.price(route, items, shipment.promise)
        if isinstance(price, Refusal):
            continue  # reported by its limit, or as a cost
        num = price.num_parcels if price is not None else 0
        weight_g = case.contents(items).weight_g
        grams = co2e_g(case.network, route, weight_g=weight_g, num_parcels=num, distance_m=far_m)
        for claimed, right, what in (
            (shipment.num_parcels, num, "parcels"),
            (shipment.weight_g, weight_g, "g"),
            (shipment.distance_m, far_m, "m"),
            (shipment.co2e_g, grams, "g CO2e"),
        ):
            if claimed != right:
                yield Violation(rule="facts", message=f"{shipment.node}: {claimed} {what}, should be {right}.")
    trip_m = _trip_m(case)
    grams = trip_co2e_g(case.policy, trip_m) if trip_m is not None else 0
    if case.plan.trip_co2e_g != grams:
        yield Violation(rule="facts", message=f"Trip: {case.plan.trip_co2e_g} g CO2e, should be {grams}.")


def costs_wrong(case: Case) -> Iterator[Violation]:
    """Every cost term of every shipment and of the order is right to the cent, and none is missing."""
    for shipment in case.plan.shipments:
        route, items = case.route(shipment), case.items(shipment)
        if route is None or case.target(route) is None:
            continue  # reported as a route that does not exist
        price = case.price(route, items, shipment.promise)
        if isinstance(price, Refusal):
            if price.code in ("no_zone", "no_price"):
                yield Violation(rule="cost", message=f"{shipment.node}: {price.text}")
            continue  # other refusals are limits, reported as such
        right = case.terms(route, items, shipment.promise, price)
        yield from _differences(shipment.terms, right, f"Shipment from {shipment.node}")
    yield from _differences(case.plan.terms, _terms_of_order(case), "Order")


def _trip_m(case: Case) -> int | None:
    """How far the place is that the plan proposes; None without one, or where the customer chose it."""
    place = next((s.place for s in case.plan.shipments if s.place is not None), None)
    if place is None or case.home is None:
        return None
    return case.trip_distance_m(case.network.node_index[place])


def _terms_of_order(case: Case) -> tuple[CostTerm, ...]:
    plan, network = case.plan, case.network
    return order_terms(
        network,
        case.policy,
        num_shipments=len(plan.shipments),
        trip_distance_m=_trip_m(case),
        unserved=[(network.skus.index[u.sku], u.quantity) for u in plan.unmet] if case.found else [],
    )


def _money(terms: Iterable[CostTerm]) -> list[tuple[str, int, int]]:
    return sorted((term.rule, term.amount_cents, term.raw_cents) for term in terms)


def _differences(claimed: Iterable[CostTerm], right: Iterable[CostTerm], whose: str) -> Iterator[Violation]:
    have, due = _money(claimed), _money(right)
    for rule in sorted({row[0] for row in (*have, *due)}):
        mine, theirs = [r[1:] for r in have if r[0] == rule], [r[1:] for r in due if r[0] == rule]
        if mine != theirs:
            text = f"{whose}: {rule} (cents, raw) {mine or 'missing'}, should be {theirs or 'absent'}."
            yield Violation(rule="cost", message=text)


def totals_wrong(case: Case) -> Iterator[Violation]:
    """The parts of a term add up to it, and its weight is the policy's."""
    plan = case.plan
    for term in (*plan.terms, *(t for s in plan.shipments for t in s.terms)):
        if term.parts and sum(cents for _, cents in term.parts) != term.raw_cents:
            yield Violation(rule="total", message=f"The parts of {term.rule} do not add up to {term.raw_cents}.")
        weighted = weighted_cents(term.raw_cents, case.policy.weight(term.rule))
        if term.rule not in _BY_LINE and term.amount_cents != weighted:
            text = f"{term.rule} counts {term.amount_cents}, its weight gives {weighted}."
            yield Violation(rule="total", message=text)


def bound_above_cost(case: Case) -> Iterator[Violation]:
    """The bound is a bound, and meets the cost of a plan that is called optimal."""
    plan = case.plan
    if case.found and plan.bound_cents > plan.cost_cents:
        yield Violation(rule="bound", message=f"The bound {plan.bound_cents} is above the cost {plan.cost_cents}.")
    elif plan.status == Status.OPTIMAL and plan.bound_cents != plan.cost_cents:
        yield Violation(rule="bound", message=f"An optimal plan costs {plan.cost_cents}, not {plan.bound_cents}.")


def status_inconsistent(case: Case) -> Iterator[Violation]:
    """Status, limit and relaxations say what the plan is."""
    plan = case.plan
    if not case.found and plan.shipments:
        yield Violation(rule="status", message=f"A plan that is {plan.status} has shipments.")
    if case.found and not plan.shipments and not case.order.partial:
        yield Violation(rule="status", message=f"A plan that is {plan.status} serves nothing.")
    if plan.status == Status.FEASIBLE and not plan.limit:
        yield Violation(rule="status", message="A plan is cut short, but by no limit.")
    if plan.status in (Status.OPTIMAL, Status.INFEASIBLE) and plan.limit:
        yield Violation(rule="status", message=f"A plan is {plan.status} in spite of limit {plan.limit}.")
    steps = [f"{step.rule}+{step.days}d" if step.days else step.rule for step in case.policy.relaxations]
    left = iter(steps)  # steps that bind nothing may be left out, so the names come in order but with gaps
    if not all(name in left for name in plan.relaxed):
        yield Violation(rule="status", message=f"Relaxed {list(plan.relaxed)}, but the policy's order is {steps}.")
