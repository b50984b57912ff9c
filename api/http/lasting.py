"""Answers that may be kept for a while: how long by the clock, and whether the caller has the same already."""

from datetime import datetime

import msgspec

from api.http.call import Call, Ready
from api.http.versions import unchanged
from engine.desk.ask import Answer


class _Dated(msgspec.Struct):
    """What headers say of a document."""

    at: datetime
    valid_until: datetime
    version: str


_DECODER = msgspec.json.Decoder(_Dated)


def lasting(call: Call, said: Answer) -> Ready:
    """
    A document with `at`, `valid_until` and `version` as it is sent; 304 where the caller has that version.

    Its ETag is weak, since the two moments do not count, and a 304 says anew for how long it may be kept.
    """
    document = _DECODER.decode(said.body)
    tag = f'"{document.version}"'
    seconds = int((document.valid_until - document.at).total_seconds())
    headers = [
        (b"etag", b"W/" + tag.encode()),
        (b"cache-control", b"private, max-age=%d" % seconds),
    ]
    if unchanged(call.headers, tag):
        return Ready(b"", 304, headers)
    return Ready(said.body, said.status, headers)
