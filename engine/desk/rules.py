"""What a desk goes by beside the policy of its decisions: how often it tries again, and how long it remembers."""

from dataclasses import dataclass

from engine.domain.errors import InputError

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    Limits and durations of a desk; the same in all processes of a ledger.

    ``resourcings_max`` is how often a reservation is decided anew after rejections before a person looks at it.
    ``not_found_s`` is how long a sku is not asked of a node where it was not found, whatever feeds say meanwhile.
    ``order_excluded_s`` is how long an order does not come back to a node that rejected it.
    """

    resourcings_max: int = 3
    not_found_s: int = DAY_S
    order_excluded_s: int = 60 * DAY_S
    pick_half_life_s: int = 30 * DAY_S  # after which a pick counts half for what is learnt of a node
    pick_prior_lines: int = 50  # as many lines at the network's average count with what a node has shown
    network_prior_lines: int = 200  # likewise of the network, at the average that it was read with
    learn_each_s: int = 3_600

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < (0 if name == "resourcings_max" else 1):
                raise InputError(f"Rule {name} ({getattr(self, name)}) of the desk is too small.", "1 is the least.")
