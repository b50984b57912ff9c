"""A calibration as a file, to be rolled forward later. JSON: floats are read back to the last bit."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.domain.errors import InputError
from engine.promise.rolling.calibration import Calibration
from engine.promise.rolling.feedback import Feedback
from engine.promise.rolling.leg import Leg
from engine.promise.rolling.past import Past

FORMAT = "sourcewise calibration 1"


def write_state(path: Path, calibration: Calibration) -> None:
    """Write what a later run goes on from."""
    past = {f.name: _plain(getattr(calibration.past, f.name)) for f in fields(Past)}
    document = {
        "format": FORMAT,
        "limits_m": calibration.limits_m,
        "first_day": calibration.first_day,
        "day": calibration.day,
        "orders": calibration.orders,
        "swings": calibration.swings,
        "legs": [asdict(leg) for leg in (calibration.handling, calibration.transit)],
        "feedback": _feedback_to_plain(calibration.feedback),
        "past": past,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")


def read_state(path: Path) -> Calibration:
    """
    Read it back.

    Raises
    ------
    InputError
        Where the file is no such state.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise KeyError("format")
        handling, transit = (_leg(leg) for leg in document["legs"])
        return Calibration(
            past=_past(document["past"]),
            limits_m=tuple(document["limits_m"]),
            first_day=document["first_day"],
            day=document["day"],
            handling=handling,
            transit=transit,
            orders=document["orders"],
            swings=[(a, b) for a, b in document["swings"]],
            feedback=_feedback(document["feedback"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"State ({path}) is no calibration state ({FORMAT}): {type(error).__name__} {error}.",
            "give another file, or delete it to start anew.",
        ) from None


def _plain(column: Any) -> Any:
    return column.tolist() if isinstance(column, np.ndarray) else column


def _feedback_to_plain(feedback: Feedback | None) -> dict[str, Any] | None:
    return None if feedback is None else {f.name: _plain(getattr(feedback, f.name)) for f in fields(Feedback)}


def _feedback(document: dict[str, Any] | None) -> Feedback | None:
    if document is None:
        return None
    return Feedback(
        confidences=tuple(document["confidences"]),
        day=document["day"],
        count=np.array(document["count"], dtype=np.float64),
        excess=np.array(document["excess"], dtype=np.float64),
        open=[[(day, order_id, band, weekday) for day, order_id, band, weekday in row] for row in document["open"]],
    )


def _leg(document: dict[str, Any]) -> Leg:
    return Leg(
        **{
            **document,
            "kind_prior": tuple(document["kind_prior"]),
            "done": [tuple(row) for row in document["done"]],
        }
    )


def _past(document: dict[str, Any]) -> Past:
    columns: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("ids", "regions"):
            columns[name] = tuple(value)
        elif name == "country":
            columns[name] = value
        else:
            columns[name] = np.array(value, dtype=np.float64 if name.endswith("_part") else np.int64)
    return Past(**columns)
