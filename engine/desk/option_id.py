"""
The id of an option of a quote: it carries what was promised, so that quotes need no room of their own.

A shop asks for many quotes for each order that is placed. What an allocation has to know of one is some dozens of
bytes: until when it stands, what the customer was told, and which nodes were to serve it. They are the id: any process
understands it, after any restart, and nothing has to be written while a customer looks at a cart.

    id  base64url of msgpack of the fields below, with a checksum of CHECK bytes before them

The checksum tells ids that were cut or mistyped. It is no signature: whoever may allocate may ask for any date anyway.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

import msgspec

from engine.domain.errors import InputError

CHECK = 6
ID_MAX = 4_000
FORM = 1  # of the fields; changes where they do


class PromisedParcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A shipment of the plan behind an option, in the ledger's numbers."""

    node_no: int
    method: str
    service: str  # "" for none
    items: tuple[int, ...]  # sku number, units, sku number, units, …


class Promised(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an option promised."""

    form: int
    quote_id: str
    held: bool  # whether the quote holds something, under its own id
    expires_s: int
    kind: str  # engine.decide.offers.OfferKind
    place_no: int  # -1: home
    country: str  # of the home, "" at a place
    postcode: str
    deliver_by_s: int
    cost_cents: int
    price_cents: int
    parcels: tuple[PromisedParcel, ...]

    @property
    def units(self) -> dict[int, int]:
        """Units of all parcels, by sku number."""
        out: dict[int, int] = {}
        for parcel in self.parcels:
            for sku_no, units in zip(parcel.items[::2], parcel.items[1::2], strict=True):
                out[sku_no] = out.get(sku_no, 0) + units
        return out


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Promised)


def option_id_of(promised: Promised) -> str:
    """The id of an option."""
    body = _ENCODER.encode(promised)
    return urlsafe_b64encode(blake2b(body, digest_size=CHECK).digest() + body).rstrip(b"=").decode()


def read_option_id(option_id: str, field: str = "option_id") -> Promised:
    """
    What an option promised.

    Raises
    ------
    InputError
        Where the id was not made by `option_id_of`, or by another version of it.
    """
    wrong = InputError(
        f"Option ({option_id[:40]}{'…' if len(option_id) > 40 else ''}) in {field} is no option of a quote.",
        "send option_id as the quote has it, in full.",
    )
    try:
        data = urlsafe_b64decode(option_id + "=" * (-len(option_id) % 4))
        if blake2b(data[CHECK:], digest_size=CHECK).digest() != data[:CHECK]:
            raise wrong
        promised = _DECODER.decode(data[CHECK:])
    except (ValueError, msgspec.MsgspecError) as error:
        raise wrong from error
    if promised.form != FORM or any(len(parcel.items) % 2 for parcel in promised.parcels):
        raise wrong
    return promised
