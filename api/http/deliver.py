"""
Delivers events to webhooks, at least once, signed as Standard Webhooks say; `webhook-id` tells repeated ones.

Every process works on all webhooks; whoever leases one (a conditional update of its record) delivers to it alone.
Events go out in their order; of different subjects several at once, of one subject one after the other, also while an
earlier one of it is waiting to be tried again. A receiver that is out of reach or asks for time makes the whole webhook
wait.

What became of a batch is posted in one transaction that moves the webhook's mark beyond it and keeps a `Delivery` of
each event that was not taken; a process that dies before delivers the batch again, under the same ids.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import httpx
import msgspec
import numpy as np
from standardwebhooks import Webhook as Signer

from api.http.targets import Resolve, TargetError, resolve, target_of
from engine.desk.outbox import EventMark, cloud_event, event_id, mark_of, page
from engine.domain.units import utc
from engine.stock.ledger import Ledger, LedgerBusyError, Posting
from engine.stock.records import EventRecord
from engine.stock.records_oms import Delivery, Webhook

MINUTE_S, HOUR_S = 60, 3_600
BACKOFF_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, *(hours * HOUR_S for hours in (2, 5, 10, 14, 20, 24)))
JITTER = 0.2  # of a wait, up or down
BATCH = 100  # events
AT_ONCE = 16  # subjects of a webhook
TIMEOUT_S = 20.0
LEASE_S = 90  # longer than a batch takes: what has not begun after WORK_S waits for the next one
WORK_S = 45.0
POLL_S = 0.5
ANSWER_BYTES_MAX = 65_536
ERROR_MAX = 200
THROTTLED = frozenset((429, 502, 503, 504))
GONE = 410


class Result(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # this event was not taken
    OUT_OF_REACH = "out_of_reach"  # the receiver takes nothing now
    GONE = "gone"  # it wants nothing any more
    DEAD = "dead"  # refused for the last time


class Tried(NamedTuple):
    """An attempt: what became of it, the answer's status, why, and the seconds that the receiver asked for."""

    result: Result
    status: int = 0
    error: str = ""
    retry_after_s: int = 0


class Item(NamedTuple):
    """An event to deliver, and what is known of earlier attempts."""

    event: EventRecord
    before: Delivery | None


class Batch(NamedTuple):
    """What a process has leased: the webhook, the events due, how far the mark goes, what just waits on."""

    hook: Webhook
    items: list[Item]
    mark: EventMark
    blocked: dict[str, int]  # subject: when an earlier event of it is tried again
    vanished: list[Delivery]  # of events that are no longer kept


def delay_s(seed: int, webhook_id: str, event_no: int, attempts: int) -> int | None:
    """Seconds until the next attempt after so many, None after the last one; jitter is drawn from the seed."""
    if attempts > len(BACKOFF_S):
        return None
    rng = np.random.default_rng([seed, zlib.crc32(webhook_id.encode()), event_no, attempts])
    return max(1, round(BACKOFF_S[attempts - 1] * (1 + JITTER * (2 * rng.random() - 1))))


def signed(hook: Webhook, message_id: str, body: str, now_s: int) -> dict[str, str]:
    """The headers of a delivery; while secrets are rotated there is a signature by each."""
    secrets = [hook.secret, hook.secret_before] if hook.secret_before else [hook.secret]
    return {
        "content-type": "application/cloudevents+json",
        "user-agent": "sourcewise-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, utc(now_s), body) for secret in secrets),
    }


class Deliverer:
    """
    Delivers as long as it runs.

    Parameters
    ----------
    ledger
        Events, webhooks and what is still to be delivered.
    clock_s
        Now, in epoch seconds.
    source
        Of the events, a URI.
    owner
        The name of this process, unlike that of any other.
    seed
        Of the jitter.
    private
        Whether receivers may be inside our own network.
    told
        Is told of every attempt.
    timeout_s, poll_s
        Of an attempt; how often the ledger is looked at while nothing happens.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        clock_s: Callable[[], int],
        source: str,
        owner: str,
        seed: int = 0,
        private: bool = False,
        told: Callable[[Result], None] = lambda result: None,
        timeout_s: float = TIMEOUT_S,
        poll_s: float = POLL_S,
        lookup: Resolve = resolve,
    ) -> None:
        self.ledger = ledger
        self.clock_s = clock_s
        self.source = source
        self.owner = owner
        self.seed = seed
        self.private = private
        self.told = told
        self.timeout_s = timeout_s
        self.poll_s = poll_s
        self.lookup = lookup
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Deliver until `close`."""
        while not self._closing.is_set():
            try:
                worked = await self.round()
            except LedgerBusyError:
                worked = 0
            if not worked:
                await _until(self._closing, self.poll_s)

    def close(self) -> None:
        """Let batches that are under way end, then stop."""
        self._closing.set()

    async def round(self) -> int:
        """Look at every webhook once; returns how many events were tried."""
        hooks = await asyncio.to_thread(self.ledger.find, Webhook, {"state": "active"}, limit=1_000)
        return sum(await asyncio.gather(*(self._serve(hook) for hook in hooks)))

    async def attempt(self, hook: Webhook, message_id: str, body: bytes) -> Tried:
        """Send one message now."""
        try:
            async with asyncio.timeout(self.timeout_s), self._client() as client:
                return await self._send(client, hook, message_id, body)
        except TimeoutError:
            return Tried(Result.OUT_OF_REACH, 0, f"No answer within {self.timeout_s:g} s.")

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        return httpx.AsyncClient(timeout=self.timeout_s, follow_redirects=False, trust_env=False, limits=limits)

    async def _serve(self, hook: Webhook) -> int:
        now_s = self.clock_s()
        leased = hook.lease_until_s > now_s and hook.leased_by != self.owner
        if leased or hook.not_before_s > now_s:
            return 0
        batch = await asyncio.to_thread(self._lease, hook, now_s)
        if batch is None:
            return 0
        tried = await self._send_all(batch)
        await asyncio.to_thread(self._settle, batch, tried)
        return len(batch.items)

    def _lease(self, hook: Webhook, now_s: int) -> Batch | None:
        """What is due for a webhook, leased to this process; None for nothing, or where another was faster."""
        ledger, mine = self.ledger, {"webhook_id": hook.webhook_id, "state": "waiting"}
        due = ledger.find(Delivery, {**mine, "next_s__le": now_s}, order=("event_no",), limit=BATCH)
        fresh = page(ledger, EventMark(hook.after_xid, hook.after_no), limit=BATCH)
        if not due and not fresh:
            return None
        mark = mark_of(fresh[-1]) if fresh else EventMark(hook.after_xid, hook.after_no)
        wanted = frozenset(hook.types.split())
        fresh = [event for event in fresh if not wanted or event.type in wanted]
        until_s = now_s + (LEASE_S if due or fresh else 0)
        taken = msgspec.structs.replace(hook, leased_by=self.owner, lease_until_s=until_s, version=hook.version + 1)
        if not due and not fresh:  # nothing for this one; its mark moves on
            taken = msgspec.structs.replace(taken, after_xid=mark.xid, after_no=mark.event_no)
        (outcome,) = ledger.post([Posting(changes=[taken])], now_s).outcomes
        if outcome.conflict is not None or not (due or fresh):
            return None
        later = ledger.find(Delivery, {**mine, "next_s__gt": now_s}, order=("next_s",), limit=1_000)
        events = {e.event_no: e for e in ledger.get_many(EventRecord, [(d.event_no,) for d in (*due, *later)])}
        blocked = {events[d.event_no].subject: d.next_s for d in later if d.event_no in events}
        items = [Item(events[d.event_no], d) for d in due if d.event_no in events]
        items += [Item(event, None) for event in fresh]
        items.sort(key=lambda item: item.event.event_no)
        return Batch(taken, items, mark, blocked, [d for d in due if d.event_no not in events])

    async def _send_all(self, batch: Batch) -> dict[int, Tried]:
        """Try the events of a batch; those that are missing in the result were not tried."""
        hook = batch.hook
        by_subject: dict[str, list[Item]] = {}
        for item in batch.items:
            if item.event.subject not in batch.blocked or item.before is not None:
                by_subject.setdefault(item.event.subject or event_id(item.event.event_no), []).append(item)
        tried: dict[int, Tried] = {}
        stop = asyncio.Event()
        places = asyncio.Semaphore(AT_ONCE)
        loop = asyncio.get_running_loop()
        ends = loop.time() + WORK_S

        async def send_in_turn(client: httpx.AsyncClient, items: Sequence[Item]) -> None:
            async with places:
                for item in items:
                    if stop.is_set() or loop.time() > ends:
                        return
                    body = cloud_event(item.event, self.source)
                    try:
                        async with asyncio.timeout(self.timeout_s):
                            result = await self._send(client, hook, event_id(item.event.event_no), body)
                    except TimeoutError:
                        result = Tried(Result.OUT_OF_REACH, 0, f"No answer within {self.timeout_s:g} s.")
                    tried[item.event.event_no] = result
                    if result.result in (Result.OUT_OF_REACH, Result.GONE):
                        stop.set()
                    if result.result != Result.DELIVERED:
                        return  # what follows about this subject waits for it

        groups = list(by_subject.values())
        async with self._client() as client:
            if hook.not_before_s and groups:  # it was out of reach: one knock before all come in
                head, *rest = groups[0]
                await send_in_turn(client, [head])
                delivered = tried[head.event.event_no].result == Result.DELIVERED
                groups[0] = rest if delivered else []
            await asyncio.gather(*(send_in_turn(client, items) for items in groups))
        return tried

    async def _send(self, client: httpx.AsyncClient, hook: Webhook, message_id: str, body: bytes) -> Tried:
        try:
            target = await target_of(hook.url, private=self.private, lookup=self.lookup)
            headers = {**signed(hook, message_id, body.decode(), self.clock_s()), "host": target.host}
            request = client.build_request(
                "POST", target.url, content=body, headers=headers, extensions={"sni_hostname": target.sni}
            )
            response = await client.send(request, stream=True)
            try:
                await _read_some(response)
            finally:
                await response.aclose()
        except TargetError as error:
            return Tried(Result.OUT_OF_REACH, 0, str(error)[:ERROR_MAX])
        except httpx.TimeoutException:
            return Tried(Result.OUT_OF_REACH, 0, f"No answer within {self.timeout_s:g} s.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Tried(Result.OUT_OF_REACH, 0, f"{type(error).__name__}: {error}"[:ERROR_MAX])
        status = response.status_code
        if response.is_success:
            return Tried(Result.DELIVERED, status)
        if status == GONE:
            return Tried(Result.GONE, status, "The receiver wants no more.")
        if status in THROTTLED:
            return Tried(Result.OUT_OF_REACH, status, f"Answered {status}.", _seconds(response))
        return Tried(Result.REFUSED, status, f"Answered {status}.")

    def _settle(self, batch: Batch, tried: dict[int, Tried]) -> None:
        """Post what became of a batch; the webhook may have been changed or dropped meanwhile."""
        now_s = self.clock_s()
        drops, kept, not_before_s = self._after(batch, tried, now_s)
        gone = any(one.result == Result.GONE for one in tried.values())
        ended = {"after_xid": batch.mark.xid, "after_no": batch.mark.event_no, "lease_until_s": 0}
        hook: Webhook | None = batch.hook
        for _ in range(5):
            hook = self.ledger.get(Webhook, batch.hook.webhook_id)
            if hook is None or hook.leased_by != self.owner:
                return  # dropped; or taken over by another process, which delivers all of it again
            fields: dict[str, Any] = {**ended, "not_before_s": not_before_s, "version": hook.version + 1}
            if gone:
                fields |= {"state": "gone", "updated_s": now_s}
            posting = Posting(changes=[msgspec.structs.replace(hook, **fields)], puts=list(kept), drops=list(drops))
            (outcome,) = self.ledger.post([posting], now_s).outcomes
            if outcome.conflict is None:
                return

    def _after(self, batch: Batch, tried: dict[int, Tried], now_s: int) -> tuple[list[Delivery], list[Delivery], int]:
        """Deliveries to drop, those to keep, and until when the webhook waits."""
        drops, kept, not_before_s = list(batch.vanished), [], 0
        blocked, hook_id = dict(batch.blocked), batch.hook.webhook_id
        for item in batch.items:
            number, subject = item.event.event_no, item.event.subject
            one = tried.get(number)
            if one is not None:
                self.told(one.result)
            known = item.before or Delivery(
                webhook_id=batch.hook.webhook_id, event_no=number, state="waiting", next_s=0
            )
            if one is None:  # not tried: as soon as what stands before it has been
                again_s = max(now_s, blocked.get(subject, 0) if subject else 0)
                kept.append(msgspec.structs.replace(known, next_s=again_s, version=known.version + 1))
            elif one.result == Result.DELIVERED:
                if item.before is not None:
                    drops.append(item.before)
            else:
                attempts = known.attempts + 1
                wait_s = delay_s(self.seed, hook_id, number, attempts)
                next_s = now_s + max(wait_s or 0, one.retry_after_s)
                if wait_s is None:
                    self.told(Result.DEAD)
                elif subject:
                    blocked[subject] = next_s
                if one.result == Result.OUT_OF_REACH:
                    not_before_s = max(
                        not_before_s, now_s + one.retry_after_s, next_s if wait_s else now_s + BACKOFF_S[1]
                    )
                kept.append(
                    msgspec.structs.replace(
                        known,
                        state="waiting" if wait_s is not None else "dead",
                        attempts=attempts,
                        next_s=next_s,
                        last_status=one.status,
                        last_error=one.error,
                        version=known.version + 1,
                    )
                )
        return drops, kept, not_before_s


def test_message(webhook_id: str, source: str, now_s: int) -> bytes:
    """What a receiver is sent to try it."""
    record = EventRecord(
        event_no=0, type="webhook.test.v1", subject=webhook_id, at_s=now_s, data_json=json.dumps({"test": True})
    )
    return cloud_event(record, source)


async def _read_some(response: httpx.Response) -> None:
    """Read the answer away so that the connection may be used again; a large one is not worth it."""
    read = 0
    async for chunk in response.aiter_raw():
        read += len(chunk)
        if read > ANSWER_BYTES_MAX:
            return


def _seconds(response: httpx.Response) -> int:
    text = response.headers.get("retry-after", "")
    return min(int(text), BACKOFF_S[-1]) if text.isascii() and text.isdigit() and len(text) < 9 else 0


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
