"""
The signature of a Saleor instance: a detached JWS by RS256 over the body as it is (RFC 7797), `header..signature`.

Keys are given by configuration and read once; none is fetched, least of all from an address that a call names. While a
key is changed, both stand in the file. A header without `crit` is taken as well: the RFC wants it beside `b64`, and
instances are known that leave it out, so that libraries refuse them. What is signed is the header, a full stop and the
body in either case. An access token of the instance, signed by the same key, is no signature: its header has no `b64`.
"""

from base64 import b64decode
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from api.http.call import Call
from engine.domain.errors import InputError

ALGORITHM = "RS256"
BITS_MIN = 2_048


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Header(msgspec.Struct):
    alg: str
    b64: bool
    kid: str = ""
    crit: list[str] | None = None


_DECODER = msgspec.json.Decoder(_Header)


def jwks_of(setting: str) -> bytes:
    """The text of a JWKS, given as that or as the name of a file; raises InputError where it has no key of use."""
    text = setting.strip()
    if not text.startswith("{"):
        try:
            text = Path(text).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"SOURCEWISE_SALEOR_JWKS ({setting}) cannot be read: {error}.", "name a file, or give its text."
            ) from error
    known = text.encode()
    try:
        found = keys_of(known)
    except (msgspec.MsgspecError, jwt.PyJWTError) as error:
        raise InputError(
            f"SOURCEWISE_SALEOR_JWKS is no JWKS: {error}.", "save what is at /.well-known/jwks.json of the instance."
        ) from error
    if not found:
        raise InputError(
            f"SOURCEWISE_SALEOR_JWKS has no public RSA key of {BITS_MIN} bits for {ALGORITHM}.", "look at kty, alg, n."
        )
    return known


@lru_cache(maxsize=16)
def keys_of(jwks: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a JWKS that verify signatures as Saleor makes them, by their id."""
    found: dict[str, jwt.PyJWK] = {}
    for one in msgspec.json.decode(jwks, type=_KeySet).keys:
        if one.get("kty") != "RSA" or one.get("alg", ALGORITHM) != ALGORITHM or one.get("use", "sig") != "sig":
            continue
        key = jwt.PyJWK(one, ALGORITHM)
        if isinstance(key.key, RSAPublicKey) and key.key.key_size >= BITS_MIN:
            found[str(one.get("kid", ""))] = key
    return found


def signed(call: Call, jwks: bytes) -> bool:
    """Whether one of the keys has signed the body."""
    given = call.headers.get(b"saleor-signature", b"")
    protected, _, rest = given.partition(b".")
    if not rest.startswith(b"."):
        return False
    try:
        header = _DECODER.decode(_decoded(protected))
        signature = _decoded(rest[1:])
    except (msgspec.MsgspecError, ValueError):
        return False
    if header.alg != ALGORITHM or header.b64 or header.crit not in (None, ["b64"]):
        return False
    key = keys_of(jwks).get(header.kid)
    return key is not None and bool(key.Algorithm.verify(protected + b"." + call.body, key.key, signature))


def _decoded(text: bytes) -> bytes:
    return b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
