"""What every adapter has from the common base, on a made-up platform that signs its bodies."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from fastapi import Response

from api.adapters.base import Adapter, ForeignBody, Trouble, body_of
from api.http.app import ADAPTERS
from api.http.call import Call, Ready
from api.http.settings import Settings
from tests.api.http.served import Served, served

PATH = "/adapters/made-up"
SECRET = "opensesame"


class Body(ForeignBody):
    """Of the made-up platform."""

    units: int


def signed(call: Call, secret: bytes) -> bool:
    """An HMAC of the body, in hexadecimal."""
    made = hmac.new(secret, call.body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(call.headers.get(b"x-signature", b""), made)


def tell(trouble: Trouble) -> tuple[int, bytes]:
    """All that is told of an error."""
    found = [[one.pointer, one.code] for one in trouble.errors]
    return trouble.status, msgspec.json.encode({"kind": trouble.kind, "fields": found})


@pytest.fixture
def done() -> list[int]:
    """What was done."""
    return []


@pytest.fixture
def shop(done: list[int]) -> Iterator[Served]:
    made_up = Adapter("made-up", tell, proof=signed, signs_body=True)

    @made_up.add("POST", PATH, f"{PATH}/{{name:id}}")
    async def act(call: Call, path: Mapping[str, str]) -> Response:
        done.append(body_of(call, Body).units)
        return Ready(msgspec.json.encode(dict(path)))

    with served(body_bytes_max=1_024) as running:
        made_up.add_to(running.app, SECRET)
        yield running


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_what_is_signed_is_done_and_more_than_we_know_is_passed_over(shop: Served, done: list[int]) -> None:
    body = b'{"units": 3, "colour": "red"}'
    assert shop.call("POST", PATH, body, x_signature=signature(body)).json() == {}
    assert shop.call("POST", f"{PATH}/a%2Fb", body, x_signature=signature(body)).json() == {"name": "a/b"}
    assert done == [3, 3]


@pytest.mark.parametrize(
    "given",
    ["", "0", signature(b'{"units": 4}'), signature(b'{"units": 3}', "other"), signature(b'{"units": 3}') + "0"],
)
def test_of_a_wrong_signature_nothing_is_done(shop: Served, done: list[int], given: str) -> None:
    answer = shop.call("POST", PATH, b'{"units": 3}', x_signature=given)
    assert (answer.status_code, answer.json()["kind"], done) == (401, "unauthenticated", [])


def test_fields_that_are_wrong_are_named(shop: Served, done: list[int]) -> None:
    body = b'{"units": "many"}'
    answer = shop.call("POST", PATH, body, x_signature=signature(body))
    assert (answer.status_code, answer.json()["fields"], done) == (422, [["/units", "int_parsing"]], [])


@pytest.mark.parametrize(
    ("method", "body", "kind"),
    [
        ("PUT", b"{}", "method-not-allowed"),
        ("POST", b" " * 2_000, "too-large"),
        ("POST", b"{", "malformed"),
        ("POST", b'{"units": 1, "name": "\\u0000"}', "validation"),
    ],
)
def test_whatever_goes_wrong_is_told_in_the_platforms_words(
    shop: Served, done: list[int], method: str, body: bytes, kind: str
) -> None:
    answer = shop.call(method, PATH, body, x_signature=signature(body))
    assert (answer.json()["kind"], done) == (kind, [])


def test_each_adapter_has_a_secret_of_its_own_that_is_empty_by_default() -> None:
    for adapter in ADAPTERS:
        assert getattr(Settings(_env_file=None), adapter.setting).get_secret_value() == ""


def test_a_secret_is_read_from_the_environment_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCEWISE_MAGENTO_SECRET", SECRET)
    settings = Settings(_env_file=None)
    assert settings.magento_secret.get_secret_value() == SECRET
    assert SECRET not in repr(settings)
