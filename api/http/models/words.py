"""Fields that many bodies share: their limits stand here once."""

from typing import Annotated

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from engine.domain.ids import LineId, NodeId, OrderId, ServiceId, SkuId

PLAIN = r"^[^\x00-\x1f\x7f]+$"  # no control characters: ids are looked at by people
ID_MAX = 100

_ID = StringConstraints(min_length=1, max_length=ID_MAX, pattern=PLAIN)
Id = Annotated[str, _ID]
Node = Annotated[NodeId, _ID]
Sku = Annotated[SkuId, _ID]
OrderName = Annotated[OrderId, _ID]
LineName = Annotated[LineId, _ID]
Service = Annotated[ServiceId, _ID]
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
Word = Annotated[str, StringConstraints(max_length=ID_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
Units = Annotated[int, Field(ge=1, le=1_000_000)]
Count = Annotated[int, Field(ge=0, le=2_000_000_000)]
Moment = AwareDatetime
TtlS = Annotated[int, Field(ge=1, le=30 * 86_400)]
Version = Annotated[int, Field(ge=1)]

PathId = Annotated[str, Path(min_length=1, max_length=ID_MAX, pattern=PLAIN)]


class Body(BaseModel):
    """A body: fields that are not known are refused, whole numbers are no texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, ser_json_timedelta="float")
