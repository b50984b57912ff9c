"""How many parcels arrive within so many days (or minutes): F of engine/MODEL.md section 3, exactly."""

from fractions import Fraction

from engine.network.model import Transit


def arrived_permille(transit: Transit, units: int) -> Fraction:
    """
    F(x): permille of parcels that arrive within ``units`` after the hand-over.

    Zero before `earliest`, linear between (earliest - 1, 0), (typical, typical_permille) and (latest, latest_permille);
    beyond `latest` the share still under way halves with every unit.

    >>> from engine.domain.ids import ServiceId, ZoneId
    >>> row = Transit(service_id=ServiceId("s"), zone=ZoneId("z"), earliest=1, typical=2, latest=4)
    >>> [round(float(arrived_permille(row, x)), 1) for x in range(7)]
    [0.0, 350.0, 700.0, 835.0, 970.0, 985.0, 992.5]
    """
    if units < transit.earliest:
        return Fraction(0)
    if units > transit.latest:
        return 1000 - Fraction(1000 - transit.latest_permille, 2 ** (units - transit.latest))
    points = [(transit.earliest - 1, 0), (transit.typical, transit.typical_permille)]
    points.append((transit.latest, transit.latest_permille))
    exact = [permille for at, permille in points if at == units]
    if exact:
        return Fraction(max(exact))
    low, high = points[:2] if units < transit.typical else points[1:]
    return low[1] + Fraction((high[1] - low[1]) * (units - low[0]), high[0] - low[0])


def quantile(transit: Transit, confidence_permille: int) -> tuple[int, Fraction]:
    """The smallest number of units, at least `earliest`, by which so many permille have arrived; and their share."""
    assert 0 < confidence_permille < 1000, "a policy promises with a confidence in 1..999 permille"
    low, high = transit.earliest - 1, transit.latest
    while arrived_permille(transit, high) < confidence_permille:
        low, high = high, high + 1  # beyond `latest` the rest halves: at most ten steps
    while high - low > 1:
        middle = (low + high) // 2
        if arrived_permille(transit, middle) >= confidence_permille:
            high = middle
        else:
            low = middle
    return high, arrived_permille(transit, high)
