"""
What a message of the stock feed does to a row, though messages come late, twice and out of order.

A source numbers its messages about a row in the order in which they were true. A count holds all that was true up to
its number; changes with greater numbers are added to it, each once. So whatever order they arrive in, the row ends as
if they had come in theirs:

    on hand = latest count + changes numbered after it + what left and came back through us after it was counted

Messages without a number are taken as they come. Numbers of different sources say nothing about each other.

A source that sends changes only, and never a count, would have us keep all of them. After LATER_MAX of them the lowest
is taken for covered, as if it had been a count: what comes with a number below it is too late.
"""

from collections.abc import Mapping
from typing import NamedTuple

from engine.stock.ledger import Count, CountResult

MOST = 2**31 - 1
LATER_MAX = 1_000


class Row(NamedTuple):
    """
    What is known of a row.

    ``counted`` is the number of the latest numbered count of the message's source, ``later`` the units of its numbered
    changes after that, by number.
    """

    on_hand: int
    counted: int | None
    later: Mapping[int, int]


def applied(row: Row, message: Count, moved_since: int = 0) -> tuple[CountResult, Row]:
    """
    The row after a message, and what the message did.

    Parameters
    ----------
    row
        Before.
    message
        A count or a change.
    moved_since
        Units that left (below 0) or came back through us since `message.counted_s`.
    """
    seq, counted = message.seq, row.counted
    if message.on_hand is not None:
        if seq is not None and counted is not None and seq <= counted:
            return (CountResult.REPEATED if seq == counted else CountResult.LATE), row
        if message.on_hand < 0:
            return CountResult.QUARANTINED, row
        later = row.later
        on_hand = message.on_hand + moved_since
        if seq is not None and later:
            later = {n: units for n, units in later.items() if n > seq}
            on_hand += sum(later.values())
        after = Row(on_hand, counted if seq is None else seq, later)
    else:
        assert message.units is not None, "a message has a count or a change"
        if seq is not None and counted is not None and seq <= counted:
            return CountResult.LATE, row
        if seq is not None and seq in row.later:
            return CountResult.REPEATED, row
        later = row.later if seq is None else {**row.later, seq: message.units}
        if len(later) > LATER_MAX:
            counted = min(later)
            later = {n: units for n, units in later.items() if n != counted}
        after = Row(row.on_hand + message.units, counted, later)
    if not 0 <= after.on_hand <= MOST:
        return CountResult.QUARANTINED, row
    return CountResult.APPLIED, after
