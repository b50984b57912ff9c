"""
What a carrier charges for the parcels of a shipment (MODEL.md section 4, "Parcels" to "Fuel").

In the letters of MODEL.md, with W and V the weight (g) and volume (cm3) of the shipment:

    num       = max(1, ceil(W / weight_max_g), ceil(V / volume_max_cm3))          parcels, all alike
    weight    = ceil(W / num),  V1 = ceil(V / num)                                of one parcel
    dim       = ceil(1000 V1 / dim_cm3_per_kg)                                    where V1 > dim_min_cm3
    charged   = max(weight, dim, charged_weight_min_g of the surcharges due)
    base      = price[zone, ship day] of the service's smallest band that holds charged
                beyond the last band: price of the last band + per_kg_beyond_cents * ceil((charged - last) / 1000)
    surcharge = amount_cents + rounded(base * permille_of_base, 1000)             the dearest of an exclusive group
    fuel      = rounded((base + surcharges with fuel_applies) * fuel_permille, 1000)
    price     = num * (base + surcharges + fuel)

A surcharge is due if the ship day is within its dates, its zone is the shipment's and its condition is met. Its
minimum weight counts as soon as it is due, also where a dearer one of its exclusive group is charged instead: which
is the dearest may depend on the base, and the base on that weight.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.costs.cards import Extra, base_cents, card_of, charged_extras
from engine.domain.errors import InputError
from engine.domain.ids import ServiceId
from engine.domain.plan import Refusal
from engine.domain.units import rounded
from engine.network.model import Network, Rate, Service, SkuTable
from engine.network.routes import Target
from engine.network.zones import zone_numbers


@dataclass(frozen=True, slots=True)
class Contents:
    """
    What the parcels of one shipment hold in total, and the largest sides of its skus, each on its own.

    ``girth_mm`` is the largest longest + 2 (second + third) of a sku. ``unit_weight_g`` and ``unit_volume_cm3`` are of
    the heaviest and of the bulkiest unit: a unit does not go into two parcels. 0 leaves that to the caller.
    """

    weight_g: int
    volume_cm3: int
    longest_mm: int
    second_mm: int
    third_mm: int
    girth_mm: int
    hazardous: bool
    oversize: bool
    unit_weight_g: int = 0
    unit_volume_cm3: int = 0


@dataclass(frozen=True, slots=True)
class ParcelPrice:
    """
    The price of a shipment's parcels, which are all alike.

    ``parts`` itemises the price of all parcels together (base, surcharges by code, fuel) and adds up to
    ``num_parcels * unit_price_cents``. ``zone`` is an index into Network.zone_ids; the weights are of one parcel.
    """

    num_parcels: int
    unit_price_cents: int
    parts: tuple[tuple[str, int], ...]
    zone: int
    weight_g: int
    charged_weight_g: int


def contents_of(skus: SkuTable, items: Iterable[tuple[int, int]]) -> Contents:
    """
    Sum up what a shipment holds.

    Parameters
    ----------
    skus
        The sku table of the network.
    items
        (sku index, quantity) of every line.
    """
    weight_g = volume_cm3 = longest_mm = second_mm = third_mm = girth_mm = unit_weight_g = unit_volume_cm3 = 0
    hazardous = oversize = False
    for sku, quantity in items:
        unit_g, unit_cm3 = int(skus.weight_g[sku]), int(skus.volume_cm3[sku])
        longest, second, third = int(skus.longest_mm[sku]), int(skus.second_mm[sku]), int(skus.third_mm[sku])
        weight_g += unit_g * quantity
        volume_cm3 += unit_cm3 * quantity
        unit_weight_g = max(unit_weight_g, unit_g)
        unit_volume_cm3 = max(unit_volume_cm3, unit_cm3)
        longest_mm = max(longest_mm, longest)
        second_mm = max(second_mm, second)
        third_mm = max(third_mm, third)
        girth_mm = max(girth_mm, longest + 2 * (second + third))
        hazardous = hazardous or bool(skus.hazardous[sku])
        oversize = oversize or bool(skus.oversize[sku])
    return Contents(
        weight_g,
        volume_cm3,
        longest_mm,
        second_mm,
        third_mm,
        girth_mm,
        hazardous,
        oversize,
        unit_weight_g,
        unit_volume_cm3,
    )


class RateCards:
    """
    The tariffs of all services; built once per network.

    Raises
    ------
    InputError
        Where a service takes no weight at all, or a rate or surcharge names an unknown service or zone.
    """

    def __init__(self, network: Network) -> None:
        rates_of: dict[ServiceId, list[Rate]] = {service.service_id: [] for service in network.services}
        for rate in network.rates:
            if rate.service_id not in rates_of:
                raise InputError(f"A rate is of an unknown service ({rate.service_id}).", "check services.csv.")
            rates_of[rate.service_id].append(rate)
        number = zone_numbers(network)
        self._cards = tuple(card_of(s, rates_of[s.service_id], network.surcharges, number) for s in network.services)
        self._zone_ids = network.zone_ids

    def misfit(self, service: int, contents: Contents) -> Refusal | None:
        """The first limit of a service that contents break, wherever they go."""
        terms = self._cards[service].service
        return _limit_broken(terms, contents, num_parcels(terms, contents))

    def price(
        self, service: int, zone: int, ship_day: int, contents: Contents, target: Target, signature: bool
    ) -> ParcelPrice | Refusal:
        """
        Price the parcels of a shipment.

        Parameters
        ----------
        service, zone
            Indices into Network.services and Network.zone_ids (-1: no zone).
        ship_day
            Local date of the hand-over, as a day number; it picks among dated rates and surcharges.
        contents
            What the shipment holds.
        target
            Where it goes: residential, remote.
        signature
            Whether the order asks for one.

        Returns
        -------
        ParcelPrice or Refusal
            Codes: hazardous, oversize, too_heavy, too_large, too_many_parcels, no_zone, no_price.
        """
        card = self._cards[service]
        terms = card.service
        num = num_parcels(terms, contents)
        refusal = _limit_broken(terms, contents, num)
        if refusal is not None:
            return refusal
        if zone < 0:
            return Refusal("no_zone", f"{_name(terms)} has no zone for this way.")
        weight_g = -(-contents.weight_g // num)
        facts = (
            1,
            target.residential,
            target.remote,
            signature,
            contents.hazardous,
            contents.oversize,
            weight_g,
            contents.longest_mm,
            contents.second_mm,
            contents.girth_mm,
        )
        due = [
            extra
            for extra in card.extras.get(zone, ())
            if facts[extra.fact] > extra.threshold and extra.first_day <= ship_day <= extra.last_day
        ]
        charged_g = _charged_weight_g(terms, weight_g, -(-contents.volume_cm3 // num), due)
        base = base_cents(card, zone, ship_day, charged_g)
        if base is None:
            zone_id = self._zone_ids[zone]
            return Refusal("no_price", f"{_name(terms)} has no price for {charged_g} g to zone {zone_id} that day.")
        parts = [("base", base * num)]
        unit_price = with_fuel = base
        for extra, cents in charged_extras(due, base):
            unit_price += cents
            if extra.fuel_applies:
                with_fuel += cents
            if cents:
                parts.append((extra.code, cents * num))
        fuel = rounded(with_fuel * terms.fuel_permille, 1000)
        if fuel:
            parts.append(("fuel", fuel * num))
        return ParcelPrice(num, unit_price + fuel, tuple(parts), zone, weight_g, charged_g)


def num_parcels(service: Service, contents: Contents) -> int:
    """How many parcels of a service the contents fill, by weight and by volume."""
    num = max(1, -(-contents.weight_g // service.weight_max_g))
    if service.volume_max_cm3 > 0:
        num = max(num, -(-contents.volume_cm3 // service.volume_max_cm3))
    return num


def _limit_broken(service: Service, contents: Contents, num: int) -> Refusal | None:
    """The first limit of the service that the contents break."""
    if contents.hazardous and not service.hazardous:
        return Refusal("hazardous", f"{_name(service)} takes no hazardous goods.")
    if contents.oversize and not service.oversize:
        return Refusal("oversize", f"{_name(service)} takes no oversize goods.")
    if contents.unit_weight_g > service.weight_max_g:
        return Refusal(
            "too_heavy",
            f"{_name(service)} takes parcels up to {service.weight_max_g} g; a unit weighs {contents.unit_weight_g} g.",
        )
    for measured, limit, what in (
        (contents.longest_mm, service.longest_max_mm, "mm of length"),
        (contents.girth_mm, service.length_girth_max_mm, "mm of length and girth"),
        (contents.unit_volume_cm3, service.volume_max_cm3, "cm3"),
    ):
        if 0 < limit < measured:
            return Refusal("too_large", f"{_name(service)} takes up to {limit} {what}; a unit has {measured}.")
    if num > service.parcels_max:
        return Refusal(
            "too_many_parcels", f"{_name(service)} takes up to {service.parcels_max} parcels; these are {num}."
        )
    return None


def _charged_weight_g(service: Service, weight_g: int, volume_cm3: int, due: list[Extra]) -> int:
    charged_g = weight_g
    if service.dim_cm3_per_kg > 0 and volume_cm3 > service.dim_min_cm3:
        charged_g = max(charged_g, -(-1000 * volume_cm3 // service.dim_cm3_per_kg))
    for extra in due:
        charged_g = max(charged_g, extra.charged_weight_min_g)
    return charged_g


def _name(service: Service) -> str:
    return service.name or service.service_id
