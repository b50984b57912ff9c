"""Rules about lines, stock, capacity and the number of shipments. MODEL.md sections 2, 5 and 6."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.check.case import Case, Items
from engine.check.routes import forbidden, not_a_route, over_limit, restricted, too_far
from engine.domain.ids import LineId, NodeId, SkuId
from engine.domain.plan import Promise, Refusal, ShipmentLine, Unmet, Violation
from engine.domain.units import epoch_s
from engine.network.routes import Route


def unknown_names(case: Case) -> Iterator[Violation]:
    """A plan speaks of the order's lines and the network's nodes and services only."""
    network = case.network
    for shipment in case.plan.shipments:
        for node in (shipment.node, shipment.place):
            if node is not None and node not in network.node_index:
                yield Violation(rule="name", message=f"Node ({node}) is unknown.")
        if shipment.service is not None and shipment.service not in network.service_index:
            yield Violation(rule="name", message=f"Service ({shipment.service}) is unknown.")
        if not shipment.lines:
            yield Violation(rule="name", message=f"A shipment from {shipment.node} is empty.")
        ids = [part.line_id for part in shipment.lines]
        if len(set(ids)) != len(ids):
            yield Violation(rule="name", message=f"A shipment from {shipment.node} names a line twice.")
    parts: list[ShipmentLine | Unmet] = [part for shipment in case.plan.shipments for part in shipment.lines]
    for part in (*parts, *case.plan.unmet):
        line = case.lines.get(part.line_id)
        if line is None or line.sku != part.sku:
            yield Violation(rule="name", message=f"Line ({part.line_id}) of sku ({part.sku}) is not in the order.")
        elif part.quantity <= 0:
            yield Violation(rule="name", message=f"Line ({part.line_id}) has {part.quantity} units somewhere.")


def lines_not_covered(case: Case) -> Iterator[Violation]:
    """Every unit is served once; or the whole line is left out, where the order allows it and says so."""
    served: Counter[LineId] = Counter()
    left: Counter[LineId] = Counter()
    for shipment in case.plan.shipments:
        for part in shipment.lines:
            served[part.line_id] += part.quantity
    for unmet in case.plan.unmet:
        left[unmet.line_id] += unmet.quantity
    for line_id, line in case.lines.items():
        whole = (line.quantity, 0), (0, line.quantity)
        if (served[line_id], left[line_id]) not in whole:
            yield Violation(
                rule="cover",
                message=f"Line {line_id} asks for {line.quantity}, gets {served[line_id]}, lacks {left[line_id]}.",
            )
        elif left[line_id] and case.found and not case.order.partial:
            yield Violation(rule="cover", message=f"Line {line_id} is left out of an order that is not partial.")


def stock_overdrawn(case: Case) -> Iterator[Violation]:
    """No more units than a node can promise, over all shipments of the plan."""
    taken: Counter[tuple[NodeId, SkuId]] = Counter()
    for shipment in case.plan.shipments:
        for part in shipment.lines:
            taken[shipment.node, part.sku] += part.quantity
    for (node, sku), units in taken.items():
        k, index = case.network.node_index[node], case.network.skus.index[sku]
        left = case.available(k, index) + sum(due for _, due in case.inbound(k, index))
        if units > left:
            yield Violation(rule="stock", message=f"{node} can promise {left} of {sku}, not {units}.")


def capacity_exceeded(case: Case) -> Iterator[Violation]:
    """All shipments picked in one day, or hour, of a node fit into what is free."""
    days: dict[tuple[int, int], list[int]] = defaultdict(list)
    hours: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for shipment in case.plan.shipments:
        k = case.network.node_index[shipment.node]
        day, hour = case.tools.dates.pick_cell(k, shipment.promise.pick_start)
        if not 0 <= day - case.live.first_day < case.live.num_days:
            yield Violation(rule="capacity", message=f"{shipment.node} picks beyond the horizon.")
            continue
        units = sum(part.quantity for part in shipment.lines)
        days[k, day].append(units)
        hours[k, day, hour].append(units)
    for (k, day), picked in days.items():
        node = case.network.nodes[k]
        limits = case.live.limits_of_day(k, day)
        yield from _overfull(node.node_id, "day", picked, case.live.used_day(k, day), limits)
    for (k, day, hour), picked in hours.items():
        node = case.network.nodes[k]
        limits = case.live.limits_of_hour(k, day, hour)
        yield from _overfull(node.node_id, "hour", picked, case.live.used_hour(k, day, hour), limits)


def _overfull(
    node: NodeId, cell: str, picked: list[int], used: tuple[int, int], limits: tuple[int | None, int | None]
) -> Iterator[Violation]:
    for added, before, limit, what in zip((len(picked), sum(picked)), used, limits, ("orders", "units"), strict=True):
        if limit is not None and before + added > limit:
            text = f"{node} takes {limit} {what} a {cell}; these are {before} before and {added} more."
            yield Violation(rule="capacity", message=text)


def too_many_shipments(case: Case) -> Iterator[Violation]:
    """No more shipments than order and policy allow."""
    if "max_shipments" in case.plan.relaxed:
        return
    limit = case.policy.max_shipments
    if case.order.max_shipments is not None:
        limit = min(limit, case.order.max_shipments)
    if len(case.plan.shipments) > limit:
        yield Violation(rule="max_shipments", message=f"{len(case.plan.shipments)} shipments, {limit} allowed.")


def _pieces(case: Case) -> Counter[LineId]:
    return Counter(part.line_id for shipment in case.plan.shipments for part in shipment.lines)


def lines_in_too_many_shipments(case: Case) -> Iterator[Violation]:
    """No line is in more shipments than order and policy allow."""
    limit = case.policy.max_shipments_per_line
    if case.order.max_shipments_per_line is not None:
        limit = min(limit, case.order.max_shipments_per_line)
    for line_id, num in _pieces(case).items():
        if num > limit:
            yield Violation(rule="max_shipments_per_line", message=f"Line {line_id} is in {num} shipments of {limit}.")


def lines_split(case: Case) -> Iterator[Violation]:
    """A line is split in units only if the policy allows it, no rule keeps it whole and no route takes it whole."""
    for line_id, num in _pieces(case).items():
        if num < 2:
            continue
        line = case.lines[line_id]
        index = case.network.skus.index[line.sku]
        text = ""
        if not case.policy.allow_quantity_split:
            text = "the policy splits no quantities"
        elif case.network.skus.never_split[index]:
            text = f"{line.sku} is never split"
        elif any(line_id in group and len(group) > 1 for group in case.order.keep_together):
            text = "it is kept together with others"
        elif (whole := _whole_from(case, line_id, ((index, line.quantity),))) is not None:
            text = f"{whole} could serve it whole"
        if text:
            yield Violation(rule="whole_lines", message=f"Line {line_id} is in {num} shipments, but {text}.")


def _whole_from(case: Case, line_id: LineId, items: Items) -> NodeId | None:
    """A node that could serve the whole line over a single allowed route. Looks at all routes of all holders."""
    network, live = case.network, case.live
    ((sku, quantity),) = items
    holders = {int(node) for node in live.row_node[live.row_start[sku] : live.row_start[sku + 1]]}
    holders |= live.withheld.due.get(sku, {}).keys()
    pin = case.lines[line_id].pin_node
    for k in sorted(holders):
        node_id = network.nodes[k].node_id
        left = case.available(k, sku) + sum(due for _, due in case.inbound(k, sku))
        if left < quantity or pin not in (None, node_id):
            continue
        if any(serves(case, route, items) for route in _all_routes(case, k)):
            return node_id
    return None


def _all_routes(case: Case, k: int) -> Iterator[Route]:
    for method in case.policy.methods:
        for place in (-1, *case.places) if case.home is not None else case.places:
            for service in range(-1, len(case.network.services)):
                yield Route(method, k, service, place=place)
        for lane, row in enumerate(case.network.lanes):
            if row.origin == case.network.nodes[k].node_id:
                yield Route(method, k, lane=lane, place=case.network.node_index[row.target])


def serves(case: Case, route: Route, items: Items) -> bool:
    """Whether a route could carry these items: all rules of one shipment but stock, pins and ships alone."""
    if not_a_route(case, route) or forbidden(case, route) or too_far(case, route):
        return False
    if restricted(case, route, items) or over_limit(case, route, items):
        return False
    promise = case.promise(route, items)
    if not isinstance(promise, Promise):
        return False
    if case.deliver_by_s is not None and epoch_s(promise.deliver_by) > case.deliver_by_s:
        return False
    return not isinstance(case.price(route, items, promise), Refusal)


def groups_separated(case: Case) -> Iterator[Violation]:
    """The lines of a group are in one shipment, or all of them are left out."""
    for group in case.order.keep_together:
        homes = {
            line_id: tuple(i for i, s in enumerate(case.plan.shipments) if any(p.line_id == line_id for p in s.lines))
            for line_id in group
        }
        if len(group) > 1 and len(set(homes.values())) > 1:
            yield Violation(rule="keep_together", message=f"Lines {', '.join(group)} are not in one shipment.")


def company_not_allowed(case: Case) -> Iterator[Violation]:
    """A sku that ships alone shares its shipment with no other line."""
    skus = case.network.skus
    for shipment in case.plan.shipments:
        for part in shipment.lines:
            if len(shipment.lines) > 1 and skus.ships_alone[skus.index[part.sku]]:
                yield Violation(rule="ships_alone", message=f"{part.sku} ships alone, not with others.")


def pins_missed(case: Case) -> Iterator[Violation]:
    """A pinned line comes from its node."""
    for shipment in case.plan.shipments:
        for part in shipment.lines:
            pin = case.lines[part.line_id].pin_node
            if pin not in (None, shipment.node):
                yield Violation(rule="pin", message=f"Line {part.line_id} is pinned to {pin}, not {shipment.node}.")


def parcels_of_little_value(case: Case) -> Iterator[Violation]:
    """Of a split order no shipment is worth less than the policy wants."""
    least = case.policy.min_parcel_value_cents
    if len(case.plan.shipments) < 2 or "min_parcel_value" in case.plan.relaxed:
        return
    for shipment in case.plan.shipments:
        worth = sum(int(case.network.skus.value_cents[sku]) * quantity for sku, quantity in case.items(shipment))
        if worth < least:
            yield Violation(
                rule="min_parcel_value", message=f"The shipment from {shipment.node} is worth {worth}, below {least}."
            )
