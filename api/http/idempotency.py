"""
Calls that may be repeated: the key that names a call, the fingerprint of what it asks, and what is running now.

What was answered is remembered by the ledger, in the same transaction as what the call did. The fingerprint covers
method, path, query and body; of a JSON body its values, not its spelling.
"""

import hashlib

import msgspec

from api.http.problems import HttpProblemError
from engine.desk.ask import KeyAsked

KEY_MAX = 255


def key_from(given: bytes | None) -> str:
    r"""
    The key in a header Idempotency-Key: a quoted text as RFC 9651 has it, or a bare one.

    >>> key_from(b'"order-1 \"a\""'), key_from(b" order-1 ")
    ('order-1 "a"', 'order-1')
    """
    if given is None:
        raise HttpProblemError("idempotency-key-missing", "The call changes something; it needs an Idempotency-Key.")
    text = given.strip().decode("latin-1")
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise _invalid("its quotation marks do not match")
        text = text[1:-1].replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\")
    if not text:
        raise _invalid("it is empty")
    if len(text) > KEY_MAX:
        raise _invalid(f"it has {len(text)} characters, more than {KEY_MAX}")
    if not (text.isascii() and text.isprintable()):
        raise _invalid("it has characters other than printable ASCII")
    return text


def fingerprint(method: str, target: bytes, body: bytes, *, is_json: bool) -> str:
    """A digest of what a call asks; raises HttpProblemError 400 where its JSON cannot be read."""
    if is_json and body:
        body = canonical(body)
    digest = hashlib.blake2b(method.encode(), digest_size=16)
    digest.update(b" " + target + b"\n")
    digest.update(body)
    return digest.hexdigest()


def canonical(body: bytes) -> bytes:
    """A JSON document with its keys sorted and without spaces."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise HttpProblemError("malformed", f"The body is no JSON document: {error}.") from None


class Running:
    """
    The calls with a key that this process has taken and not answered.

    That one is running is told as soon as that is known, which is a courtesy: of the same call in several processes
    none is told so. Each does its part, the ledger keeps what the first one did, and all answer what that one answers.
    """

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    def begin(self, key: KeyAsked) -> None:
        """Take a call; raises HttpProblemError 409 while the same one is running."""
        name = key.scope, key.key
        if name in self._keys:
            raise HttpProblemError(
                "idempotency-running",
                f"A call with the Idempotency-Key ({key.key}) is running.",
                headers={"Retry-After": "1"},
            )
        self._keys.add(name)

    def end(self, key: KeyAsked) -> None:
        """A call was answered."""
        self._keys.discard((key.scope, key.key))

    def __len__(self) -> int:
        return len(self._keys)


def _invalid(why: str) -> HttpProblemError:
    return HttpProblemError("idempotency-key-invalid", f"The Idempotency-Key cannot be used: {why}.")
