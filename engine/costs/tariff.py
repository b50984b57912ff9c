"""
Price of the parcels of one shipment on arrays, compiled. The rules are MODEL.md section 4.

Takes `Net` (engine/network/compiled.py). Weights are grams, volumes cm3, sides mm, money cents; -1 says that the
service does not sell it (a hole in the tariff, above its limits).
"""

from engine.network.jit import compiled, inlined
from engine.network.model import Applies
from engine.network.records import APPLIES_CODE, Net

RESIDENTIAL, REMOTE, SIGNATURE = 1, 2, 4  # bits of the order's flags
HAZARDOUS, OVERSIZE = 4, 8  # bits of sku_flags

_ALWAYS = APPLIES_CODE[Applies.ALWAYS]
_RESIDENTIAL = APPLIES_CODE[Applies.RESIDENTIAL]
_REMOTE = APPLIES_CODE[Applies.REMOTE]
_SIGNATURE = APPLIES_CODE[Applies.SIGNATURE]
_HAZARDOUS = APPLIES_CODE[Applies.HAZARDOUS]
_OVERSIZE = APPLIES_CODE[Applies.OVERSIZE]
_WEIGHT = APPLIES_CODE[Applies.WEIGHT_OVER]
_LONGEST = APPLIES_CODE[Applies.LONGEST_OVER]
_SECOND = APPLIES_CODE[Applies.SECOND_OVER]
_GIRTH = APPLIES_CODE[Applies.LENGTH_GIRTH_OVER]


@inlined
def ceil_div(a: int, b: int) -> int:
    """Whole-number division, rounded up."""
    return -((-a) // b)


@inlined
def rounded(numerator: int, denominator: int) -> int:
    """Whole-number division, rounded half up; the twin of engine.domain.units.rounded."""
    return (2 * numerator + denominator) // (2 * denominator)


@inlined
def weigh(amount: int, weight: int) -> int:
    """Apply a weight in permille; the twin of engine.domain.units.weighted_cents."""
    return amount if weight == 1000 else (2 * amount * weight + 1000) // 2000


@inlined
def num_parcels(net: Net, service: int, weight_g: int, volume_cm3: int) -> int:
    """How many equal parcels a shipment makes."""
    num = max(1, ceil_div(weight_g, net.service[service].weight_max_g))
    if net.service[service].volume_max_cm3 > 0:
        num = max(num, ceil_div(volume_cm3, net.service[service].volume_max_cm3))
    return num


@inlined
def _due(
    net: Net,
    j: int,
    era: int,
    zone: int,
    weight_g: int,
    longest: int,
    second: int,
    girth: int,
    goods: int,
    order: int,
) -> bool:
    """Whether surcharge row j is due on a parcel, exclusive groups aside."""
    if net.surcharge_valid[j, era] == 0 or (net.surcharge[j].zone >= 0 and net.surcharge[j].zone != zone):
        return False
    kind = net.surcharge[j].applies
    limit = net.surcharge[j].threshold
    if kind == _ALWAYS:
        return True
    if kind == _RESIDENTIAL:
        return order & RESIDENTIAL != 0
    if kind == _REMOTE:
        return order & REMOTE != 0
    if kind == _SIGNATURE:
        return order & SIGNATURE != 0
    if kind == _HAZARDOUS:
        return goods & HAZARDOUS != 0
    if kind == _OVERSIZE:
        return goods & OVERSIZE != 0
    if kind == _WEIGHT:
        return weight_g > limit
    if kind == _LONGEST:
        return longest > limit
    if kind == _SECOND:
        return second > limit
    return girth > limit


@inlined
def _base(net: Net, service: int, era: int, zone: int, charged_g: int) -> int:
    """Base price of a charged weight; -1 where there is none."""
    low, last = net.service[service].band_from, net.service[service].band_to
    num_bands = last - low
    if num_bands == 0:
        return -1
    first = low
    high = last
    while low < high:
        mid = (low + high) >> 1
        if net.band[mid].limit_g >= charged_g:
            high = mid
        else:
            low = mid + 1
    num_zones = net.per_kg_cents.shape[2]
    block = net.service[service].price_from + (era * num_zones + zone) * num_bands
    if low < last:
        return net.price_cents[block + low - first]
    per_kg = net.per_kg_cents[service, era, zone]
    top = net.price_cents[block + num_bands - 1]
    if per_kg <= 0 or top < 0:
        return -1
    return top + per_kg * ceil_div(charged_g - net.band[last - 1].limit_g, 1000)


@compiled
def parcel_cents(
    net: Net,
    service: int,
    era: int,
    zone: int,
    weight_g: int,
    volume_cm3: int,
    longest: int,
    second: int,
    girth: int,
    goods: int,
    order: int,
) -> int:
    """Price of all parcels of a shipment, surcharges and fuel included; -1 where the service does not sell it."""
    num = num_parcels(net, service, weight_g, volume_cm3)
    if num > net.service[service].parcels_max:
        return -1
    one_g = ceil_div(weight_g, num)
    one_cm3 = ceil_div(volume_cm3, num)
    charged = one_g
    if net.service[service].dim > 0 and one_cm3 > net.service[service].dim_min_cm3:
        charged = max(charged, ceil_div(1000 * one_cm3, net.service[service].dim))
    first, last = net.service[service].surcharge_from, net.service[service].surcharge_to
    for j in range(first, last):
        if net.surcharge[j].min_g > charged and _due(net, j, era, zone, one_g, longest, second, girth, goods, order):
            charged = net.surcharge[j].min_g
    base = _base(net, service, era, zone, charged)
    if base < 0:
        return -1
    extra = 0
    fuelled = base
    for j in range(first, last):
        if not _due(net, j, era, zone, one_g, longest, second, girth, goods, order):
            continue
        amount = net.surcharge[j].cents + rounded(base * net.surcharge[j].permille, 1000)
        beaten = False
        if net.surcharge[j].group >= 0:
            for i in range(first, last):
                if i != j and net.surcharge[i].group == net.surcharge[j].group:
                    other = net.surcharge[i].cents + rounded(base * net.surcharge[i].permille, 1000)
                    if (other > amount or (other == amount and i < j)) and _due(
                        net, i, era, zone, one_g, longest, second, girth, goods, order
                    ):
                        beaten = True
        if not beaten:
            extra += amount
            if net.surcharge[j].fuel:
                fuelled += amount
    return num * (base + extra + rounded(fuelled * net.service[service].fuel, 1000))
