"""
Where events are delivered to: commands that make, change and end webhooks, and look after what could not be delivered.

They change no stock. Each is written into the audit trail, without the secret.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine.desk.ask import CONFLICT, CREATED, NOT_FOUND, DeskError, Planned, Wanted, answer
from engine.desk.documents import moment
from engine.desk.outbox import EventMark, event_id
from engine.desk.state import State
from engine.stock.ledger import Posting
from engine.stock.records import Record
from engine.stock.records_oms import Audit, Delivery, Webhook

WEBHOOKS_MAX = 100
AT_ONCE = 1_000  # dead letters that one call looks after


class WebhookDoc(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A webhook. Its secret is told once, when it is made or rotated."""

    webhook_id: str
    url: str
    types: list[str]  # none: all
    state: str  # active, paused, gone
    rotating: bool  # whether the secret before is still signed with
    waits_until: datetime | None  # it was out of reach: nothing is sent before
    created_at: datetime | None
    updated_at: datetime | None
    version: int
    secret: str | msgspec.UnsetType = msgspec.UNSET


class DeliveryDoc(msgspec.Struct, kw_only=True):
    """An event that a webhook has not taken: waiting for the next attempt, or dead."""

    webhook_id: str
    event_id: str
    event_no: int
    state: str
    attempts: int
    next_at: datetime | None
    last_status: int
    last_error: str


class DoneDoc(msgspec.Struct, kw_only=True):
    """How many things a call looked after, and whether there are more of them."""

    done: int
    more: bool


def webhook_doc(hook: Webhook, secret: str = "") -> WebhookDoc:
    """A webhook as it is told."""
    return WebhookDoc(
        webhook_id=hook.webhook_id,
        url=hook.url,
        types=hook.types.split(),
        state=hook.state,
        rotating=bool(hook.secret_before),
        waits_until=moment(hook.not_before_s),
        created_at=moment(hook.created_s),
        updated_at=moment(hook.updated_s),
        version=hook.version,
        secret=secret or msgspec.UNSET,
    )


def delivery_doc(delivery: Delivery) -> DeliveryDoc:
    """A delivery as it is told."""
    return DeliveryDoc(
        webhook_id=delivery.webhook_id,
        event_id=event_id(delivery.event_no),
        event_no=delivery.event_no,
        state=delivery.state,
        attempts=delivery.attempts,
        next_at=moment(delivery.next_s) if delivery.state == "waiting" else None,
        last_status=delivery.last_status,
        last_error=delivery.last_error,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    """What all of these commands have in common: they want nothing read, and know who calls."""

    webhook_id: str
    by: str = ""
    trace_id: str = ""

    def wanted(self) -> Wanted:
        """Nothing."""
        return Wanted()

    def hook(self, state: State) -> Webhook:
        """The webhook; DeskError where there is none."""
        found = state.ledger.get(Webhook, self.webhook_id)
        if found is None:
            raise DeskError("unknown", NOT_FOUND, f"Webhook ({self.webhook_id}) is unknown.", "list them all.")
        return found

    def audit(self, state: State, action: str, before: Webhook | None, after: Webhook | None) -> Audit:
        """The line of the audit trail."""
        texts = [msgspec.json.encode(webhook_doc(hook)).decode() if hook else "" for hook in (before, after)]
        return Audit(
            at_s=state.now_s,
            by=self.by,
            action=action,
            subject=self.webhook_id,
            before_json=texts[0],
            after_json=texts[1],
            trace_id=self.trace_id,
        )

    def changed(self, state: State, action: str, hook: Webhook, /, *, tell: str = "", **fields: Any) -> Planned:
        """A webhook with other fields."""
        fresh = msgspec.structs.replace(hook, **fields, updated_s=state.now_s, version=hook.version + 1)
        audit = self.audit(state, action, hook, fresh)
        return Planned(answer(webhook_doc(fresh, tell)), Posting(changes=[fresh], makes=[audit]))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhook(_Plain):
    """Deliver events to an address, from a place in their stream on."""

    url: str
    types: tuple[str, ...]
    secret: str
    after: EventMark
    name: str = "create_webhook"

    def plan(self, state: State) -> Planned:
        """Make it."""
        if len(state.ledger.find(Webhook, limit=WEBHOOKS_MAX)) >= WEBHOOKS_MAX:
            raise DeskError("too-many", CONFLICT, f"There are {WEBHOOKS_MAX} webhooks already.", "delete one.")
        hook = Webhook(
            webhook_id=self.webhook_id,
            url=self.url,
            types=" ".join(self.types),
            secret=self.secret,
            after_xid=self.after.xid,
            after_no=self.after.event_no,
            created_s=state.now_s,
            updated_s=state.now_s,
        )
        posting = Posting(makes=[hook, self.audit(state, "webhook.created", None, hook)])
        return Planned(answer(webhook_doc(hook, self.secret), CREATED), posting)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook(_Plain):
    """Another address, other types, paused or active again; None leaves as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    state: str | None = None
    if_version: int | None = None
    name: str = "change_webhook"

    def plan(self, state: State) -> Planned:
        """Change it; one that is made active again is tried at once."""
        hook = self.hook(state)
        if self.if_version is not None and self.if_version != hook.version:
            text = f"Webhook ({self.webhook_id}) is at version {hook.version}, not {self.if_version}."
            raise DeskError("version-conflict", 412, text, "read it again.")
        fields: dict[str, Any] = {}
        if self.url is not None:
            fields["url"] = self.url
        if self.types is not None:
            fields["types"] = " ".join(self.types)
        if self.state is not None:
            fields["state"] = self.state
        if self.state == "active" or self.url is not None:
            fields["not_before_s"] = 0
        return self.changed(state, "webhook.changed", hook, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret(_Plain):
    """Sign with a new secret and, until `RetireSecret`, with the one before as well."""

    secret: str
    name: str = "rotate_secret"

    def plan(self, state: State) -> Planned:
        """Put the new one beside the old one."""
        hook = self.hook(state)
        fields = {"secret": self.secret, "secret_before": hook.secret}
        return self.changed(state, "webhook.rotated", hook, tell=self.secret, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireSecret(_Plain):
    """Sign with the new secret only."""

    name: str = "retire_secret"

    def plan(self, state: State) -> Planned:
        """Forget the one before."""
        return self.changed(state, "webhook.secret-retired", self.hook(state), secret_before="")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropWebhook(_Plain):
    """End a webhook, with all that waits for it."""

    name: str = "drop_webhook"

    def plan(self, state: State) -> Planned:
        """Drop it."""
        hook = self.hook(state)
        waiting = state.ledger.find(Delivery, {"webhook_id": self.webhook_id}, limit=100_000)
        makes: list[Record] = [self.audit(state, "webhook.dropped", hook, None)]
        return Planned(answer(webhook_doc(hook)), Posting(drops=[hook, *waiting], makes=makes))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters(_Plain):
    """Try dead letters of a webhook again, or drop them: those of some events, or the oldest of all."""

    retry: bool
    event_nos: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The operation."""
        return "retry_letters" if self.retry else "drop_letters"

    def plan(self, state: State) -> Planned:
        """Put them up again with all their attempts, or drop them."""
        hook = self.hook(state)
        where: dict[str, Any] = {"webhook_id": self.webhook_id, "state": "dead"}
        if self.event_nos:
            where["event_no"] = self.event_nos
        found = state.ledger.find(Delivery, where, limit=AT_ONCE + 1)
        dead, more = found[:AT_ONCE], len(found) > AT_ONCE
        if not dead:
            raise DeskError("unknown", NOT_FOUND, f"Webhook ({self.webhook_id}) has no such dead letter.", "list them.")
        audit = self.audit(state, f"webhook.letters-{'retried' if self.retry else 'dropped'}", hook, hook)
        posting = Posting(makes=[audit])
        if self.retry:
            posting.changes = [
                msgspec.structs.replace(d, state="waiting", attempts=0, next_s=state.now_s, version=d.version + 1)
                for d in dead
            ]
        else:
            posting.drops = list(dead)
        return Planned(answer(DoneDoc(done=len(dead), more=more)), posting)
