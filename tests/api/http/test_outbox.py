"""Places in the stream of events, and targets of webhooks."""

import asyncio

import pytest

from api.http.targets import TargetError, check_url, is_public, target_of
from engine.desk.outbox import EventMark, cloud_event, cursor_of, latest, mark_at, mark_of, page, types_of
from engine.domain.errors import InputError
from engine.stock.ledger import Ledger, Posting
from engine.stock.records import EventRecord
from tests.api.http.ops_cases import NOW_S, event, happened


def test_pages_of_events_neither_repeat_nor_leave_out(ledger: Ledger) -> None:
    happened(ledger, *(event(f"o{i}") for i in range(25)))
    mark, seen = EventMark(), []
    while found := page(ledger, mark, limit=4):
        seen += [record.subject for record in found]
        mark = mark_at(cursor_of(mark_of(found[-1])))
    assert seen == [f"o{i}" for i in range(25)]


def test_the_latest_place_is_that_of_the_last_event(ledger: Ledger) -> None:
    assert latest(ledger) == EventMark()
    for i in range(9):
        happened(ledger, event(f"o{i}"))
        (last,) = page(ledger, EventMark(), limit=100)[-1:]
        assert latest(ledger) == mark_of(last)
    assert page(ledger, latest(ledger)) == []


def test_the_latest_place_is_found_where_old_events_were_dropped(ledger: Ledger) -> None:
    happened(ledger, *(event(f"o{i}") for i in range(30)))
    old = ledger.find(EventRecord, {"event_no__lt": 14}, limit=100)
    ledger.post([Posting(drops=list(old))], NOW_S)
    assert latest(ledger).event_no == 30


def test_a_page_of_some_types_has_no_others(ledger: Ledger) -> None:
    happened(ledger, event("1"), event("2", "stock.adjusted.v1"), event("3"), event("4", "node.changed.v1"))
    wanted = types_of(["io.sourcewise.stock.adjusted.v1", "node.changed.v1"])
    assert [record.subject for record in page(ledger, EventMark(), types=wanted)] == ["2", "4"]


def test_the_sequence_of_later_events_is_greater_as_text() -> None:
    texts = [cloud_event(EventRecord(event_no=n, type="a.b", subject="", at_s=0, data_json="1"), "/s") for n in (9, 10)]
    assert b'"sequence":"00000000000000000009"' in texts[0]
    assert b'"sequence":"00000000000000000010"' in texts[1]
    assert b'"subject"' not in texts[0], "an empty subject is none"


@pytest.mark.parametrize(
    "cursor", ["x", "WzEsMg", "WyJhIiwyXQ", "Wy0xLDJd", "WzEsLTJd", "é", "WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InputError, match="none of ours"):
        mark_at(cursor)


@pytest.mark.parametrize("name", ["", "Decision", "decision", "a..b", "a.b c", "io.sourcewise."])
def test_a_type_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="Type of event"):
        types_of([name])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "shop", "http://shop.example.com/", "ftp://shop.example.com/", "https://", "https://127.0.0.1/",
        "https://[::1]/", "https://localhost/", "https://db/", "https://x.internal/", "https://a:b@shop.example.com/",
        "https://2130706433/", "https://169.254.169.254/latest", "https://shop.example.com/#x", "https://exa mple.com/",
        "https://shop.example.com/" + 2_000 * "a", "file:///etc/passwd", "https://[::ffff:10.0.0.1]/", "https://10.0.0.1./",
    ],
)  # fmt: skip
def test_an_address_that_webhooks_may_not_have_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        check_url(url)


def test_a_public_https_address_is_kept_as_it_is() -> None:
    assert check_url("https://shop.example.com:8443/hooks?a=1") == "https://shop.example.com:8443/hooks?a=1"


def test_a_setting_lets_webhooks_inside() -> None:
    assert check_url("http://127.0.0.1:8080/", private=True) == "http://127.0.0.1:8080/"


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        assert (host, port) == ("shop.example.com", 443)
        return ["93.184.215.14"]

    target = asyncio.run(target_of("https://shop.example.com/x?y=1", lookup=lookup))
    assert str(target.url) == "https://93.184.215.14/x?y=1"
    assert (target.host, target.sni) == ("shop.example.com", "shop.example.com")


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.215.14", "::1"], []])
def test_a_name_that_leads_inside_by_any_of_its_addresses_is_refused(addresses: list[str]) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return addresses

    with pytest.raises(TargetError):
        asyncio.run(target_of("https://shop.example.com/", lookup=lookup))


def test_a_name_that_leads_nowhere_is_said_to() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(TargetError, match="cannot be found"):
        asyncio.run(target_of("https://shop.example.com/", lookup=lookup))
