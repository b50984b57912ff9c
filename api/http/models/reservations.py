"""Bodies about what is held: holds, transfers, the steps of a shipment, cancellations, returns."""

from typing import Annotated

from pydantic import Field

from api.http.models.words import Body, Id, TtlS, Units, Word
from engine.desk.cancel import Cancel
from engine.desk.fulfil import COLLECT_MAX_S, COLLECT_S, Fulfil, FulfilLine, Mark
from engine.desk.reoptimise import THRESHOLD_CENTS, TOGETHER_MAX, Reoptimise
from engine.desk.reserve import Extend, HoldLine, Release, Reserve
from engine.desk.returns import Grade, Return, ReturnedLine
from engine.desk.transfer import TRANSFERS_MAX, Transfer, TransferLine
from engine.domain.order import LINES_MAX
from engine.stock.lifecycle import Step

UnitsByLine = Annotated[dict[Id, Units], Field(min_length=1, max_length=LINES_MAX)]
PartNumber = Annotated[int, Field(ge=1, le=100_000)]


class HoldLineIn(Body):
    """Units of a sku at a node, or anywhere in a group: one of the two."""

    line_id: Id = Field(examples=["1"])
    sku: Id = Field(examples=["sku-0123"])
    quantity: Units = Field(examples=[1])
    node: Id | None = Field(None, examples=["wh-orleans"])
    group: Id | None = None


class ReserveIn(Body):
    """Units to be held for somebody, without a plan behind it."""

    reservation_id: Id = Field(examples=["basket-77"])
    order_id: Id = Field(examples=["o-1001"])
    lines: Annotated[tuple[HoldLineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    ttl_s: TtlS | None = Field(900, description="null: until it is released.")
    channel: Word = ""
    partial: bool = Field(False, description="Hold what there is, line by line.")
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0

    def command(self) -> Reserve:
        """The command."""
        lines = tuple(
            HoldLine(line_id=x.line_id, sku=x.sku, quantity=x.quantity, node=x.node, group=x.group) for x in self.lines
        )
        return Reserve(
            reservation_id=self.reservation_id,
            order_id=self.order_id,
            lines=lines,
            ttl_s=self.ttl_s,
            channel=self.channel,
            partial=self.partial,
            priority=self.priority,
        )


class ExtendIn(Body):
    """How long it is held from now."""

    ttl_s: TtlS

    def command(self, reservation_id: str) -> Extend:
        """The command."""
        return Extend(reservation_id=reservation_id, ttl_s=self.ttl_s)


class ConfirmIn(Body):
    """Nothing more needs to be said."""


class ReleaseIn(Body):
    """What is given back; without anything, all of it."""

    part: PartNumber | None = None
    lines: UnitsByLine | None = Field(None, description="Units by line.", examples=[{"1": 1}])

    def command(self, reservation_id: str) -> Release:
        """The command."""
        return Release(reservation_id=reservation_id, part=self.part, lines=self.lines)


class TransferLineIn(Body):
    """Units of a hold that are to be held elsewhere."""

    reservation_id: Id = Field(examples=["basket-77"])
    line_id: Id = Field(examples=["1"])
    quantity: Units | None = Field(None, description="null: all that are held there.")
    from_node: Id | None = None
    from_group: Id | None = None
    to_node: Id | None = Field(None, examples=["wh-orleans"])
    to_group: Id | None = None
    ignore_availability: bool = False

    def line(self) -> TransferLine:
        """The line of the command."""
        return TransferLine(
            reservation_id=self.reservation_id,
            line_id=self.line_id,
            quantity=self.quantity,
            from_node=self.from_node,
            from_group=self.from_group,
            to_node=self.to_node,
            to_group=self.to_group,
            ignore_availability=self.ignore_availability,
        )


class TransferIn(Body):
    """Transfers of one call."""

    transfers: Annotated[tuple[TransferLineIn, ...], Field(min_length=1, max_length=TRANSFERS_MAX)]
    all_or_nothing: bool = True

    def command(self) -> Transfer:
        """The command."""
        return Transfer(transfers=tuple(one.line() for one in self.transfers), all_or_nothing=self.all_or_nothing)


class FulfilLineIn(Body):
    """Units of a line that left a node."""

    reservation_id: Id = Field(examples=["basket-77"])
    line_id: Id = Field(examples=["1"])
    quantity: Units = Field(examples=[1])
    node: Id = Field(examples=["wh-orleans"])


class FulfilIn(Body):
    """What left, all of it or none."""

    lines: Annotated[tuple[FulfilLineIn, ...], Field(min_length=1, max_length=TRANSFERS_MAX)]

    def command(self) -> Fulfil:
        """The command."""
        return Fulfil(
            lines=tuple(
                FulfilLine(reservation_id=x.reservation_id, line_id=x.line_id, quantity=x.quantity, node=x.node)
                for x in self.lines
            )
        )


class MarkIn(Body):
    """A step that was done."""

    lines: UnitsByLine | None = Field(None, description="Units by line, where not all of the shipment.")
    collect_s: Annotated[int, Field(ge=1, le=COLLECT_MAX_S)] = Field(
        COLLECT_S, description="With ready and arrived: how long it is kept for the customer."
    )
    paid_cents: Annotated[int, Field(ge=0, le=10**12)] | None = Field(
        None, description="With collected: what was paid there."
    )
    reference: Word = Field("", description="With shipped: the carrier's number.")
    by: Word = Field("", description="Who; by default the API key.")

    def command(self, reservation_id: str, part: int, step: Step, client: str) -> Mark:
        """The command."""
        return Mark(
            reservation_id=reservation_id,
            part=part,
            step=step,
            lines=self.lines,
            collect_s=self.collect_s,
            paid_cents=self.paid_cents,
            reference=self.reference,
            by=self.by or client,
        )


class ReoptimiseIn(Body):
    """Reservations that are to be decided anew."""

    run_id: Id = Field(description="With the reservation's id it names the decisions.", examples=["night-7"])
    reservation_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=TOGETHER_MAX)]
    threshold_cents: Annotated[int, Field(ge=0, le=10**9)] = Field(
        THRESHOLD_CENTS, description="A new plan must save so much."
    )

    def command(self) -> Reoptimise:
        """The command."""
        return Reoptimise(
            run_id=self.run_id, reservation_ids=self.reservation_ids, threshold_cents=self.threshold_cents
        )


class CancelIn(Body):
    """What the customer does not want any more; without lines, all of it."""

    order_id: Id = Field(examples=["o-1001"])
    lines: UnitsByLine | None = Field(None, description="Units by line.")
    reservation_id: Id | None = None
    part: PartNumber | None = None
    open_only: bool = Field(False, description="Cancel what still can be.")

    def command(self) -> Cancel:
        """The command."""
        return Cancel(
            order_id=self.order_id,
            lines=self.lines,
            reservation_id=self.reservation_id,
            part=self.part,
            open_only=self.open_only,
        )


class ReturnedLineIn(Body):
    """Units that came back in one state."""

    sku: Id = Field(examples=["sku-0123"])
    quantity: Units = Field(examples=[1])
    grade: Grade = Grade.AS_NEW


class ReturnIn(Body):
    """What came back at a node."""

    return_id: Id = Field(examples=["ret-5"])
    node: Id = Field(examples=["st-la-rochelle"])
    lines: Annotated[tuple[ReturnedLineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    order_id: Id | None = Field(None, description="What it was sold with, where that is known.")
    by: Word = ""

    def command(self, client: str) -> Return:
        """The command."""
        return Return(
            return_id=self.return_id,
            node=self.node,
            lines=tuple(ReturnedLine(sku=x.sku, quantity=x.quantity, grade=x.grade) for x in self.lines),
            order_id=self.order_id,
            by=self.by or client,
        )
