"""Every kind of problem that a call can end with: what it means, what to do. The pages at /problems are made of it."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem. `name` ends the `type` URI of problem documents."""

    name: str
    status: int
    title: str
    meaning: str
    advice: str
    retryable: bool = False


_ALL = (
    # --- of the call itself
    Kind(
        "malformed",
        400,
        "The body cannot be read",
        "The body is no JSON document, or one with a number or text that JSON does not allow.",
        "Look at the place that the detail names; send UTF-8.",
    ),
    Kind(
        "bad-request",
        400,
        "The request cannot be understood",
        "A header or the request line has a form that the server does not know.",
        "Look at what the detail names.",
    ),
    Kind(
        "idempotency-key-missing",
        400,
        "An Idempotency-Key is required",
        "The call changes something, so that it must be possible to repeat it without doing it twice.",
        "Send a header Idempotency-Key with a text of your own: a new one for each call, the same when you repeat it.",
    ),
    Kind(
        "idempotency-key-invalid",
        400,
        "The Idempotency-Key cannot be used",
        "It is empty, longer than 255 characters, or has characters outside printable ASCII.",
        "A UUID will do, quoted or not.",
    ),
    Kind(
        "bad-cursor",
        400,
        "The cursor is not one of ours",
        "A page's cursor was changed, or belongs to another list.",
        "Take it from the Link header or the next field of the page before; without one the list begins anew.",
    ),
    Kind(
        "unauthenticated",
        401,
        "A valid API key is required",
        "No key was sent, or one that is unknown or revoked.",
        "Send Authorization: Bearer sw_… or X-API-Key: sw_…; sourcewise keys create makes one.",
    ),
    Kind(
        "forbidden",
        403,
        "The API key may not do this",
        "The key is valid, but lacks the scope that the operation needs.",
        "Use a key with that scope; the detail names it.",
    ),
    Kind("not-found", 404, "There is nothing at this address", "No operation has this path.", "See /docs."),
    Kind(
        "method-not-allowed",
        405,
        "The address does not know this method",
        "The path is right, the method is not.",
        "The Allow header lists the methods.",
    ),
    Kind(
        "too-large",
        413,
        "The body is too large",
        "The body, or the number of its rows, is beyond what one call may bring.",
        "Send it in several calls; the detail names the limit.",
    ),
    Kind(
        "unsupported-media-type",
        415,
        "The body's type is not known here",
        "The Content-Type is none of those that the operation reads.",
        "The detail lists them.",
    ),
    Kind(
        "validation",
        422,
        "The body or a parameter is wrong",
        "The document can be read, but a field is missing, unknown, or has a value that cannot be.",
        "Each entry of errors points at a field and says what is wrong with it.",
    ),
    Kind(
        "input",
        422,
        "What was asked cannot be",
        "A value names something unknown, or contradicts another one.",
        "The detail says which; the hint what to try.",
    ),
    Kind(
        "precondition-required",
        428,
        "If-Match is required",
        "The operation replaces something that others may change too.",
        "Read it first and send its ETag back as If-Match; for something new send If-None-Match: *.",
    ),
    Kind(
        "version-conflict",
        412,
        "It was changed meanwhile",
        "The version in If-Match is no longer the current one.",
        "Read it again, apply your change to what it is now, and send the new ETag.",
    ),
    Kind(
        "rate-limited",
        429,
        "Too many calls",
        "The key has used up its calls of this minute.",
        "Wait for the seconds in Retry-After; RateLimit on every answer says what is left.",
        retryable=True,
    ),
    # --- of repeating
    Kind(
        "idempotency-running",
        409,
        "The same call is running",
        "A call with this Idempotency-Key has not been answered yet.",
        "Repeat it after the seconds in Retry-After; you will get the first one's answer.",
        retryable=True,
    ),
    Kind(
        "idempotency-payload",
        422,
        "The Idempotency-Key was used for another call",
        "A call with this key, but another body or address, was answered before.",
        "Give each call its own key.",
    ),
    # --- of what is held
    Kind("unknown-reservation", 404, "The reservation is unknown", "No reservation has this id.", "Check the id."),
    Kind("unknown-decision", 404, "The decision is unknown", "No decision has this id.", "Check the id."),
    Kind("unknown", 404, "It is unknown", "Nothing has this id.", "Check the id; case counts."),
    Kind(
        "exists",
        409,
        "There is one with that id",
        "Ids come from the caller, and this one is taken.",
        "Use another id, or repeat the earlier call with its own Idempotency-Key.",
    ),
    Kind(
        "already-allocated",
        409,
        "The order is allocated already",
        "An order is not held twice; the reservation that holds it is open.",
        "Release that one first, or repeat the earlier call with its Idempotency-Key.",
    ),
    Kind(
        "other-order",
        409,
        "The hold is another order's",
        "A hold can only be taken over by the order that it was made for.",
        "Name the order's own hold, or leave it out.",
    ),
    Kind(
        "other-cart",
        409,
        "The option is for another cart",
        "An option of a quote holds for the lines, quantities and destination that were quoted.",
        "Ask for a new quote where the cart has changed, or leave option_id out.",
    ),
    Kind(
        "nothing-open",
        409,
        "There is nothing left to cancel",
        "All of the order has ended: shipped, collected, released or expired.",
        "What was shipped comes back as a return.",
    ),
    Kind(
        "not-enough",
        409,
        "Not enough is free",
        "The units that are asked for are not all free where they are asked for.",
        "Ask for fewer, at another node or group, or allow a part of them.",
    ),
    Kind(
        "too-many-returned",
        409,
        "More came back than was sent",
        "Of an order that is known no more can be returned than was shipped and is not back yet.",
        "Check order and line, or return the units without an order.",
    ),
    Kind(
        "wrong-state",
        409,
        "It is past that step",
        "Each step of a reservation is taken once, in their order; this one cannot follow the state it is in.",
        "Read the reservation; its shipments say where they are.",
    ),
    Kind(
        "expired",
        409,
        "The hold has run out",
        "It was neither confirmed nor extended in time; what it held is free again.",
        "Allocate or reserve anew; extend holds before they end.",
    ),
    Kind(
        "too-many",
        409,
        "There are too many of them",
        "The server keeps only so many of this kind.",
        "Delete those that are not needed; the detail names the limit.",
    ),
    Kind(
        "not-in-part",
        409,
        "The shipment does not hold that",
        "A line, or so many units of it, is no open part of the shipment.",
        "Read the reservation; its shipments say what is open.",
    ),
    Kind(
        "no-order",
        409,
        "There is no order behind it",
        "The reservation is a plain hold: there is no order that could be decided again.",
        "Allocate the order, naming the hold.",
    ),
    Kind(
        "nothing-to-do",
        409,
        "There is nothing to do",
        "The case has no lines that this resolution could act on.",
        "Act on what it lists, then close it.",
    ),
    Kind(
        "nothing-to-move",
        409,
        "There is nothing to transfer",
        "Of the line no unit is held where the transfer takes it from.",
        "Read the reservation; its shipments say where its units are.",
    ),
    Kind(
        "too-old",
        409,
        "It is too long ago",
        "The feed of changes does not reach back to the decision, or too much has changed since.",
        "The decision itself, with what was answered, can still be read.",
    ),
    Kind(
        "cannot-explain",
        409,
        "It cannot be explained any more",
        "The plan cannot be rebuilt on what is known of that moment.",
        "The decision itself, with what was answered, can still be read.",
    ),
    Kind(
        "insufficient-stock",
        409,
        "Not enough is free",
        "Fewer units are free than the call needs; nothing was changed.",
        "Ask for less, elsewhere, or allow it in part.",
    ),
    # --- of the service
    Kind(
        "contended",
        503,
        "Too many lost races",
        "Other calls took the same stock or record first, several times in a row; nothing was changed.",
        "Repeat with the same Idempotency-Key.",
        retryable=True,
    ),
    Kind(
        "ledger-busy",
        503,
        "The ledger cannot be written now",
        "The database is locked or out of reach; nothing was changed.",
        "Repeat with the same Idempotency-Key.",
        retryable=True,
    ),
    Kind(
        "deadline-exceeded",
        503,
        "No answer in time",
        "The time in Request-Timeout-Ms, or the server's own limit, has passed. The call may still be carried out.",
        "Repeat with the same Idempotency-Key: you will get its answer, and it is not done twice.",
        retryable=True,
    ),
    Kind(
        "overloaded",
        503,
        "Too much is waiting",
        "More calls wait than the server can answer soon; this one was not taken.",
        "Repeat after the seconds in Retry-After.",
        retryable=True,
    ),
    Kind(
        "closing",
        503,
        "The server is going down",
        "It answers what it has taken and takes no more.",
        "Repeat with the same Idempotency-Key; another process, or the next one, answers.",
        retryable=True,
    ),
    Kind(
        "internal",
        500,
        "A mistake of ours",
        "Something broke that should not. What was answered before is not touched.",
        "Repeat once with the same Idempotency-Key; report the trace_id if it stays.",
        retryable=True,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
BY_STATUS = {
    400: "bad-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    422: "validation",
    429: "rate-limited",
    500: "internal",
    503: "overloaded",
}
# Codes of the desk that mean the same as one of ours.
ALIASES = {"version": "version-conflict"}


def kind_of(name: str, status: int) -> Kind:
    """The kind of a name; of one that is not listed, the plainest that fits its status."""
    known = KINDS.get(ALIASES.get(name, name))
    if known is None and name.startswith("unknown-") and status == KINDS["unknown"].status:
        known = KINDS["unknown"]
    return known or KINDS[BY_STATUS.get(status, "input")]
