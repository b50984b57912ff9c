"""Bodies about what goes wrong: rejections, cases, lines that wait."""

from typing import Annotated, Literal

from pydantic import Field

from api.http.models.words import Body, Count, Id, LineName, Moment, Units, Word
from engine.desk.backorders import ChangeBackorder
from engine.desk.exceptions import Resolution, ResolveCase, TakeCase
from engine.desk.reject import Reject
from engine.desk.shelf import Reason, RejectedLine
from engine.domain.order import LINES_MAX
from engine.domain.units import epoch_s

Priority = Annotated[int, Field(ge=-1_000, le=1_000)]


class RejectedLineIn(Body):
    """Units of a line that the node could not pick."""

    line_id: LineName = Field(examples=["1"])
    units: Units = Field(examples=[1])
    counted: Count | None = Field(None, description="Units of the sku that are there, those of other orders too.")


class RejectingIn(Body):
    """What could not be picked, and why."""

    rejection_id: Id = Field(examples=["rej-77"])
    lines: Annotated[tuple[RejectedLineIn, ...], Field(min_length=1, max_length=LINES_MAX)]
    reason: Reason
    whole_part: bool = Field(False, description="The rest of the shipment comes from elsewhere, too.")
    unmet: Literal["exception", "backorder"] = Field("exception", description="What becomes of lines nobody can serve.")
    by: Word = Field("", description="Who says so; by default the API key.")

    def rejection(self, reservation_id: str, part: int, client: str) -> Reject:
        """The command."""
        return Reject(
            rejection_id=self.rejection_id,
            reservation_id=reservation_id,
            part=part,
            lines=tuple(RejectedLine(line_id=x.line_id, units=x.units, counted=x.counted) for x in self.lines),
            reason=self.reason,
            whole_part=self.whole_part,
            unmet=self.unmet,
            by=self.by or client,
        )


class ShortIn(RejectingIn):
    """A shipment that could not be picked as it is."""


class RejectIn(RejectingIn):
    """A node could not pick what it was asked for."""

    reservation_id: Id = Field(examples=["o-1001"])
    part: Annotated[int, Field(ge=1, le=100_000)] = Field(description="The shipment.", examples=[1])

    def command(self, client: str) -> Reject:
        """The command."""
        return self.rejection(self.reservation_id, self.part, client)


class TakeIn(Body):
    """Who works on a case."""

    to: Id = Field(examples=["anna"])

    def command(self, exception_id: str, version: int | None) -> TakeCase:
        """The command."""
        return TakeCase(exception_id=exception_id, to=self.to, version=version)


class ResolveIn(Body):
    """What is done with a case."""

    resolution: Resolution
    by: Word = Field("", description="Who; by default the API key.")
    decision_id: Word = Field("", description="Of what is decided again; made from the case by default.")
    deliver_by: Moment | None = Field(None, description="A later date, agreed with the customer.")
    forget_nodes: bool = Field(False, description="Nodes that rejected the order may be asked again.")
    priority: Priority | None = Field(None, description="Of lines that wait; higher first.")

    def command(self, exception_id: str, client: str, version: int | None) -> ResolveCase:
        """The command."""
        return ResolveCase(
            exception_id=exception_id,
            resolution=self.resolution,
            by=self.by or client,
            decision_id=self.decision_id,
            deliver_by=self.deliver_by,
            forget_nodes=self.forget_nodes,
            priority=self.priority,
            version=version,
        )


class BackorderIn(Body):
    """What is to be different for lines that wait; without a line, for all of the order."""

    line_id: LineName | None = None
    priority: Priority | None = Field(None, description="Higher is served first.")
    wanted_by: Moment | None = Field(None, description="Then the earlier.")

    def command(self, order_id: str, version: int | None) -> ChangeBackorder:
        """The command."""
        return ChangeBackorder(
            order_id=order_id,
            line_id=self.line_id,
            priority=self.priority,
            wanted_by_s=None if self.wanted_by is None else epoch_s(self.wanted_by),
            version=version,
        )
