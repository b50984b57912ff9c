"""
Price of the parcels of one shipment on arrays, compiled. The rules are MODEL.md section 4.

Takes `Net` (engine/network/compiled.py). Weights are grams, volumes cm3, sides mm, money cents; -1 says that the
service does not sell it (a hole in the tariff, above its limits).
"""

import numba

from engine.network.compiled import APPLIES_CODE, Net
from engine.network.model import Applies

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


@numba.njit(cache=True)
def ceil_div(a: int, b: int) -> int:
    """Whole-number division, rounded up."""
    return -((-a) // b)


@numba.njit(cache=True)
def rounded(numerator: int, denominator: int) -> int:
    """Whole-number division, rounded half up; the twin of engine.domain.units.rounded."""
    return (2 * numerator + denominator) // (2 * denominator)


@numba.njit(cache=True)
def weigh(amount: int, weight: int) -> int:
    """Apply a weight in permille; the twin of engine.domain.units.weighted_cents."""
    return amount if weight == 1000 else (2 * amount * weight + 1000) // 2000


@numba.njit(cache=True)
def num_parcels(net: Net, service: int, weight_g: int, volume_cm3: int) -> int:
    """How many equal parcels a shipment makes."""
    num = max(1, ceil_div(weight_g, net.svc_weight_max_g[service]))
    if net.svc_volume_max_cm3[service] > 0:
        num = max(num, ceil_div(volume_cm3, net.svc_volume_max_cm3[service]))
    return num


@numba.njit(cache=True)
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
    if net.sur_valid[j, era] == 0 or (net.sur_zone[j] >= 0 and net.sur_zone[j] != zone):
        return False
    kind = net.sur_applies[j]
    limit = net.sur_threshold[j]
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


@numba.njit(cache=True)
def _base(net: Net, service: int, era: int, zone: int, charged_g: int) -> int:
    """Base price of a charged weight; -1 where there is none."""
    low, last = net.band_start[service], net.band_start[service + 1]
    num_bands = last - low
    if num_bands == 0:
        return -1
    first = low
    high = last
    while low < high:
        mid = (low + high) >> 1
        if net.band_limit_g[mid] >= charged_g:
            high = mid
        else:
            low = mid + 1
    num_zones = net.per_kg_cents.shape[2]
    block = net.price_start[service] + (era * num_zones + zone) * num_bands
    if low < last:
        return net.price_cents[block + low - first]
    per_kg = net.per_kg_cents[service, era, zone]
    top = net.price_cents[block + num_bands - 1]
    if per_kg <= 0 or top < 0:
        return -1
    return top + per_kg * ceil_div(charged_g - net.band_limit_g[last - 1], 1000)


@numba.njit(cache=True)
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
    if num > net.svc_parcels_max[service]:
        return -1
    one_g = ceil_div(weight_g, num)
    one_cm3 = ceil_div(volume_cm3, num)
    charged = one_g
    if net.svc_dim[service] > 0 and one_cm3 > net.svc_dim_min_cm3[service]:
        charged = max(charged, ceil_div(1000 * one_cm3, net.svc_dim[service]))
    first, last = net.sur_start[service], net.sur_start[service + 1]
    for j in range(first, last):
        if net.sur_min_g[j] > charged and _due(net, j, era, zone, one_g, longest, second, girth, goods, order):
            charged = net.sur_min_g[j]
    base = _base(net, service, era, zone, charged)
    if base < 0:
        return -1
    extra = 0
    fuelled = base
    for j in range(first, last):
        if not _due(net, j, era, zone, one_g, longest, second, girth, goods, order):
            continue
        amount = net.sur_cents[j] + rounded(base * net.sur_permille[j], 1000)
        beaten = False
        if net.sur_group[j] >= 0:
            for i in range(first, last):
                if i != j and net.sur_group[i] == net.sur_group[j]:
                    other = net.sur_cents[i] + rounded(base * net.sur_permille[i], 1000)
                    if (other > amount or (other == amount and i < j)) and _due(
                        net, i, era, zone, one_g, longest, second, girth, goods, order
                    ):
                        beaten = True
        if not beaten:
            extra += amount
            if net.sur_fuel[j]:
                fuelled += amount
    return num * (base + extra + rounded(fuelled * net.svc_fuel[service], 1000))


@numba.njit(cache=True)
def floor_cents(net: Net, service: int, weight_g: int) -> int:
    """Least price of a parcel of at least this weight, in any zone and era; a bound, surcharges left out."""
    low, last = net.band_start[service], net.band_start[service + 1]
    high = last
    while low < high:
        mid = (low + high) >> 1
        if net.band_limit_g[mid] >= weight_g:
            high = mid
        else:
            low = mid + 1
    if low >= last:
        low = last - 1  # beyond the last band: at least the last price
    if low < net.band_start[service]:
        return 0
    base = net.band_floor_cents[low]
    return base + rounded(base * net.svc_fuel[service], 1000)
