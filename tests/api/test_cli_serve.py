"""sourcewise serve as a process: it starts without settings, keeps what it said, and ends in order under load."""

import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from engine.adapters.folder import write_network
from engine.adapters.ledger import check, open_ledger
from engine.stock.records import DecisionRecord, EventRecord, Reservation
from tests import builders
from tests.api.serve_cases import Client, Process, command, order, service
from tests.ledgers import server


def ledger_of(state: Path) -> str:
    return f"sqlite:///{state / 'sourcewise' / 'demo-seed1.db'}"


def allocated(process: Process, order_id: str) -> None:
    status, document = process.call("POST", "/v1/allocations", order(order_id), idempotency_key=order_id)
    assert (status, document["status"]) == (200, "allocated")


def test_it_serves_without_settings_says_where_and_ends_with_code_0(tmp_path: Path) -> None:
    with service(tmp_path) as process:
        assert process.call("GET", "/health/ready")[0] == 200
        allocated(process, "o1")
        assert process.end() == 0
        told = "\n".join(process.lines)
    assert "Serving   demo: 84 nodes, 2,000 skus" in told
    assert f"Ledger    {tmp_path / 'sourcewise' / 'demo-seed1.db'}" in told
    assert " event=decision order=o1 outcome=allocated nodes=" in told
    assert "Traceback" not in told


def test_what_was_allocated_is_there_after_a_restart(tmp_path: Path) -> None:
    with service(tmp_path) as process:
        allocated(process, "o1")
        assert process.end(signal.SIGINT) == 0
    with service(tmp_path) as process:
        status, document = process.call("POST", "/v1/allocations", order("o1"), idempotency_key="o1")
        assert (status, document["status"]) == (200, "allocated")
        _, page = process.call("GET", "/v1/events")
        assert len(page["events"]) == 1


def test_under_load_it_drains_and_no_answer_is_lost_or_cut(tmp_path: Path) -> None:
    with service(tmp_path, SOURCEWISE_DRAIN_S="1", SOURCEWISE_LOG_DECISIONS="0") as process:
        clients = [Client(process.port, f"c{i}") for i in range(8)]
        for client in clients:
            client.start()
        pause = threading.Event()
        while sum(len(client.acknowledged) for client in clients) < 200:
            pause.wait(0.01)
        assert process.end() == 0
        for client in clients:
            client.join()
    acknowledged = [name for client in clients for name in client.acknowledged]
    assert [cut for client in clients for cut in client.cut] == []
    assert [status for client in clients for status in client.refused if status != 503] == []
    ledger = open_ledger(ledger_of(tmp_path))
    try:
        decided = {record.order_id for record in ledger.find(DecisionRecord, limit=100_000)}
        held = ledger.find(Reservation, limit=100_000)
        events = ledger.find(EventRecord, limit=100_000)
        assert set(acknowledged) <= decided
        assert len(acknowledged) == len(set(acknowledged)) >= 200
        assert {record.order_id for record in held} <= decided
        assert len(events) == len(decided)
        assert check(ledger) == []
    finally:
        ledger.close()


def test_an_address_that_others_reach_needs_a_key(tmp_path: Path) -> None:
    done = command(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "no API key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "Cannot listen at 127.0.0.1" in done.stderr


def test_several_processes_need_postgresql(tmp_path: Path) -> None:
    done = command(tmp_path, "serve", "--workers", "2")
    assert done.returncode == 2
    assert "postgresql://" in done.stderr


def test_the_settings_are_listed(tmp_path: Path) -> None:
    done = command(tmp_path, "serve", "--help-settings")
    assert done.returncode == 0
    assert {"SOURCEWISE_PORT", "SOURCEWISE_DRAIN_S", "SOURCEWISE_LOG_FORMAT"} <= set(done.stdout.split())


def test_a_key_is_shown_once_works_and_is_revoked(tmp_path: Path) -> None:
    with service(tmp_path, SOURCEWISE_KEY_LIFE_S="0") as process:
        assert process.call("GET", "/v1/events")[0] == 200
        made = command(tmp_path, "keys", "create", "the OMS", "--scope", "oms", "--json")
        key = json.loads(made.stdout)
        listed = command(tmp_path, "keys", "list", "--json")
        assert key["key_id"] in listed.stdout
        assert key["key"] not in listed.stdout
        assert process.call("GET", "/v1/events", authorization=f"Bearer {key['key']}")[0] == 200
        assert process.call("GET", "/v1/webhooks", authorization=f"Bearer {key['key']}")[0] == 403
        assert command(tmp_path, "keys", "revoke", key["key_id"]).returncode == 0
        assert process.call("GET", "/v1/events", authorization=f"Bearer {key['key']}")[0] == 401
        assert command(tmp_path, "keys", "revoke", key["key_id"]).returncode == 2
        assert process.end() == 0


def test_a_ledger_is_checked_upgraded_and_pruned(tmp_path: Path) -> None:
    assert command(tmp_path, "ledger", "check").returncode == 2, "there is none yet"
    with service(tmp_path) as process:
        allocated(process, "o1")
        assert process.end() == 0
    checked = command(tmp_path, "ledger", "check")
    assert (checked.returncode, "All holds" in checked.stdout) == (0, True), checked.stdout + checked.stderr
    assert "already" in command(tmp_path, "ledger", "upgrade").stdout
    assert command(tmp_path, "ledger", "prune").returncode == 0
    ledger = open_ledger(ledger_of(tmp_path))
    with ledger.write_engine.begin() as tx:
        tx.exec_driver_sql("UPDATE stock SET reserved = reserved + 1 WHERE key = (SELECT max(key) FROM stock)")
    ledger.close()
    found = command(tmp_path, "ledger", "check", "--json")
    assert found.returncode == 1
    assert [json.loads(line)["kind"] for line in found.stdout.splitlines()] == ["leaked"]


def test_a_backup_made_while_it_runs_is_restored_elsewhere(tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.backup", tmp_path / "other"
    other.mkdir()
    with service(tmp_path) as process:
        allocated(process, "o1")
        assert command(tmp_path, "ledger", "backup", str(copy)).returncode == 0
        assert command(tmp_path, "ledger", "backup", str(copy)).returncode == 2, "it is there already"
        assert process.end() == 0
    assert command(other, "ledger", "restore", str(copy)).returncode == 0
    assert command(other, "ledger", "restore", str(copy)).returncode == 2, "there is a ledger already"
    ledger = open_ledger(ledger_of(other))
    try:
        assert [record.order_id for record in ledger.find(DecisionRecord)] == ["o1"]
        assert check(ledger) == []
    finally:
        ledger.close()


@pytest.mark.slow
def test_several_processes_share_a_port_count_together_and_end_together(tmp_path: Path) -> None:
    url = server().database()
    with service(tmp_path, "--ledger", url, "--workers", "2", SOURCEWISE_DRAIN_S="1") as process:
        clients = [Client(process.port, f"c{i}") for i in range(6)]
        for client in clients:
            client.start()
        pause = threading.Event()
        while sum(len(client.acknowledged) for client in clients) < 60:
            pause.wait(0.01)
        _, text = process.call("GET", "/metrics")
        counted = [line for line in text.splitlines() if line.startswith("sourcewise_decisions_total{")]
        assert sum(float(line.split()[1]) for line in counted) >= 60
        assert process.end() == 0
        for client in clients:
            client.join()
    assert [cut for client in clients for cut in client.cut] == []
    acknowledged = {name for client in clients for name in client.acknowledged}
    ledger = open_ledger(url)
    try:
        assert acknowledged <= {record.order_id for record in ledger.find(DecisionRecord, limit=100_000)}
        assert check(ledger) == []
    finally:
        ledger.close()


def test_a_folder_that_was_changed_is_published_by_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    write_network(builders.network(), folder)
    with service(tmp_path, str(folder)) as process:
        before = process.call("GET", "/v1/network")[1]
        (folder / "nodes.csv").write_text("node_id,oops\n")
        broken = command(tmp_path, "ledger", "publish", "--network", str(folder))
        assert broken.returncode == 2, broken.stdout
        write_network(builders.network(nodes=(*builders.network().nodes, builders.node("new"))), folder)
        told = command(tmp_path, "ledger", "publish", "--network", str(folder), "--by", "ann")
        assert told.returncode == 0, told.stderr
        after = before
        for _ in range(2_000):  # each is a call, so it takes a while until they are used up
            after = process.call("GET", "/v1/network")[1]
            if after["version"] != before["version"]:
                break
        assert (before["nodes"], after["nodes"]) == (3, 4)
        (entry,) = process.call("GET", "/v1/audit?subject=network:test")[1]["entries"]
        assert (entry["by"], entry["action"]) == ("ann", "publish_network")
        assert process.end() == 0
