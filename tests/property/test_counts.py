"""The stock feed ends where it would have ended in the true order, in whatever order its messages arrive."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.stock.counts import Row, applied
from engine.stock.ledger import Count, CountResult
from tests.examples import examples

START = 10_000  # more than all changes of a case take
MESSAGES = st.lists(
    st.tuples(st.booleans(), st.integers(-50, 50), st.integers(1, 30)), max_size=12, unique_by=lambda m: m[2]
)


def message(is_count: bool, units: int, seq: int) -> Count:
    return Count(1, START + units, None, seq) if is_count else Count(1, None, units, seq)


@settings(max_examples=examples(400))
@given(MESSAGES, st.data())
def test_late_repeated_and_mixed_up_messages_end_like_the_true_order(
    drawn: list[tuple[bool, int, int]], data: st.DataObject
) -> None:
    messages = [message(*values) for values in drawn]
    on_hand = START
    for one in sorted(messages, key=lambda m: m.seq or 0):
        on_hand = one.on_hand if one.on_hand is not None else on_hand + (one.units or 0)
    arriving = data.draw(
        st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=6)) if messages else [])
    )
    row = Row(START, None, {})
    seen: set[int] = set()
    for one in arriving:
        result, row = applied(row, one)
        assert one.seq is not None
        assert result != CountResult.APPLIED or one.seq not in seen
        seen.add(one.seq)
    assert row.on_hand == on_hand
    assert row.counted == max((m.seq or 0 for m in messages if m.on_hand is not None), default=None)
    assert all(row.counted is None or seq > row.counted for seq in row.later)


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.booleans(), st.integers(-9, 9), st.none() | st.integers(1, 9)), max_size=20))
def test_a_row_never_holds_less_than_nothing_and_what_is_refused_leaves_it_alone(
    drawn: list[tuple[bool, int, int | None]],
) -> None:
    row = Row(3, None, {})
    for is_count, units, seq in drawn:
        before = row
        result, row = applied(row, Count(1, units, None, seq) if is_count else Count(1, None, units, seq))
        assert row.on_hand >= 0
        assert result == CountResult.APPLIED or row is before
