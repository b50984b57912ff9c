"""ETags: a strong one for everything with a version; whoever replaces it says which version was read."""

from collections.abc import Mapping

import msgspec

from api.http.problems import HttpProblemError

NEW = 0  # If-None-Match: *: there must be none yet
UNKNOWN = -1  # an ETag that was never ours: matches no version


class _Versioned(msgspec.Struct):
    version: int


_DECODER = msgspec.json.Decoder(_Versioned)


def etag_of(body: bytes) -> str:
    """The ETag of a document with a version."""
    return f'"v{_DECODER.decode(body).version}"'


def version_in(headers: Mapping[bytes, bytes]) -> int:
    """
    The version that the caller read, NEW for none.

    Raises HttpProblemError 428 where the caller does not say.
    """
    given = headers.get(b"if-match")
    if given is None:
        if headers.get(b"if-none-match", b"").strip() == b"*":
            return NEW
        raise HttpProblemError("precondition-required", "The call replaces something; it needs If-Match.")
    text = given.strip()
    if text.startswith(b'"v') and text.endswith(b'"') and text[2:-1].isdigit() and len(text) < 22:
        return int(text[2:-1])
    return UNKNOWN


def unchanged(headers: Mapping[bytes, bytes], etag: str) -> bool:
    """Whether the caller has this version already."""
    given = headers.get(b"if-none-match")
    return given is not None and etag.encode() in (one.strip().removeprefix(b"W/") for one in given.split(b","))
