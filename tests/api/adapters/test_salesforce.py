"""Salesforce Omnichannel Inventory over HTTP, in Salesforce's words."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.adapters import salesforce
from api.http.call import Call
from engine.desk.ask import Answer, Command, DeskError
from engine.optimise.fewest import Fewest
from tests.api.adapters.platforms import names, platforms, replayed, send
from tests.api.http.served import Served

BASE = "/services/data/v58.0/commerce/"
ACTIONS = f"{BASE}oci/reservation/actions/"
ROUTES = f"{BASE}order-management/routing/actions/find-routes-with-fewest-splits"
PATHS = (
    *(f"{ACTIONS}{verb}" for verb in ("reservations", "releases", "fulfillments", "transfers")),
    f"{BASE}oci/availability/availability-records/actions/get-availability",
    ROUTES,
)


def creation(name: str = "x1", quantity: float = 2, sku: str = "b", at: str = "st") -> dict[str, Any]:
    record = {"stockKeepingUnit": sku, "quantity": quantity, "locationIdentifier": at}
    return {"actionRequestId": name, "createRecords": [record]}


def record(name: str, quantity: float = 1, **changes: Any) -> dict[str, Any]:
    values = {"actionRequestId": name, "reservationId": "x1", "stockKeepingUnit": "b", "quantity": quantity}
    return values | {"locationIdentifier": "st"} | changes


def stock(shop: Served, node: str = "st", sku: str = "b") -> tuple[int, int]:
    row = shop.call("GET", f"/v1/stock/{node}/{sku}").json()
    return row["on_hand"], row["reserved"]


@pytest.mark.parametrize("name", names("salesforce-"))
def test_answers_what_the_golden_file_says(shop: Served, name: str) -> None:
    replayed(shop, name)


def test_is_not_there_unless_it_is_switched_on() -> None:
    with platforms(salesforce_secret="") as shop:
        assert {send(shop, "POST", path, creation()).status_code for path in PATHS} == {404}


def test_without_the_secret_nothing_is_done(shop: Served) -> None:
    for secret in (None, "wrong"):
        for path in PATHS:
            answer = send(shop, "POST", path, creation(), secret=secret)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert stock(shop) == (4, 0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "JSON_PARSER_ERROR"), (b"[]", "INVALID_INPUT"), (b"{}", "INVALID_INPUT")]
)
def test_a_body_that_cannot_be_read_is_told_in_its_words(shop: Served, path: str, body: bytes, code: str) -> None:
    answer = send(shop, "POST", path, body)
    assert (answer.status_code, [one["errorCode"] for one in answer.json()]) == (400, [code])


def test_a_reservation_that_is_repeated_holds_once(shop: Served) -> None:
    first = send(shop, "POST", PATHS[0], creation())
    again = send(shop, "POST", PATHS[0], creation() | {"reservationTime": "2026-06-01T07:00:00Z"})
    assert (first.json()["success"], again.content) == (True, first.content)
    assert stock(shop) == (4, 2)


def test_the_same_reservation_from_many_threads_holds_once(shop: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(shop, "POST", PATHS[0], creation()).json(), range(16)))
    told = {one["errors"][0]["errorCode"] for one in answers if not one["success"]}
    assert told <= {"IDEMPOTENCY_RUNNING"}
    assert any(one["success"] for one in answers)
    assert stock(shop) == (4, 2)


def test_a_reservation_that_could_not_be_is_made_once_it_can(shop: Served) -> None:
    send(shop, "POST", PATHS[0], creation("other", 3))
    assert not send(shop, "POST", PATHS[0], creation()).json()["success"]
    body = {"releaseRecords": [record("r1", 3, reservationId="other")]}
    assert send(shop, "POST", PATHS[1], body).json()["success"]
    assert send(shop, "POST", PATHS[0], creation()).json()["success"]
    assert stock(shop) == (4, 2)


@pytest.mark.parametrize(("verb", "field", "left"), [(1, "release", (4, 1)), (2, "fulfillment", (3, 1))])
def test_a_record_that_is_repeated_is_done_once(shop: Served, verb: int, field: str, left: tuple[int, int]) -> None:
    send(shop, "POST", PATHS[0], creation())
    body = {f"{field}Records": [record("r1")]}
    for _ in range(3):
        assert send(shop, "POST", PATHS[verb], body).json() == {"success": True, "errors": []}
    named = {"reservationId": "x1", f"{field}Records": [record("r1", reservationId=None)]}
    assert send(shop, "POST", PATHS[verb], named).json() == {"success": True, "errors": []}
    assert stock(shop) == left


def test_the_id_of_a_record_is_no_pass_for_another_reservation(shop: Served) -> None:
    send(shop, "POST", PATHS[0], creation("x1", 1))
    send(shop, "POST", PATHS[0], creation("x2", 1))
    for name, success in (("x1", True), ("x2", False)):
        body = {"reservationId": name, "releaseRecords": [record("r1", reservationId=None)]}
        assert send(shop, "POST", PATHS[1], body).json()["success"] is success
    assert stock(shop) == (4, 1)


def test_transfers_that_go_together_are_done_once(shop: Served) -> None:
    send(shop, "POST", PATHS[0], creation())
    moves = [record("t1") | {"fromLocationIdentifier": "st", "toLocationIdentifier": "wh"}]
    for _ in range(2):
        body = {"allOrNothingTransferId": "all-1", "transferRecords": moves}
        assert send(shop, "POST", PATHS[3], body).json()["success"]
    assert (stock(shop), stock(shop, "wh")) == ((4, 1), (50, 1))


def test_a_list_of_records_of_one_reservation_is_done_in_turn(shop: Served) -> None:
    send(shop, "POST", PATHS[0], creation(quantity=30, at="wh"))
    records = [record(f"r{i}", locationIdentifier="wh") for i in range(30)]
    assert send(shop, "POST", PATHS[2], {"fulfillmentRecords": records}).json()["success"]
    assert stock(shop, "wh") == (20, 0)


def test_a_hold_that_ran_out_cannot_be_fulfilled(shop: Served) -> None:
    send(shop, "POST", PATHS[0], creation() | {"expirationSeconds": 60})
    shop.desk.clock_s.now_s += 61  # type: ignore[attr-defined]
    answer = send(shop, "POST", PATHS[2], {"fulfillmentRecords": [record("f1")]}).json()
    assert (answer["success"], answer["errors"][0]["errorCode"]) == (False, "EXPIRED")


def test_what_is_broken_is_no_answer_and_what_was_done_stays_done(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(shop, "POST", PATHS[0], creation())
    real, asked = Call.answer, []

    async def second_fails(call: Call, command: Command, limit_ms: int | None = None) -> Answer:
        asked.append(command)
        if len(asked) == 2:
            raise DeskError("ledger-busy", 503, "The ledger cannot be written now.", retryable=True)
        return await real(call, command, limit_ms)

    body = {"releaseRecords": [record("r1"), record("r2")]}
    with monkeypatch.context() as patch:
        patch.setattr(Call, "answer", second_fails)
        answer = send(shop, "POST", PATHS[1], body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (503, "SERVER_UNAVAILABLE")
    assert (answer.headers["retry-after"], stock(shop)) == ("1", (4, 1))
    assert send(shop, "POST", PATHS[1], body).json()["success"]
    assert stock(shop) == (4, 0)


def test_a_mistake_of_ours_is_told_without_its_insides(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secrets of the house")

    monkeypatch.setattr(Call, "answer", broken)
    answer = send(shop, "POST", PATHS[0], creation())
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (500, "UNKNOWN_EXCEPTION")
    assert "secrets" not in answer.text


def test_of_a_search_that_was_cut_it_says_so(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"locationIdentifier": f"n{i}", "stockKeepingUnit": "a", "quantity": 1} for i in range(3)]
    body = {"orderedQuantities": [{"stockKeepingUnit": "a", "quantity": 2}], "locationAvailableInventory": rows}
    for sets, success in (((), False), (((0, 1),), True)):
        found = Fewest(sets, False)
        monkeypatch.setattr(salesforce, "fewest_places", lambda *_, found=found: found)
        answer = send(shop, "POST", ROUTES, body).json()
        assert (answer["success"], answer["errors"][0]["errorCode"]) == (success, "LIMIT_EXCEEDED")


def test_locations_that_are_in_no_group_are_told_where_no_place_is_named(shop: Served) -> None:
    answer = send(shop, "POST", PATHS[4], {"stockKeepingUnit": "a"}).json()
    assert answer["locations"] == []  # here all are in one
