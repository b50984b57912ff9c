"""Keys, scopes, limits: who may call what, and how often."""

import pytest

from api.http.auth import SCOPES, hash_of, loopback, new_key, refuse_open
from engine.domain.errors import InputError
from engine.stock.ledger import Posting
from engine.stock.records_oms import ApiKey
from tests.api.http.served import Served, order
from tests.ledger_twin import LedgerTwin


def guarded(shop: Served) -> list[tuple[str, str, list[str]]]:
    """Method, path and scopes of every operation, as the documentation has them."""
    document = shop.call("GET", "/openapi.json").json()
    return [
        (method.upper(), path, operation["x-scopes"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def test_a_client_without_the_scope_gets_nothing(whole: Served) -> None:
    shop = whole
    tokens = {scope: shop.make_key(scope) for scope in SCOPES}
    tried = 0
    for method, template, scopes in guarded(shop):
        path = template.replace("{", "").replace("}", "")
        if not scopes:
            continue
        assert set(scopes) <= set(SCOPES)
        answers = {None: shop.call(method, path, {}, key="k")}
        answers |= {s: shop.call(method, path, {}, key="k", x_api_key=token) for s, token in tokens.items()}
        assert answers[None].status_code == 401, (method, path)
        for scope in SCOPES:
            refused = answers[scope].status_code == 403
            assert refused == (scope not in scopes), (method, path, scope, answers[scope].text)
            assert not refused or answers[scope].json()["type"] == "/problems/forbidden"
            tried += 1
    assert tried > 200


def test_only_pages_that_explain_and_probes_need_no_key(whole: Served) -> None:
    free = {path for _, path, scopes in guarded(whole) if not scopes}
    assert free == {"/problems", "/problems/{name}", "/health/live", "/health/ready", "/metrics"}


@pytest.mark.parametrize(
    "token", ["x", "sw_", "sw__", "sw_nobody_secret", "pk_a_b", "sw_" + "x" * 300, "sw_\xe9_\xe9", "_" * 50]
)
def test_a_key_that_is_none_is_refused(shop: Served, token: str) -> None:
    shop.make_key("oms")
    for headers in ({b"x-api-key": token.encode("latin-1")}, {b"authorization": b"Bearer " + token.encode("latin-1")}):
        answer = shop.client.get("/v1/reservations", headers=list(headers.items()))
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_secret_of_a_known_key_is_refused(shop: Served) -> None:
    token = shop.make_key("oms")
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 200
    assert shop.call("GET", "/v1/reservations", authorization=f"bearer {token}").status_code == 200
    assert shop.call("GET", "/v1/reservations", x_api_key=token[:-1]).status_code == 401
    assert shop.call("GET", "/v1/reservations", authorization=f"Basic {token}").status_code == 401


def test_without_any_key_this_machine_is_let_in_until_there_is_one(shop: Served) -> None:
    assert shop.call("GET", "/v1/reservations").status_code == 200
    shop.make_key("oms")
    assert shop.call("GET", "/v1/reservations").status_code == 401


def test_without_any_key_a_web_page_cannot_point_its_own_name_at_us(shop: Served) -> None:
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example"):
        answer = shop.call("GET", "/v1/reservations", host=host)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    for host in ("localhost:1", "127.0.0.1", "[::1]:8000"):
        assert shop.call("GET", "/v1/reservations", host=host).status_code == 200


def test_a_server_that_others_reach_does_not_start_without_a_key() -> None:
    ledger = LedgerTwin()
    refuse_open("127.0.0.1", ledger)
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""):
        with pytest.raises(InputError, match="no API key"):
            refuse_open(host, ledger)
    ledger.post([Posting(makes=[new_key("x", ["oms"], 0)[1]])], 0)
    refuse_open("0.0.0.0", ledger)
    assert [loopback(h) for h in ("localhost", "127.8.8.8", "::1", "[::1]")] == [True] * 4


def test_a_revoked_key_is_refused_as_soon_as_it_is_looked_up_again(shop: Served) -> None:
    admin, token = shop.make_key("admin"), shop.make_key("oms")
    key_id = token.split("_")[1]
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 200
    ended = shop.call("DELETE", f"/v1/keys/{key_id}", key="k", x_api_key=admin)
    assert ended.json()["revoked_at"] is not None
    shop.ticks[0] += shop.app.services.settings.key_life_s - 0.1
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 200  # believed still
    shop.ticks[0] += 0.2
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 401


def test_a_key_is_told_once_and_kept_as_a_digest(shop: Served) -> None:
    admin = shop.make_key("admin")
    body = {"name": "shop", "scopes": ["checkout", "oms"], "rate_per_minute": 5}
    first = shop.call("POST", "/v1/keys", body, key="k", x_api_key=admin)
    again = shop.call("POST", "/v1/keys", body, key="k", x_api_key=admin)
    token = first.json()["token"]
    assert (first.status_code, again.status_code, again.json()["token"]) == (201, 201, None)
    assert first.json()["key_id"] == again.json()["key_id"]
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 200
    record = shop.desk.ledger.get(ApiKey, first.json()["key_id"])
    assert record is not None
    secret = token.split("_", 2)[2]
    assert record.secret_hash == hash_of(secret)
    for path in ("/v1/keys", "/v1/audit", f"/v1/keys/{record.key_id}"):
        assert secret not in shop.call("GET", path, x_api_key=admin).text
    assert secret not in again.text


def test_what_is_done_to_keys_is_in_the_audit_trail(shop: Served) -> None:
    admin = shop.make_key("admin")
    made = shop.call("POST", "/v1/keys", {"name": "x", "scopes": ["oms"]}, key="k", x_api_key=admin).json()
    shop.call(
        "DELETE", f"/v1/keys/{made['key_id']}", key="k2", x_api_key=admin, traceparent=f"00-{'1' * 32}-{'2' * 16}-00"
    )
    shop.call("DELETE", f"/v1/keys/{made['key_id']}", key="k3", x_api_key=admin)
    entries = shop.call("GET", f"/v1/audit?subject={made['key_id']}", x_api_key=admin).json()["entries"]
    assert [(e["action"], e["by"]) for e in entries] == [
        ("key.created", admin.split("_")[1]),
        ("key.revoked", admin.split("_")[1]),
    ]
    assert entries[0]["after"] == {"name": "x", "scopes": ["oms"]}
    assert entries[1]["trace_id"] == "1" * 32


def test_a_key_has_known_scopes_only() -> None:
    for scopes in ([], ["root"]):
        with pytest.raises(InputError, match="Scopes"):
            new_key("x", scopes, 0)


def test_a_key_may_call_so_often_a_minute(shop: Served) -> None:
    token, other = shop.make_key("oms", rate_per_minute=3), shop.make_key("oms")
    answers = [shop.call("GET", "/v1/reservations", x_api_key=token) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
    refused = answers[3].json()
    assert (refused["type"], refused["retryable"]) == ("/problems/rate-limited", True)
    assert 1 <= int(answers[3].headers["retry-after"]) <= 61
    assert shop.call("GET", "/v1/reservations", x_api_key=other).status_code == 200
    shop.ticks[0] += 60
    assert shop.call("GET", "/v1/reservations", x_api_key=token).status_code == 200


def test_a_call_beyond_the_limit_does_nothing(shop: Served) -> None:
    token = shop.make_key("oms", rate_per_minute=1)
    shop.call("GET", "/v1/reservations", x_api_key=token)
    assert shop.call("POST", "/v1/allocations", order(), key="k", x_api_key=token).status_code == 429
    assert (shop.desk.state.engine.live.row_reserved == 0).all()
