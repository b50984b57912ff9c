"""What calls look up is found by an index: the desk's thread must not read through all that ever was."""

from pathlib import Path
from typing import Any

import pytest

from engine.adapters.ledger import open_ledger, reading
from engine.desk.cancel import Cancel
from engine.desk.fulfil import Mark
from engine.desk.returns import Return, ReturnedLine
from engine.desk.sweep import Sweep
from engine.stock.lifecycle import Step
from tests import builders
from tests.desk.desk_cases import desk_on
from tests.desk.test_reserve import anywhere, at, hold
from tests.ledgers import url_of


def test_no_call_of_the_life_cycle_scans_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[Any]]] = []
    page = reading.page

    class Telling:
        def __init__(self, raw: Any) -> None:
            self.raw = raw

        def execute(self, text: str, values: list[Any]) -> Any:
            asked.append((text, values))
            return self.raw.execute(text, values)

    ledger = open_ledger(url_of("sqlite", tmp_path))
    with desk_on(builders.network(), ledger) as desk:
        monkeypatch.setattr(reading, "page", lambda dialect, raw, *rest: page(dialect, Telling(raw), *rest))
        desk.ask(hold(at("st", 3), name="r1"))
        desk.ask(hold(anywhere(1), name="r2"))
        desk.ask(hold(at("st", 9), name="r3", partial=True))
        desk.ask(Mark(reservation_id="r1", part=1, step=Step.SHIP))
        desk.ask(Return(return_id="t", node="wh", lines=(ReturnedLine(sku="a", quantity=1),), order_id="o-r1"))
        desk.ask(Cancel(order_id="o-r2"))
        desk.ask(Sweep())
    with ledger.reader() as connection:
        plans = [
            row[3]
            for text, values in asked
            for row in connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[union-attr]
        ]
    ledger.close()
    assert len(asked) >= 8
    assert [plan for plan in plans if plan.startswith("SCAN ") and not plan.startswith("SCAN (subquery")] == []
