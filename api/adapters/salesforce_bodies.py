"""Bodies of Salesforce Omnichannel Inventory and of its routing, as they come and as they go."""

from typing import Annotated

import msgspec
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from api.adapters.base import ForeignBody
from api.http.models.words import ID_MAX, PLAIN
from engine.domain.order import QUANTITY_MAX

RECORDS_MAX = 100
TTL_MAX_S = 14_400
INVENTORY_MAX = 10_000  # rows of one routing request

Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_MAX, pattern=PLAIN)]
Ids = Annotated[tuple[Id, ...], Field(max_length=RECORDS_MAX)]
Quantity = Annotated[float, Field(gt=0, le=QUANTITY_MAX, allow_inf_nan=False)]


class _Body(ForeignBody):
    model_config = ConfigDict(alias_generator=to_camel)


def _one_of(what: str, *values: object) -> None:
    if sum(value is not None for value in values) != 1:
        raise ValueError(f"{what}: a location or a location group, one of the two, is required")


class CreateRecord(_Body):
    """Units of a sku to be reserved at a location, or anywhere in a group."""

    stock_keeping_unit: Id
    quantity: Quantity
    location_identifier: Id | None = None
    location_group_identifier: Id | None = None

    @model_validator(mode="after")
    def _at_one_place(self) -> "CreateRecord":
        _one_of("place", self.location_identifier, self.location_group_identifier)
        return self


class ReserveIn(_Body):
    """A reservation; reservationTime is not looked at: it counts from when it is made here."""

    action_request_id: Id
    create_records: Annotated[tuple[CreateRecord, ...], Field(min_length=1, max_length=RECORDS_MAX)]
    allow_partial_reservations: bool = False
    expiration_seconds: Annotated[int, Field(ge=1, le=TTL_MAX_S)] | None = None
    external_ref_id: Id | None = None


class Record(_Body):
    """Units of a reservation that something happens to."""

    action_request_id: Id
    stock_keeping_unit: Id
    quantity: Quantity
    reservation_id: Id | None = None


class ReleaseRecord(Record):
    """Units to be given back."""

    location_identifier: Id | None = None
    location_group_identifier: Id | None = None

    @model_validator(mode="after")
    def _at_one_place(self) -> "ReleaseRecord":
        _one_of("place", self.location_identifier, self.location_group_identifier)
        return self


class FulfilRecord(Record):
    """Units that have left a location."""

    location_identifier: Id


class TransferRecord(Record):
    """Units to be held elsewhere."""

    from_location_identifier: Id | None = None
    from_location_group_identifier: Id | None = None
    to_location_identifier: Id | None = None
    to_location_group_identifier: Id | None = None
    ignore_availability_check: bool = False

    @model_validator(mode="after")
    def _between_two_places(self) -> "TransferRecord":
        _one_of("from", self.from_location_identifier, self.from_location_group_identifier)
        _one_of("to", self.to_location_identifier, self.to_location_group_identifier)
        return self


class ReleaseIn(_Body):
    """Releases, each for itself."""

    release_records: Annotated[tuple[ReleaseRecord, ...], Field(min_length=1, max_length=RECORDS_MAX)]
    reservation_id: Id | None = None


class FulfilIn(_Body):
    """Fulfilments, each for itself."""

    fulfillment_records: Annotated[tuple[FulfilRecord, ...], Field(min_length=1, max_length=RECORDS_MAX)]
    reservation_id: Id | None = None


class TransferIn(_Body):
    """Transfers, each for itself; with the id all of them or none."""

    transfer_records: Annotated[tuple[TransferRecord, ...], Field(min_length=1, max_length=RECORDS_MAX)]
    reservation_id: Id | None = None
    all_or_nothing_transfer_id: Id | None = None


class AvailabilityIn(_Body):
    """What is asked of stock; without any place, of all locations that are in no group."""

    stock_keeping_unit: Id | None = None
    stock_keeping_units: Ids = ()
    location_identifiers: Ids = ()
    location_group_identifiers: Ids = ()
    location_group_identifier: Id | None = None

    @model_validator(mode="after")
    def _is_plain(self) -> "AvailabilityIn":
        places = (self.location_identifiers, self.location_group_identifiers, self.location_group_identifier)
        if sum(bool(place) for place in places) > 1:
            raise ValueError("locations and location groups cannot be combined")
        if (self.stock_keeping_unit is None) == (not self.stock_keeping_units):
            raise ValueError("one of stockKeepingUnit and stockKeepingUnits is required")
        return self


class Ordered(_Body):
    """Units of a sku that are to be routed."""

    stock_keeping_unit: Id
    quantity: Quantity


class AtLocation(_Body):
    """Units of a sku at a location, as the caller knows them."""

    location_identifier: Id
    stock_keeping_unit: Id
    quantity: Annotated[float, Field(ge=0, le=2_000_000_000, allow_inf_nan=False)]


class RoutesIn(_Body):
    """What is to be routed, and from where it could be."""

    ordered_quantities: Annotated[tuple[Ordered, ...], Field(min_length=1, max_length=RECORDS_MAX)]
    location_available_inventory: Annotated[tuple[AtLocation, ...], Field(min_length=1, max_length=INVENTORY_MAX)]
    maximum_number_of_splits: Annotated[int, Field(ge=0, le=INVENTORY_MAX)] | None = None


class _Out(msgspec.Struct, kw_only=True, rename="camel"):
    pass


class Detail(_Out, omit_defaults=True):
    """What a record was about; of a new reservation, what of it is held."""

    stock_keeping_unit: str
    quantity: float
    action_request_id: str | None = None
    location_identifier: str | None = None
    location_group_identifier: str | None = None
    error_code: str | None = None


class Failure(_Out, omit_defaults=True):
    """What could not be done, and why."""

    error_code: str
    message: str
    details: Detail | None = None


class Reserved(_Out):
    """A reservation that was made, or was not."""

    success: bool
    details: list[Detail]
    errors: list[Failure]
    reservation_time: str | None = None
    expiration_time: str | None = None


class Done(_Out):
    """What became of releases, fulfilments, transfers: what could not be done is listed."""

    success: bool
    errors: list[Failure]


class Future(_Out):
    """Units due."""

    expected_date: str
    quantity: float


class InventoryRecord(_Out):
    """A sku at a location, or in a group."""

    stock_keeping_unit: str
    on_hand: float = 0.0
    reserved: float = 0.0
    safety_stock_count: float = 0.0
    available_to_fulfill: float = 0.0
    available_to_order: float = 0.0
    futures: list[Future] = []
    exists: bool = False


class LocationInventory(_Out):
    """A location."""

    location_identifier: str
    inventory_records: list[InventoryRecord]


class GroupInventory(_Out):
    """A group, with the sums of its locations."""

    location_group_identifier: str
    inventory_records: list[InventoryRecord]


class Inventory(_Out):
    """What there is."""

    success: bool
    locations: list[LocationInventory]
    location_groups: list[GroupInventory]
    errors: list[Failure]


class Target(_Out):
    """Locations that together have everything."""

    locations: list[str]


class Routes(_Out):
    """All sets of the fewest locations; none where there is none."""

    success: bool
    target_locations: list[Target]
    errors: list[Failure]
