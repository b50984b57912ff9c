"""Saleor's own: detached signatures by the keys of its instance, and days from today."""

from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.saleor import SUBSCRIPTIONS
from api.adapters.saleor_keys import jwks_of, keys_of
from engine.domain.errors import InputError
from tests.api.adapters.platforms import (
    SALEOR_KEY,
    bytes_of,
    golden,
    jwks_text,
    platforms,
    saleor_signature,
    send_saleor,
)
from tests.api.http.served import Served

LIST, FILTER = "/adapters/saleor/shipping-list-methods", "/adapters/saleor/filter-shipping-methods"
BODY = bytes_of(golden("saleor-list")[0]["body"])
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
REFUSED = {"error": {"type": "SIGNATURE_VERIFICATION_FAILED", "message": "The secret is missing or wrong."}}


def asked(shop: Served, signature: str | bytes, body: bytes = BODY) -> Any:
    return shop.call("POST", LIST, body, saleor_signature=signature)  # type: ignore[arg-type]


def test_a_header_with_and_without_crit_is_taken(steady: Served) -> None:
    for changes in ({}, {"crit": ["b64"]}):
        assert asked(steady, saleor_signature(BODY, **changes)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RS512"},
        {"b64": True},
        {"b64": None},
        {"kid": "2"},
        {"kid": 1},
        {"crit": ["b64", "exp"]},
        {"crit": "b64"},
        {"key": OTHER},
    ],
)
def test_a_signature_of_another_kind_or_key_is_refused(steady: Served, changes: dict[str, Any]) -> None:
    answer = asked(steady, saleor_signature(BODY, **changes))
    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_a_signature_with_anything_in_the_middle_is_refused(steady: Served) -> None:
    header, _, signature = saleor_signature(BODY).split(".")
    for middle in (".", ".e30.", ".x", "...", ""):
        assert asked(steady, f"{header}{middle}{signature}").status_code == 401


def test_a_signature_of_another_body_is_refused(steady: Served) -> None:
    assert asked(steady, saleor_signature(BODY), BODY + b" ").status_code == 401


@pytest.mark.parametrize("given", ["", ".", "..", "...", "a..b", "é..é", "e30..", "e30..e30", "W10..W10", "bnVsbA..AA"])
def test_what_is_no_signature_is_refused(steady: Served, given: str) -> None:
    assert asked(steady, given.encode()).status_code == 401


def test_an_access_token_of_the_instance_is_no_signature_of_its_own_payload(steady: Served) -> None:
    """It is signed by the same key: header, full stop, payload."""
    token = jwt.encode({"token": "x"}, SALEOR_KEY, "RS256", {"kid": "1"})
    header, payload, signature = token.split(".")
    assert asked(steady, token).status_code == 401
    assert asked(steady, f"{header}..{signature}", payload.encode()).status_code == 401


def test_a_secret_that_is_signed_with_as_text_is_no_key(steady: Served) -> None:
    """The public key is known to all: it must not do as the secret of an HMAC."""
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","b64":false,"kid":"1"}')
    made = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        header + b"." + BODY, jwks_text().encode()
    )
    assert asked(steady, f"{header.decode()}..{jwt.utils.base64url_encode(made).decode()}").status_code == 401


@given(st.binary(max_size=60))
def test_no_noise_is_a_signature(noise: bytes) -> None:
    from types import SimpleNamespace

    from api.adapters.saleor_keys import signed

    for given_ in (noise, b"e30.." + noise, noise + b"..e30"):
        call: Any = SimpleNamespace(headers={b"saleor-signature": given_}, body=BODY)
        assert signed(call, jwks_text().encode()) is False


def test_keys_are_read_from_a_file_and_two_stand_in_it_while_one_is_changed(tmp_path: Path) -> None:
    both = [*msgspec.json.decode(jwks_text())["keys"], *msgspec.json.decode(jwks_text(OTHER, kid="2"))["keys"]]
    file = tmp_path / "jwks.json"
    file.write_bytes(msgspec.json.encode({"keys": both}))
    with platforms(saleor_jwks=str(file)) as shop:
        assert asked(shop, saleor_signature(BODY)).status_code == 200
        assert asked(shop, saleor_signature(BODY, OTHER, kid="2")).status_code == 200
        assert asked(shop, saleor_signature(BODY, OTHER, kid="1")).status_code == 401


def test_keys_for_something_else_are_passed_over() -> None:
    curve = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    kept = msgspec.json.decode(jwks_text())["keys"]
    others = [curve | {"kid": "2"}, kept[0] | {"kid": "3", "use": "enc"}, kept[0] | {"kid": "4", "alg": "RS512"}]
    assert list(keys_of(jwks_of(bytes_of({"keys": [*kept, *others]}).decode()))) == ["1"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("/nowhere/jwks.json", "cannot be read"),
        ("{}", "is no JWKS"),
        ('{"keys": [{"kty": "RSA", "n": "?"}]}', "is no JWKS"),
        ('{"keys": []}', "has no public RSA key"),
        (jwks_text(rsa.generate_private_key(public_exponent=65_537, key_size=1_024)), "has no public RSA key"),
        (jwks_text(kty="oct"), "has no public RSA key"),
    ],
)
def test_keys_that_cannot_verify_end_the_start_with_a_sentence(setting: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        jwks_of(setting)


def test_days_are_counted_in_dates_of_the_destination(shop: Served) -> None:
    """At 22:30 UTC on Monday it is Tuesday in Paris already."""
    first = send_saleor(shop, "POST", LIST, BODY).json()
    shop.desk.clock_s.now_s += 16 * 3_600 + 30 * 60  # type: ignore[attr-defined]
    later = send_saleor(shop, "POST", LIST, BODY).json()
    assert first[-1]["maximum_delivery_days"] == 1
    assert later[-1]["metadata"]["deliver_by"][:10] == "2026-06-03"
    assert later[-1]["maximum_delivery_days"] == 1


def test_a_method_that_promises_as_many_days_as_are_needed_stays(steady: Served) -> None:
    body = golden("saleor-filter")[0]["body"]
    for most, gone in ((0, 1), (1, 0)):
        methods = [{"id": "U2hpcHBpbmdNZXRob2Q6MQ==", "maximumDeliveryDays": most}]
        answer = send_saleor(steady, "POST", FILTER, body | {"shippingMethods": methods}).json()
        assert len(answer["excluded_methods"]) == gone


def test_the_subscriptions_select_what_is_read() -> None:
    assert set(SUBSCRIPTIONS) == {"SHIPPING_LIST_METHODS_FOR_CHECKOUT", "CHECKOUT_FILTER_SHIPPING_METHODS"}
    for text, body in zip(SUBSCRIPTIONS.values(), (golden("saleor-list")[0], golden("saleor-filter")[0]), strict=True):
        assert text.count("{") == text.count("}")
        assert fields(body["body"]) <= set(text.replace("{", " ").replace("}", " ").split())


def fields(value: Any) -> set[str]:
    """All names in a document."""
    match value:
        case dict():
            return set(value) | {name for part in value.values() for name in fields(part)}
        case list():
            return {name for part in value for name in fields(part)}
    return set()
