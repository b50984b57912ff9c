"""Google's local inventory over HTTP, as Google fetches it."""

import csv
from base64 import b64encode
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.http.call import Call
from engine.desk.ask import Answer, Command
from engine.network.model import Offer
from tests.api.adapters.platforms import GOLDEN, SECRET, network, platforms, send
from tests.api.http.served import Served, served

PATH = "/v1/exports/google-local-inventory"


def hold(shop: Served, node: str, sku: str, quantity: int) -> None:
    line = {"line_id": "1", "sku": sku, "quantity": quantity, "node": node}
    body = {"reservation_id": f"{node}-{sku}", "order_id": "o", "lines": [line]}
    assert shop.call("POST", "/v1/reservations", body, key=f"{node}-{sku}").status_code == 201


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


def test_answers_what_the_golden_file_says(shop: Served) -> None:
    hold(shop, "st", "b", 4)
    answer = send(shop, "GET", PATH)
    assert (answer.status_code, answer.content) == (200, (GOLDEN / "google-local-inventory.tsv").read_bytes())
    assert answer.headers["content-type"] == "text/tab-separated-values; charset=utf-8"


def test_is_not_there_unless_it_is_switched_on() -> None:
    with platforms(google_secret="") as shop:
        assert send(shop, "GET", PATH).status_code == 404


def test_is_fetched_with_a_user_and_the_secret_as_password(shop: Served) -> None:
    assert shop.call("GET", PATH, authorization=basic(f"anybody:{SECRET}")).status_code == 200


@pytest.mark.parametrize("given", [None, basic("anybody:wrong"), basic(SECRET), "Basic ?", "Basic", "Bearer wrong"])
def test_without_the_secret_nothing_is_told(shop: Served, given: str | None) -> None:
    answer = shop.call("GET", PATH, **({} if given is None else {"authorization": given}))
    assert (answer.status_code, answer.text) == (401, "The secret is missing or wrong.\n")
    assert answer.headers["www-authenticate"] == 'Basic realm="local inventory"'


def test_the_way_of_picking_up_is_the_callers_to_name(shop: Served) -> None:
    rows = list(csv.DictReader(send(shop, "GET", f"{PATH}?pickup_method=reserve").text.splitlines(), delimiter="\t"))
    assert {row["pickup method"] for row in rows} == {"reserve"}
    answer = send(shop, "GET", f"{PATH}?pickup_method=drone")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert "drone" in answer.text


def test_after_hours_the_goods_are_ready_the_next_day(shop: Served) -> None:
    for hours, sla in ((13, "next day"), (24 * 5, "2-day")):  # Monday 21:00; Saturday 21:00, closed on Sunday
        shop.desk.clock_s.now_s += 3_600 * hours  # type: ignore[attr-defined]
        rows = list(csv.DictReader(send(shop, "GET", PATH).text.splitlines(), delimiter="\t"))
        assert {row["pickup sla"] for row in rows} == {sla}


def test_a_network_without_stores_has_a_file_without_rows() -> None:
    nodes = tuple(replace(node, offers=(Offer.SHIP,)) for node in network().nodes)
    with served(replace(network(), nodes=nodes), google_secret=SECRET) as shop:
        assert send(shop, "GET", PATH).text.count("\n") == 1


@pytest.mark.parametrize("good", [0, 1])
def test_what_is_broken_is_no_short_file(shop: Served, monkeypatch: pytest.MonkeyPatch, good: int) -> None:
    real, asked = Call.answer, []

    async def fails(call: Call, command: Command, limit_ms: int | None = None) -> Answer:
        asked.append(command)
        if len(asked) > good:
            raise RuntimeError("secrets of the house")
        return await real(call, command, limit_ms)

    monkeypatch.setattr(Call, "answer", fails)
    if good:  # a file that breaks off is told by a transfer that does not end
        with pytest.raises(httpx.RemoteProtocolError):
            send(shop, "GET", PATH)
        return
    answer = send(shop, "GET", PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert "secrets" not in answer.text


def test_other_methods_are_refused_in_text(shop: Served) -> None:
    answer: Any = send(shop, "POST", PATH, {})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
