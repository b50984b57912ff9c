"""What the ledger holds, in short, for tests of the desk."""

from engine.stock.ledger import Ledger, key_parts
from engine.stock.records import ENDED, EventRecord, Part


def shelf(ledger: Ledger) -> dict[tuple[int, int], tuple[int, int]]:
    """On hand and reserved by node and sku number; rows that never were are left out."""
    found = ledger.load(0)
    out = {}
    for key, on_hand, reserved in zip(found.key.tolist(), found.on_hand.tolist(), found.reserved.tolist(), strict=True):
        sku_no, node_no = key_parts(key)
        out[node_no, sku_no] = on_hand, reserved
    return out


def reserved(ledger: Ledger) -> int:
    """Units reserved anywhere."""
    return sum(units for _, units in shelf(ledger).values())


def booked(ledger: Ledger) -> dict[tuple[int, int], tuple[int, int]]:
    """Orders and units by node and hour (-1: the day), days summed, without zeros."""
    out: dict[tuple[int, int], tuple[int, int]] = {}
    for node_no, _, hour, orders, units, _, _ in ledger.load(0).capacity.tolist():
        before = out.get((node_no, hour), (0, 0))
        out[node_no, hour] = before[0] + orders, before[1] + units
    return {at: cell for at, cell in out.items() if cell != (0, 0)}


def parts(ledger: Ledger, *, open_only: bool = False) -> list[Part]:
    """All parts by reservation."""
    return [part for part in ledger.find(Part, limit=10_000) if not (open_only and part.state in ENDED)]


def states(ledger: Ledger) -> dict[tuple[str, int], str]:
    """State by reservation and part."""
    return {(part.reservation_id, part.part): part.state for part in parts(ledger)}


def events(ledger: Ledger) -> list[str]:
    """Types of events in the order in which they became true."""
    return [event.type for event in ledger.find(EventRecord, limit=10_000)]
