"""Bodies about stock, what is due, what is held back, and settings."""

from dataclasses import fields
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from api.http.models.words import Body, Count, Id, Moment, Units, Word
from engine.desk.capacity import DayLimits, SetCapacity, SlotLimits
from engine.desk.inbound import AdjustStock, PutLot, ReceiveLot, SetHeldBack
from engine.desk.settings import NodeChanges, PutPolicy, SetNode, SetSku
from engine.domain.errors import InputError
from engine.domain.policy import Policy
from engine.domain.units import epoch_s

NUMBER_MAX = 1_000_000_000
OnHand = Annotated[int, Field(ge=0, le=2_000_000_000)]
Limit = Annotated[int, Field(ge=-1, le=2_000_000_000)]


class CountIn(Body):
    """What was counted on the shelf, just now."""

    on_hand: OnHand = Field(examples=[7])


class AdjustIn(Body):
    """So many units more, or fewer."""

    node: Id = Field(examples=["st-la-rochelle"])
    sku: Id = Field(examples=["sku-0123"])
    units: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = Field(examples=[-1])
    cause: Word = "adjusted"
    reference: Word = ""

    def command(self) -> AdjustStock:
        """The command."""
        return AdjustStock(
            node=self.node, sku=self.sku, units=self.units, cause=self.cause or "adjusted", reference=self.reference
        )


class LotIn(Body):
    """Units due at a node; 0 takes them back."""

    node: Id = Field(examples=["wh-orleans"])
    sku: Id = Field(examples=["sku-0123"])
    units: OnHand = Field(examples=[120])
    available_at: Moment = Field(examples=["2026-12-01T08:00:00Z"])

    def command(self, lot_id: str, version: int | None) -> PutLot:
        """The command."""
        return PutLot(
            lot_id=lot_id,
            node=self.node,
            sku=self.sku,
            units=self.units,
            available_s=epoch_s(self.available_at),
            if_version=version,
        )


class ReceiveIn(Body):
    """Units of a lot that have come."""

    units: Units = Field(examples=[60])

    def command(self, lot_id: str, version: int | None) -> ReceiveLot:
        """The command."""
        return ReceiveLot(lot_id=lot_id, units=self.units, if_version=version)


class HeldBackIn(Body):
    """Units that are held back, as safety stock or for one channel."""

    rule: Literal["safety", "protection"]
    node: Id = Field(examples=["st-la-rochelle"])
    sku: Id | None = Field(None, description="Safety stock without it: of every sku.")
    channel: Word = Field("", description="Safety stock without it: for every channel.")
    units: OnHand = Field(examples=[1])

    def command(self, version: int | None) -> SetHeldBack:
        """The command."""
        return SetHeldBack(
            rule=self.rule,
            node=self.node,
            sku=self.sku,
            channel=self.channel,
            units=self.units,
            if_version=version,
        )


class NodeSettingsIn(Body):
    """All that differs at a node from the network as it was read; -1 lifts a limit."""

    paused: bool | None = None
    capacity_day_orders: Limit | None = None
    capacity_day_units: Limit | None = None
    capacity_hour_orders: Limit | None = None
    capacity_hour_units: Limit | None = None
    rejection_ppm: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    safety_stock: OnHand | None = None
    backlog_s: Annotated[int, Field(ge=0, le=10**8)] | None = None

    def command(self, node: str, version: int, by: str, trace_id: str) -> SetNode:
        """The command."""
        changes = NodeChanges(**self.model_dump(exclude_none=True))
        return SetNode(node=node, changes=changes, if_version=version, by=by, trace_id=trace_id)


class SlotLimitsIn(Body):
    """What a node takes in a clock hour of a day; null: what it takes in any hour."""

    hour: Annotated[int, Field(ge=0, le=23)] = Field(examples=[10], description="Local; 10 is from 10:00 to 11:00.")
    orders_max: Count | None = Field(None, examples=[0])
    units_max: Count | None = None


class DayLimitsIn(Body):
    """What a node takes on a day, and in hours of it; null: what it takes on any day. 0 takes nothing."""

    orders_max: Count | None = Field(None, examples=[40])
    units_max: Count | None = None
    slots: list[SlotLimitsIn] = Field([], max_length=24)

    def command(self, node: str, day: date, version: int, by: str, trace_id: str) -> SetCapacity:
        """The command."""
        slots = [SlotLimits(**slot.model_dump()) for slot in self.slots]
        limits = DayLimits(orders_max=self.orders_max, units_max=self.units_max, slots=slots)
        return SetCapacity(node=node, day=day, limits=limits, if_version=version, by=by, trace_id=trace_id)


class SkuSettingsIn(Body):
    """When a sku is released; null: it is."""

    release_at: Moment | None = None

    def command(self, sku: str, version: int | None, by: str, trace_id: str) -> SetSku:
        """The command."""
        release_s = None if self.release_at is None else epoch_s(self.release_at)
        return SetSku(sku=sku, release_s=release_s, if_version=version, by=by, trace_id=trace_id)


class PolicyIn(Body):
    """A new version of a policy."""

    policy: dict[str, Any] = Field(
        max_length=100,
        description="Its fields as in policies.json of a network; what is left out has its default.",
        examples=[{"split_cents": 250, "lateness_day_cents": 300}],
    )
    valid_from: Moment | None = Field(None, description="By default now; not in the past.")
    valid_to: Moment | None = None

    def command(self, policy_id: str, version: int, by: str, trace_id: str) -> PutPolicy:
        """The command; raises InputError where the policy has a field that is unknown or wrong."""
        unknown = sorted(set(self.policy) - {field.name for field in fields(Policy)})
        if unknown:
            raise InputError(f"Policy ({policy_id}) has unknown fields ({', '.join(unknown)}).", "check the spelling.")
        return PutPolicy(
            policy=_policy(policy_id, self.policy),
            valid_from_s=None if self.valid_from is None else epoch_s(self.valid_from),
            valid_to_s=None if self.valid_to is None else epoch_s(self.valid_to),
            if_version=version,
            by=by,
            trace_id=trace_id,
        )


def _policy(policy_id: str, given: dict[str, Any]) -> Policy:
    _bounded(policy_id, "policy", given)
    try:
        return msgspec.convert({**given, "policy_id": policy_id, "version": 1}, Policy)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"Policy ({policy_id}) cannot be: {error}.", "see the fields of a policy.") from None


def _bounded(policy_id: str, path: str, value: Any) -> None:
    """Raise InputError for numbers that no price and no limit has; sums of them must fit into 64 bits."""
    if isinstance(value, dict):
        for name, part in value.items():
            _bounded(policy_id, f"{path}.{name}", part)
    elif isinstance(value, list):
        for part in value:
            _bounded(policy_id, path, part)
    elif isinstance(value, int | float) and not abs(value) <= NUMBER_MAX:
        raise InputError(f"Policy ({policy_id}) has {path} ({value}) beyond {NUMBER_MAX}.", "amounts are in cents.")
