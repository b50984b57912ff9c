"""The soaks in short, every day; and that what they look for would be found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from time import time

import pytest

from engine.adapters.ledger import SqlLedger, open_ledger
from tests.ledgers import url_of
from tests.postgres import Postgres
from tests.soak.calls import SCOPE
from tests.soak.crash import crash
from tests.soak.kills import TIMES, Round
from tests.soak.reservations import LIMITS, Soak
from tests.soak.servers import Nursery
from tests.soak.sums import Sums

pytestmark = pytest.mark.slow
RESERVATIONS, CLIENTS = 1_200, 16
KILLS, CRASHES, CALLERS = 4, 2, 4
SPOILT = {
    "UPDATE stock SET reserved = reserved - 1 WHERE reserved > 0": "leaked",
    "UPDATE stock SET reserved = on_hand + 1": "oversold",
    "UPDATE stock SET on_hand = on_hand + 1": "lost",
    "DELETE FROM moves WHERE move_no = (SELECT max(move_no) FROM moves)": "lost",
    "UPDATE capacity SET orders = orders + 1": "capacity",
    "UPDATE capacity SET units = units + 100": "overdrawn",
}


@contextmanager
def spoiling(ledger: SqlLedger) -> Iterator[Sums]:
    """Sums by a connection on which things may be changed that nobody else will see."""
    with ledger.write_engine.connect() as connection:
        connection.begin()
        kind = "sqlite" if ledger.dialect == "sqlite" else "postgres"
        yield Sums(kind, connection.connection.driver_connection)
        connection.rollback()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_many_clients_on_few_rows_oversell_and_leak_nothing_and_are_told_the_same_again(
    store: str, tmp_path: Path
) -> None:
    processes = 1 if store == "sqlite" else 2
    soak = Soak(
        url=url_of(store, tmp_path), count=RESERVATIONS, clients=CLIENTS, processes=processes, phases=2, quiet=True
    )
    soak.run()
    assert soak.tally.wrong == []
    counts = soak.tally.counts
    assert counts["asked"] == RESERVATIONS
    wanted = ("held", "refused: insufficient-stock", "repeated at once", "repeated later", "repeated after a restart")
    assert min(counts[name] for name in wanted) > 5, counts
    ledger = open_ledger(soak.url)
    try:
        for text, kind in SPOILT.items():
            with spoiling(ledger) as sums:
                sums.connection.execute(text)
                found = [*sums.wrong(LIMITS), *sums.lost(soak.before)]
            assert any(wrong.startswith(kind) for wrong in found), (text, found)
        with spoiling(ledger) as sums:
            sums.connection.execute("UPDATE idempotency_keys SET body = replace(body, '1', '2')")
            number, digests = sums.remembered(SCOPE)
        assert number == soak.tally.done
        assert digests != soak.tally.digests
    finally:
        ledger.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_what_was_acknowledged_is_there_after_kills_of_the_service_and_of_postgresql(
    store: str, tmp_path: Path
) -> None:
    numbers = count()
    as_of = datetime.fromtimestamp(time() // 3600 * 3600, tz=UTC) - timedelta(days=1)
    servers = Nursery(TIMES, as_of)
    try:
        with Postgres.started() as server:

            def fresh() -> str:
                return f"sqlite:///{tmp_path}/{next(numbers)}.db" if store == "sqlite" else server.database()

            def course(kills: int, fatal: Callable[[], float] | None) -> Round:
                made = Round(servers, fresh, tmp_path / str(kills), seed=1, callers=CALLERS, per_ledger=KILLS)
                made.folder.mkdir()
                made.run(kills, lambda text: None, fatal)
                return made

            courses = [course(KILLS, None)]
            if store == "postgres":
                courses.append(course(CRASHES, partial(crash, server)))
    finally:
        servers.close()
    for one in courses:
        assert one.tally.wrong == []
        assert one.tally.counts["acknowledged"] > 20
        assert one.tally.counts["repeated"] > 10
    assert courses[0].tally.counts["kills under load"] == KILLS
