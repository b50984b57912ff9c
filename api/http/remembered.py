"""
Calls that are no single posting of the desk: stock feeds, counts, what is done with quarantined lines.

Each of their transactions remembers what it did with the call's key, so that none is done twice. The whole answer is
remembered after they are done; where a process dies in between, who repeats the call has it put together again.
"""

import asyncio
from collections.abc import Callable

from api.http.call import Call, Ready
from api.http.problems import HttpProblemError
from engine.desk.ask import Answer, KeyAsked
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import IdempotencyKey


async def remembered(call: Call, work: Callable[[], Answer], *, etag: bool = False) -> Ready:
    """Have something done beside the loop, once per Idempotency-Key; its answer is the same for who repeats it."""
    key, services = call.key, call.services
    assert key is not None, "the call changes something"
    call.require_room()
    services.running.begin(key)
    now_s = call.now_s
    task = asyncio.create_task(asyncio.to_thread(_once, services.desk.ledger, call, work, now_s))
    task.add_done_callback(lambda _: services.running.end(key))
    limit_ms = min(call.time_ms or services.settings.bulk_ms_max, services.settings.bulk_ms_max)
    try:
        answer = await asyncio.wait_for(asyncio.shield(task), limit_ms / 1000)
    except TimeoutError:
        task.add_done_callback(_looked_at)
        text = f"There was no answer within {limit_ms} ms; it may still be done."
        raise HttpProblemError("deadline-exceeded", text) from None
    return call.sent(answer, etag=etag)


def _looked_at(task: "asyncio.Task[Answer]") -> None:
    """Nobody waits any more: what it raised is told to who repeats the call."""
    if not task.cancelled():
        task.exception()


def _once(ledger: Ledger, call: Call, work: Callable[[], Answer], now_s: int) -> Answer:
    key = call.key
    assert key is not None, "the call changes something"
    known = ledger.get(IdempotencyKey, key.scope, key.key)
    if known is not None:
        return _told(known, key)
    answer = work()
    record = IdempotencyKey(
        scope=key.scope,
        key=key.key,
        fingerprint=key.fingerprint,
        status=answer.status,
        body=answer.body.decode(),
        created_s=now_s,
    )
    (outcome,) = ledger.post([Posting(key=record)], now_s).outcomes
    if outcome.answered is None:
        return answer
    return _told(outcome.answered, key)  # another process was as fast


def _told(known: IdempotencyKey, key: KeyAsked) -> Answer:
    """What was answered before; raises HttpProblemError where the key was used for something else."""
    if known.fingerprint != key.fingerprint:
        raise HttpProblemError("idempotency-payload", f"Idempotency-Key ({key.key}) was used for another payload.")
    return Answer(known.status, known.body.encode(), replayed=True)
