"""
The stock feed: many messages about stock rows, from a source that may send them late, twice and out of order.

What a message does to its row is the ledger's (engine/stock/counts.py). Here messages become counts, in chunks, so that
orders are decided in between; the view follows each chunk. What cannot be believed (an unknown node or sku, not a
number, less than nothing) is quarantined: kept, listed, and dismissed or applied later by a person. A row that has less
than is reserved afterwards opens a case that lists the holders.

Changes without numbers apply once, too, where the call has a key: each transaction remembers what it did with it, so
that a call that broke off, and is repeated, goes on where it was. What follows from counts (cases, quarantine) comes
to the same when it is done again, and is done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engine.desk.ask import UNPROCESSABLE, DeskError, KeyAsked
from engine.desk.book import EXCLUSIONS
from engine.desk.desk import Desk
from engine.desk.exceptions import short_case
from engine.desk.state import State
from engine.domain.errors import InputError
from engine.domain.units import epoch_s
from engine.network.live import ON_HAND_MAX
from engine.stock.ledger import Count, Counted, CountResult, Ledger, Once, Posting, key_parts, stock_key
from engine.stock.records import IdempotencyKey, Record
from engine.stock.records_oms import Exclusion, Quarantined

CHUNK = 10_000  # messages of one transaction, some 0.2 s
BLAND = (CountResult.APPLIED, CountResult.REPEATED, CountResult.LATE)
_LETTERS = {"a": CountResult.APPLIED, "r": CountResult.REPEATED, "l": CountResult.LATE, "q": CountResult.QUARANTINED}
_LETTER_OF = {result: letter for letter, result in _LETTERS.items()}


class Message(msgspec.Struct, frozen=True, gc=False):
    """A line of a feed: a count (``on_hand``) or a change (``units``) of a stock row."""

    node: str
    sku: str
    on_hand: int | None = None
    units: int | None = None
    seq: int | None = None
    counted_at: datetime | None = None


class Refused(NamedTuple):
    """A line that is not believed. ``row`` counts the lines of a batch from 1."""

    row: int
    field: str
    value: str
    problem: str
    hint: str
    raw: str


class FeedReport(NamedTuple):
    """What a batch did: how many lines of each result, the result of each line in order, and what was refused."""

    numbers: dict[str, int]
    results: list[str]
    refused: list[Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Lines of one upload: (number of the line, message), and lines that could not be read."""

    source: str
    batch: str
    rows: Sequence[int]
    messages: Sequence[Message]
    refused: Sequence[Refused] = ()


def apply_feed(desk: Desk, batch: Batch, *, now_s: int, chunk: int = CHUNK, call: KeyAsked | None = None) -> FeedReport:
    """
    Apply a batch, chunk by chunk; called by any thread but the desk's.

    A batch that broke off may be sent again: numbered messages are applied once, counts come to the same, and so do
    changes without number where it is the same `call`.
    """
    refused = list(batch.refused)
    results: dict[int, str] = {}
    for first in range(0, len(batch.messages), chunk):
        rows, messages = batch.rows[first : first + chunk], batch.messages[first : first + chunk]
        good, counts, bad = _counts(desk.state, rows, messages)
        refused += bad
        counted = _count_once(desk, counts, now_s, batch.source, call, f"{first}+{chunk}")
        if len(counted.results) != len(good):  # the network knows other rows than when the call broke off
            raise DeskError("too-old", 409, "The call cannot go on where it broke off.", "send its rest as a new call.")
        for row, message, result in zip(good, _picked(messages, rows, good), counted.results, strict=True):
            results[row] = result.value
            if result == CountResult.QUARANTINED:
                refused.append(_impossible(row, message))
        _take(desk, counted)
        _tell(desk, counts, counted.results, now_s)
    for line in refused:
        results[line.row] = CountResult.QUARANTINED.value
    if refused:
        records = [_record(batch, line, now_s) for line in refused]
        desk.ledger.post([Posting(puts=list[Record](records))], now_s)
    ordered = [results[row] for row in sorted(results)]
    names, numbers = np.unique(ordered, return_counts=True) if ordered else ((), ())
    return FeedReport(dict(zip(map(str, names), map(int, numbers), strict=True)), ordered, sorted(refused))


def _count_once(
    desk: Desk, counts: Sequence[Count], now_s: int, source: str, call: KeyAsked | None, part: str
) -> Counted:
    """Count; where this part of the call was counted before, the results of that time."""
    if call is None:
        return desk.ledger.count(counts, now_s, source)
    scope, name = _part(call, part)

    def remembered(results: Sequence[CountResult]) -> list[Record]:
        if CountResult.CHANGED in results:
            return []  # nothing was done
        body = "".join(_LETTER_OF[result] for result in results)
        said = call.fingerprint
        return [IdempotencyKey(scope=scope, key=name, fingerprint=said, status=200, body=body, created_s=now_s)]

    counted = desk.ledger.count(counts, now_s, source, once=Once([(scope, name)], remembered))
    if not counted.answered:
        return counted
    known = _same_payload(counted.answered[0], call)
    return counted._replace(results=[_LETTERS[letter] for letter in known.body])


def _picked(messages: Sequence[Message], rows: Sequence[int], good: Sequence[int]) -> Sequence[Message]:
    """The messages of the good rows."""
    if len(good) == len(messages):
        return messages
    wanted = set(good)
    return [message for row, message in zip(rows, messages, strict=True) if row in wanted]


def _counts(
    state: State, rows: Sequence[int], messages: Sequence[Message]
) -> tuple[Sequence[int], list[Count], list[Refused]]:
    """Messages as counts, with the lines they are of; and what is wrong with the others."""
    node_of, sku_of = state.node_numbers.get, state.sku_numbers.get
    nodes = [node_of(message.node, -1) for message in messages]
    skus = [sku_of(message.sku, -1) for message in messages]
    counts: list[Count] = []
    good: list[int] = []
    bad: list[Refused] = []
    for row, message, node_no, sku_no in zip(rows, messages, nodes, skus, strict=True):
        on_hand, units = message.on_hand, message.units
        fine = 0 <= on_hand <= ON_HAND_MAX if on_hand is not None else units is not None and abs(units) <= ON_HAND_MAX
        if node_no < 0 or sku_no < 0 or not fine or (on_hand is not None and units is not None):
            bad.append(_wrong(row, message, node_no, sku_no))
            continue
        counted_at = message.counted_at
        when = None if counted_at is None else epoch_s(counted_at)
        counts.append(Count(stock_key(sku_no, node_no), on_hand, units, message.seq, when))
        good.append(row)
    return good, counts, bad


def _wrong(row: int, message: Message, node_no: int, sku_no: int) -> Refused:
    """What is wrong with a message."""
    raw = msgspec.json.encode(message).decode()
    if node_no < 0:
        return Refused(row, "node", message.node, "Node is unknown.", "add it to the network; case counts.", raw)
    if sku_no < 0:
        return Refused(row, "sku", message.sku, "Sku is unknown.", "add it to the network; case counts.", raw)
    if message.on_hand is not None and message.units is not None:
        return Refused(row, "units", str(message.units), "Both on_hand and units are given.", "give one of them.", raw)
    if message.on_hand is None and message.units is None:
        return Refused(row, "on_hand", "", "Neither on_hand nor units is given.", "give one of them.", raw)
    field, value = ("on_hand", message.on_hand) if message.on_hand is not None else ("units", message.units)
    return Refused(row, field, str(value), f"Units are not within 0 and {ON_HAND_MAX}.", "count again.", raw)


def _impossible(row: int, message: Message) -> Refused:
    """A change that would leave less than nothing, or more than a row can hold."""
    field, value = ("on_hand", message.on_hand) if message.on_hand is not None else ("units", message.units)
    raw = msgspec.json.encode(message).decode()
    text = f"It would make the units on hand less than 0, or more than {ON_HAND_MAX}."
    return Refused(row, field, str(value), text, "send a count of the row.", raw)


def _record(batch: Batch, line: Refused, now_s: int) -> Quarantined:
    problem = f"{line.field} ({line.value}): {line.problem} Maybe {line.hint}"
    return Quarantined(
        source=batch.source, batch=batch.batch, row=line.row, problem=problem, raw=line.raw, received_s=now_s
    )


def _take(desk: Desk, counted: Counted) -> None:
    """Let the view follow, and open cases of rows that have less than is reserved."""
    if counted.seq < 0 and not counted.answered:
        return
    table = np.array(counted.stock, dtype=np.int64).reshape(-1, 3)
    if counted.seq >= 0:
        desk.run(lambda state: state.view.set_counted(table, counted.seq))
    for key, on_hand, reserved in table[table[:, 1] < table[:, 2]].tolist():
        case = short_case(desk.state, key, on_hand, reserved, "count")
        if case is not None:
            desk.ledger.post([case], desk.state.now_s)


def _tell(desk: Desk, counts: Sequence[Count], results: Sequence[CountResult], now_s: int) -> None:
    """Let the view know how fresh its rows are; a count that finds what was known is news, too."""
    told = {
        count.key: now_s if count.counted_s is None else min(now_s, count.counted_s)
        for count, result in zip(counts, results, strict=True)
        if result == CountResult.APPLIED
    }
    if told:
        desk.run(lambda state: state.view.tell(list(told), list(told.values())))


def set_on_hand(
    desk: Desk,
    *,
    node: str,
    sku: str,
    on_hand: int,
    now_s: int,
    seq: int | None = None,
    if_seq: int | None = None,
    call: KeyAsked | None = None,
) -> Counted:
    """
    Set the count of one row, as somebody has just counted it: the sku is asked there again, if it was not.

    Parameters
    ----------
    if_seq
        Only where nobody changed the row since: its version that the caller saw. DeskError where somebody did.
    call
        Is counted once, however often it is sent.
    """
    state = desk.state
    key = stock_key(state.sku_no(sku), state.node_no(node))
    if not 0 <= on_hand <= ON_HAND_MAX:
        raise InputError(f"on_hand ({on_hand}) is not within 0 and {ON_HAND_MAX}.", "count again.")
    message = Count(key, on_hand, None, seq, now_s, if_seq)
    counted = _count_once(desk, [message], now_s, "person", call, "row")
    if CountResult.CHANGED in counted.results:
        text = f"Node ({node}) and sku ({sku}) were changed meanwhile."
        raise DeskError("version", 412, text, "read the row again.")
    _take(desk, counted)
    _tell(desk, [message], counted.results, now_s)
    if key in state.book.blocked.rows:
        sku_no, node_no = key_parts(key)
        lifted = Exclusion(order_id="", node_no=node_no, sku_no=sku_no, until_s=now_s, reason="counted")
        desk.ledger.post([Posting(drops=[lifted], notices=[EXCLUSIONS])], now_s)
        desk.run(lambda state: state.book.block(state, rows={key: 0}))
    return counted


def list_quarantined(
    ledger: Ledger, *, states: Sequence[str] = ("open",), after: tuple[Any, ...] | None = None, limit: int = 100
) -> tuple[list[Quarantined], tuple[Any, ...] | None]:
    """Lines that were not believed, and where the next page begins (None: there is none)."""
    found = ledger.find(Quarantined, {"state": tuple(states)}, order=("received_s",), after=after, limit=limit)
    last = found[-1] if len(found) == limit else None
    return found, None if last is None else (last.received_s, last.source, last.batch, last.row)


def settled_before(desk: Desk, call: KeyAsked) -> FeedReport | None:
    """What became of a call that settled lines already, though it was never answered."""
    known = desk.ledger.get(IdempotencyKey, *_part(call, "settled"))
    return None if known is None else msgspec.json.decode(_same_payload(known, call).body, type=FeedReport)


def settle_quarantined(
    desk: Desk, lines: Sequence[Quarantined], *, apply: bool, now_s: int, call: KeyAsked | None = None
) -> FeedReport:
    """
    Dismiss quarantined lines, or apply them now that the network knows their node and sku.

    Lines that are still not believed stay open; so does one that is no message at all. A line is applied once, and
    marked in the same transaction, whoever else settles it at that moment.
    """
    if not apply:
        report = FeedReport({"dismissed": len(lines)}, ["dismissed"] * len(lines), [])
        changes = [msgspec.structs.replace(line, state="dismissed", version=line.version + 1) for line in lines]
        keys = [Posting(puts=_settled(call, report, now_s))] if call is not None else []
        desk.ledger.post([*(Posting(changes=[change]) for change in changes), *keys], now_s)
        return report
    readable: list[tuple[int, Message]] = []
    for at, line in enumerate(lines):
        try:
            readable.append((at, msgspec.json.decode(line.raw, type=Message)))
        except msgspec.DecodeError:
            continue
    rows = [at for at, _ in readable]
    good, counts, bad = _counts(desk.state, rows, [message for _, message in readable])
    left = dict(zip(good, counts, strict=True))
    found: dict[int, CountResult] = {}

    def report_of(results: dict[int, CountResult]) -> FeedReport:
        ordered = [results.get(at, CountResult.QUARANTINED).value for at in range(len(lines))]
        return FeedReport({name: ordered.count(name) for name in sorted(set(ordered))}, ordered, bad)

    def together(results: Sequence[CountResult]) -> list[Record]:
        known = found | dict(zip(left, results, strict=True))
        done = [at for at in left if known[at] in BLAND]
        marks: list[Record] = [
            msgspec.structs.replace(lines[at], state="applied", version=lines[at].version + 1) for at in done
        ]
        marks += [_line_key(lines[at], now_s) for at in done]
        return marks if call is None else [*marks, *_settled(call, report_of(known), now_s)]

    while True:
        names = {(one.scope, one.key): at for at in left if (one := _line_key(lines[at], now_s))}
        more = [_part(call, "settled")] if call is not None else []
        counted = desk.ledger.count(list(left.values()), now_s, "quarantine", once=Once([*names, *more], together))
        _take(desk, counted)
        if not counted.answered:
            _tell(desk, list(left.values()), counted.results, now_s)
            return report_of(found | dict(zip(left, counted.results, strict=True)))
        for one in counted.answered:
            there = names.get((one.scope, one.key))
            if there is None:
                assert call is not None, "only a call is remembered"
                return msgspec.json.decode(_same_payload(one, call).body, type=FeedReport)
            del left[there]  # somebody else has applied it
            found[there] = CountResult.REPEATED


def _line_key(line: Quarantined, now_s: int) -> IdempotencyKey:
    """Remembers that a quarantined line was applied."""
    name = f"{line.source}/{line.batch}/{line.row}"
    return IdempotencyKey(scope="quarantined line", key=name, fingerprint="", status=200, body="", created_s=now_s)


def _settled(call: KeyAsked, report: FeedReport, now_s: int) -> list[Record]:
    scope, name = _part(call, "settled")
    body = msgspec.json.encode(report).decode()
    return [IdempotencyKey(scope=scope, key=name, fingerprint=call.fingerprint, status=200, body=body, created_s=now_s)]


def _part(call: KeyAsked, part: str) -> tuple[str, str]:
    """Under which name a part of a call is remembered."""
    return f"{call.scope} parts", f"{call.key} {part}"


def _same_payload(known: IdempotencyKey, call: KeyAsked) -> IdempotencyKey:
    """What is remembered of a call; raises DeskError where its key was used for something else."""
    if known.fingerprint != call.fingerprint:
        text = f"Idempotency-Key ({call.key}) was used for another payload."
        raise DeskError("idempotency-payload", UNPROCESSABLE, text, "give each call its own key.")
    return known
