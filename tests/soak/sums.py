"""
What must hold in a ledger, added up by plain SQL, without a line of the engine: a second opinion beside its `check`.

    held      units reserved in each stock row are those of the parts that lie on that shelf
    sold      no row has more reserved than is there; none is below 0
    kept      on hand is what it was, plus what the moves say; and of each sku what is there, what left, what is under
              way and what came back comes to what there was
    booked    each cell has the orders and units of the parts that book it, and no more than its node's limits
    once      each reservation has one decision at most; the answers remembered are those that clients were given
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.soak.tally import WHOLE, digest

SHELF = "CASE WHEN p.state = 'ready' AND p.place_no >= 0 THEN p.place_no ELSE p.node_no END"
OPEN = "('held', 'confirmed', 'picked', 'ready')"
LINES = {
    "sqlite": ("json_each(p.lines) AS l", "(l.value ->> 1)", "(l.value ->> 2)"),
    "postgres": (
        "LATERAL json_array_elements(p.lines::json) AS l",
        "(l.value ->> 1)::bigint",
        "(l.value ->> 2)::bigint",
    ),
}
KEY = "({sku} * 1048576 + {node})"


class Sums:
    """Asks a database."""

    def __init__(self, kind: str, connection: Any) -> None:
        self.connection = connection
        self.source, self.sku, self.units = LINES[kind]

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return [tuple(row) for row in self.connection.execute(text).fetchall()]

    def wrong(self, limits: Sequence[tuple[int, int, int]]) -> Iterator[str]:
        """
        What does not hold.

        Parameters
        ----------
        limits
            Of each node in the ledger's order: orders a day, orders and units an hour; -1 where there are none.
        """
        key = KEY.format(sku=self.sku, node=SHELF)
        held = (
            f"SELECT {key} AS key, CAST(sum({self.units}) AS bigint) AS units FROM parts AS p, {self.source} "
            f"WHERE p.state IN {OPEN} GROUP BY 1"
        )
        for row in self.rows(
            f"SELECT s.key, s.reserved, h.units FROM stock AS s FULL JOIN ({held}) AS h ON h.key = s.key "
            "WHERE coalesce(s.reserved, 0) <> coalesce(h.units, 0)"
        ):
            yield f"leaked: stock row {row[0]} has {row[1]} reserved, its parts hold {row[2]}"
        for row in self.rows("SELECT key, on_hand, reserved FROM stock WHERE reserved > on_hand OR reserved < 0"):
            yield f"oversold: stock row {row[0]} has {row[1]} on hand and {row[2]} reserved"
        yield from self._booked(limits)
        for row in self.rows(
            "SELECT reservation_id, count(*) FROM decisions WHERE reservation_id <> '' GROUP BY 1 HAVING count(*) > 1"
        ):
            yield f"decided {row[1]} times: reservation {row[0]}"

    def _booked(self, limits: Sequence[tuple[int, int, int]]) -> Iterator[str]:
        parts = (
            "SELECT node_no, day, CASE WHEN {bit} = 1 THEN -1 ELSE hour END AS hour, "
            "CASE WHEN booked & 4 = 4 THEN 0 ELSE 1 END AS orders, units FROM parts WHERE booked & {bit} = {bit}"
        )
        both = " UNION ALL ".join(parts.format(bit=bit) for bit in (1, 2))
        cells = (
            "SELECT node_no, day, hour, CAST(sum(orders) AS bigint) AS orders, CAST(sum(units) AS bigint) AS units "
            f"FROM ({both}) AS each_part GROUP BY 1, 2, 3"
        )
        for row in self.rows(
            "SELECT c.node_no, c.day, c.hour, c.orders, c.units, p.orders, p.units FROM capacity AS c FULL JOIN "
            f"({cells}) AS p ON (p.node_no, p.day, p.hour) = (c.node_no, c.day, c.hour) "
            "WHERE coalesce(c.orders, 0) <> coalesce(p.orders, 0) OR coalesce(c.units, 0) <> coalesce(p.units, 0)"
        ):
            yield f"capacity: node, day, hour, orders, units are {row[:5]}, the parts book {row[5:]}"
        for node_no, day, hour, orders, units in self.rows("SELECT node_no, day, hour, orders, units FROM capacity"):
            of_day, of_hour, units_of_hour = limits[node_no]
            most, most_units = (of_day, -1) if hour < 0 else (of_hour, units_of_hour)
            if -1 < most < orders or -1 < most_units < units:
                yield f"overdrawn: node {node_no}, day {day}, hour {hour} has {orders} orders and {units} units"

    def on_hand(self) -> dict[int, int]:
        """Units on hand by row."""
        return {int(key): int(units) for key, units in self.rows("SELECT key, on_hand FROM stock")}

    def lost(self, before: dict[int, int]) -> Iterator[str]:
        """Units on hand that moves, and what was shipped and came back, do not account for, since `before`."""
        moved = dict(self.rows("SELECT key, CAST(sum(units) AS bigint) FROM moves GROUP BY 1"))
        now = self.on_hand()
        for key in sorted(before | now | moved):
            expected = before.get(key, 0) + moved.get(key, 0)
            if now.get(key, 0) != expected:
                yield f"lost: stock row {key} has {now.get(key, 0)} on hand, moves say {expected}"
        gone = dict(
            self.rows(
                f"SELECT {self.sku}, CAST(sum({self.units}) AS bigint) FROM parts AS p, {self.source} "
                "WHERE p.state IN ('shipped', 'collected', 'in_transit') GROUP BY 1"
            )
        )
        back = dict(self.rows("SELECT sku_no, CAST(sum(restocked) AS bigint) FROM returns GROUP BY 1"))
        skus = {key >> 20 for key in before | now}
        for sku in sorted(skus):
            was = sum(units for key, units in before.items() if key >> 20 == sku)
            there = sum(units for key, units in now.items() if key >> 20 == sku)
            if was != there + gone.get(sku, 0) - back.get(sku, 0):
                yield (
                    f"lost: of sku {sku} there were {was}; {there} are there, {gone.get(sku, 0)} gone, "
                    f"{back.get(sku, 0)} came back"
                )

    def remembered(self, scope: str) -> tuple[int, int]:
        """How many answers are remembered, and the sum of their digests."""
        number = digests = 0
        cursor = self.connection.cursor()
        cursor.execute(f"SELECT key, body FROM idempotency_keys WHERE scope = '{scope}'")
        while part := cursor.fetchmany(10_000):
            number += len(part)
            digests += sum(digest(key, body.encode()) for key, body in part)
        return number, digests % WHOLE

    def number(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])


@contextmanager
def sums_of(url: str) -> Iterator[Sums]:
    """Ask the database at an address, as it is at one moment."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            connection.execute("BEGIN")
            yield Sums("sqlite", connection)
        finally:
            connection.close()
        return
    with psycopg.connect(url) as postgres:
        postgres.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield Sums("postgres", postgres)
