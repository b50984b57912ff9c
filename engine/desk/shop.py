"""What a shop shows: the price of each offer under the policy, and which few of all offers."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.decide.offers import Offer, OfferKind
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.domain.units import rounded


class Priced(NamedTuple):
    """An offer, what the customer pays, and where that comes among others: by price, then cost, date and carbon."""

    offer: Offer
    price_cents: int
    rank: tuple[int, int, int, int]
    trip_m: int  # 0: none

    @staticmethod
    def of(offer: Offer, price_cents: int) -> "Priced":
        """With its rank."""
        rank = price_cents, offer.cost_cents, offer.deliver_by_s, offer.co2e_g
        return Priced(offer, price_cents, rank, offer.trip_m or 0)


def price_of(offer: Offer, policy: Policy, goods_cents: int, tier: str = "") -> int:
    """
    What the customer pays for an offer; see `price`.

    Nothing from a value of the goods on, couriers aside.
    """
    return price(offer.cost_cents, policy, goods_cents, tier=tier, courier=offer.kind == OfferKind.SAME_DAY)


def price(cost_cents: int, policy: Policy, goods_cents: int, *, tier: str = "", courier: bool = False) -> int:
    """
    What the customer pays for a way that costs us so much: a share of it, the least price at least, rounded up.

    A tier pays a share of that. Raises InputError where the policy does not know the tier.
    """
    share = 1000
    if tier:
        if tier not in policy.shop_tiers:
            known = ", ".join(policy.shop_tiers) or "none"
            raise InputError(f"Tier ({tier}) is unknown to policy ({policy.policy_id}).", f"it knows: {known}.")
        share = policy.shop_tiers[tier]
    if policy.shop_free_from_cents and goods_cents >= policy.shop_free_from_cents and not courier:
        return 0
    cents = max(policy.shop_price_least_cents, rounded(cost_cents * policy.shop_price_permille, 1000), 0)
    step = max(1, policy.shop_price_step_cents)
    return -(-rounded(cents * share, 1000) // step) * step


def choose(priced: Sequence[Priced], policy: Policy) -> list[Priced]:
    """
    The options to show, by price, then cost and date: those that are best in something first, then one of each kind.

    An offer goes that another for home (or for a place as near) is at least as good as in price, date and carbon.
    """
    left = unbeaten(priced)
    first = list(best_of(left).values()) if left else []
    kinds: dict[OfferKind, Priced] = {}
    for one in sorted(left, key=lambda p: (p.rank, p.trip_m)):
        kinds.setdefault(one.offer.kind, one)
    places = 0
    chosen: list[Priced] = []
    known: set[int] = set()
    best = {id(one) for one in first}
    for one in [*first, *kinds.values(), *sorted(left, key=lambda p: (p.trip_m, p.rank))]:
        if id(one) in known:
            continue
        if len(chosen) == policy.shop_options_max:
            break
        if one.offer.place >= 0:
            if places == policy.shop_places_max and id(one) not in best:
                continue
            places += 1
        known.add(id(one))
        chosen.append(one)
    return sorted(chosen, key=lambda p: (p.rank, p.trip_m, p.offer.place))


def unbeaten(priced: Iterable[Priced]) -> list[Priced]:
    """The options that no other is at least as good as; see `choose`."""
    out: list[Priced] = []
    for one in sorted(priced, key=lambda p: (p.rank, p.trip_m, p.offer.place)):
        if not any(_beats(kept, one) for kept in out):
            out.append(one)
    return out


def _beats(one: Priced, other: Priced) -> bool:
    if one.trip_m > other.trip_m or (one.offer.place < 0) != (other.offer.place < 0):
        return False
    (price, _, date, grams), (its_price, _, its_date, its_grams) = one.rank, other.rank
    return price <= its_price and date <= its_date and grams <= its_grams


def best_of(priced: Sequence[Priced]) -> dict[str, Priced]:
    """Which is the cheapest, the fastest, the greenest; ties go by price, then cost, date and carbon."""
    if not priced:
        return {}
    return {
        "cheapest": min(priced, key=lambda p: p.rank),
        "fastest": min(priced, key=lambda p: (p.rank[2], p.rank)),
        "greenest": min(priced, key=lambda p: (p.rank[3], p.rank)),
    }


def why_shown(one: Priced, best: dict[str, Priced], names: Sequence[str], currency: str) -> str:
    """In words: what an option is best in, and what that costs beside the cheapest; or how it differs from it."""
    cheapest = best["cheapest"]
    dearer, sooner_s = one.price_cents - cheapest.price_cents, cheapest.offer.deliver_by_s - one.offer.deliver_by_s
    lighter_g = cheapest.offer.co2e_g - one.offer.co2e_g
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    said = [f"{listed.capitalize()} of all"] if names else [_KINDS[one.offer.kind]]
    if one is not cheapest:
        if sooner_s:
            said.append(f"{_span(abs(sooner_s))} {'earlier' if sooner_s > 0 else 'later'} than the cheapest")
        if dearer:
            said.append(f"{dearer / 100:.2f} {currency} more")
        if lighter_g > 0 and "greenest" in names:
            said.append(f"{lighter_g} g CO2e less")
    return ", ".join(said) + "."


_KINDS = {
    OfferKind.HOME: "Another way home",
    OfferKind.SAME_DAY: "By courier",
    OfferKind.COLLECT: "All of it is in this store",
    OfferKind.TO_STORE: "Sent to this store",
    OfferKind.POINT: "At a pickup point",
}


def _span(seconds: int) -> str:
    """A time in words, in the largest unit of which there is one."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = rounded(seconds, size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} seconds"
