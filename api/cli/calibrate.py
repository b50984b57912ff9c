"""sourcewise calibrate: promises that keep their word, out of a delivery history."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.inputs import JsonOption, SeedOption
from api.cli.screen import problems_table, screen, step
from engine.domain.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.adapters.history import History
    from engine.promise.rolling.calibration import Calibration
    from engine.promise.rolling.walk import Walk

DEMO = "demo"
SERVICE = "calibrated"
STILL_UNDER_WAY_DAYS = 30
TESTED_GROUPS = ("all", "band", "weekday", "times")
TRANSIT_COLUMNS = ("service_id", "zone", "earliest", "typical", "latest", "typical_permille", "latest_permille")


def calibrate(
    history: Annotated[str, typer.Argument(help="A .csv, .csv.gz, .parquet or a folder of them, or demo.")],
    as_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for transit.csv, handling.csv, kept.png.")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="Go on from this file where it is there; write it at the end.")
    ] = None,
    test_from: Annotated[str, typer.Option("--from", help="First day whose promises are judged.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last day of the history; later dates are wrong.")] = "",
    country: Annotated[str, typer.Option("--country", help="Of the public holidays, as BR.")] = "",
    bands: Annotated[str, typer.Option("--bands", help="Limits of distance bands, km.")] = "50,200,400,800,1600",
    service: Annotated[str, typer.Option("--service", help="The service_id of the rows of transit.csv.")] = SERVICE,
    seed: SeedOption = 1,
) -> None:
    """
    Walk through past deliveries, promise each order on what was known then, and count how many promises were kept.

    HISTORY has a row per order: order_id, purchased, approved, handed_over, delivered, distance_m (or origin_lat,
    origin_lon, dest_lat, dest_lon), promised, origin_region, region; times are local, empty where it has not happened.
    """
    limits, first_tested = _limits(bands), _day(test_from, "--from")
    read = _read(history, _day(until, "--until"), seed)
    from engine.adapters.calibration_state import write_state
    from engine.promise.rolling.walk import walk

    calibration = _calibration(read, limits, country, state)
    since = calibration.day
    with step(f"Walking through {len(calibration.past):,} orders"):
        walked = walk(calibration)
    report = _report(calibration, walked, first_tested, since, service) | {
        "rows": read.num_rows,
        "left_out": dict(read.left_out),
        "history": history,
    }
    if out:
        _write(out, report, walked, _tested(calibration, walked, first_tested, since))
    if state:
        write_state(state, calibration)
    if as_json:
        print(json.dumps(report))
    else:
        _show(report, read, out)


def _limits(text: str) -> tuple[int, ...]:
    try:
        km = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"--bands ({text}) is no list of numbers.", "write 50,200,400.") from None
    if km != sorted(set(km)) or (km and not 0 < km[0] <= km[-1] < 1e6):
        raise InputError(f"--bands ({text}) does not ascend from above zero.", "write 50,200,400.")
    return tuple(round(limit * 1000) for limit in km)


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{option} ({text}) is no date.", "write 2017-06-01.") from None


def _read(history: str, until: date | None, seed: int) -> "History":
    from engine.adapters.history import History, read_history

    if history != DEMO:
        return read_history(Path(history), until)
    from scenarios.deliveries import made_up_deliveries

    orders = made_up_deliveries(seed)
    return History(orders=orders, num_rows=len(orders), left_out={}, problems=())


def _calibration(read: "History", limits_m: tuple[int, ...], country: str, state: Path | None) -> "Calibration":
    from engine.adapters.calibration_state import read_state
    from engine.promise.rolling.calibration import calibration_of
    from engine.promise.rolling.past import past_of

    if country:
        import holidays  # slow to import

        if country not in holidays.list_supported_countries():
            raise InputError(f"--country ({country}) has no known holidays.", "write two letters, as BR.")
    past = past_of(read.orders, country)
    if state and state.exists():
        calibration = read_state(state)
        if calibration.limits_m != limits_m:
            known = ",".join(str(limit // 1000) for limit in calibration.limits_m)
            raise InputError(f"--bands do not fit the state ({state}), which has ({known}).", "give the same, or none.")
        calibration.take(past)
        return calibration
    return calibration_of(past.since_last_pause(), limits_m)


def _report(calibration: "Calibration", walked: "Walk", first: date | None, since: int, service: str) -> dict[str, Any]:
    from engine.promise.rolling.measure import kept_by_group, lengths_of, retailers_own
    from engine.promise.rolling.past import date_of
    from engine.promise.rolling.today import bands_today
    from engine.promise.rolling.walk import plain_rolling

    today = bands_today(calibration, walked.confidences, service)
    past, test = walked.past, _tested(calibration, walked, first, since)
    report: dict[str, Any] = {
        "orders": len(past),
        "day": date_of(calibration.day).isoformat(),
        "confidences": list(walked.confidences),
        "num_tested": int(test.sum()),
        "today": [
            {
                "zone": band.transit.zone,
                "num": band.num,
                "handling": _row(band.handling),
                "transit": _row(band.transit),
                "promised_days": list(band.promised_days),
            }
            for band in today
        ],
    }
    if test.any():
        surge = walked.surge_weeks()
        kept = kept_by_group(past, walked.days, walked.confidences, test, surge, calibration.limits_m)
        plain = plain_rolling(past, calibration.limits_m)
        both = test & (plain[:, 0] >= 0)
        own = retailers_own(past, test)
        report |= {
            "tested": [
                date_of(int(past.bought_day[test][0])).isoformat(),
                date_of(int(past.bought_day[test][-1])).isoformat(),
            ],
            "kept": [_kept(one) for one in kept],
            "lengths": [_slots(one) for one in lengths_of(past, walked.days, walked.confidences, test)],
            "baseline_rolling": {
                "kept": [_kept(one) for one in kept_by_group(past, plain, walked.confidences, both, surge)]
                if both.any()
                else [],
                "lengths": [_slots(one) for one in lengths_of(past, plain, walked.confidences, both)]
                if both.any()
                else [],
            },
            "retailer": {"kept": _kept(own[0]), "lengths": _slots(own[1])} if own else None,
        }
    return report


def _tested(calibration: "Calibration", walked: "Walk", first: date | None, since: int) -> "NDArray[np.bool_]":
    """
    Which orders are judged.

    Of those that may still be under way nobody can say yet whether they are kept: the fast ones would look good.
    """
    from engine.promise.rolling.measure import judged
    from engine.promise.rolling.past import NEVER, day_of

    past = walked.past
    begin = max(since, day_of(first)) if first else since
    known_until = int(past.arrived_day[past.arrived_day < NEVER].max())
    return judged(past, walked.days, begin, min(calibration.day, known_until - STILL_UNDER_WAY_DAYS))


def _slots(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__slots__}


def _kept(one: Any) -> dict[str, Any]:
    return _slots(one) | {"share": round(one.share, 4), "beyond_chance": one.beyond_chance}


def _row(leg: Any) -> dict[str, Any]:
    return {name: getattr(leg, name) for name in TRANSIT_COLUMNS}


def _write(out: Path, report: dict[str, Any], walked: "Walk", test: "NDArray[np.bool_]") -> None:
    from api.calibration_plot import plot

    out.mkdir(parents=True, exist_ok=True)
    for leg in ("transit", "handling"):
        with (out / f"{leg}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, TRANSIT_COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(band[leg] for band in report["today"])
    plot(out / "kept.png", walked, test)


def _show(report: dict[str, Any], read: "History", out: Path | None) -> None:
    from rich.table import Table

    console = screen()
    left_out = sum(read.left_out.values())
    console.print(f"{read.num_rows:,} rows, {left_out:,} left out, {report['orders']:,} orders to learn from.")
    for reason, num in read.left_out.items():
        console.print(f"  {num:,} {reason}", markup=False)
    if read.problems:
        problems_table(read.problems)
    percents = [f"{c:.0%}" for c in report["confidences"]]
    if report["num_tested"]:
        console.print(
            f"\nPromises of {report['tested'][0]} to {report['tested'][1]}, each on what was known then: share kept "
            f"({report['num_tested']:,} orders; * off beyond chance, 95 %)"
        )
        table = Table("", "orders", *percents, box=None, pad_edge=False, header_style="dim")
        cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for one in report["kept"]:
            if one["group"] in TESTED_GROUPS:
                cells.setdefault((one["group"], one["name"]), []).append(one)
        for (_, name), row in cells.items():
            table.add_row(name, f"{row[0]['num']:,}", *(_share(one) for one in row))
        rolling = [one for one in report["baseline_rolling"]["kept"] if one["group"] == "all"]
        if rolling:
            table.add_row("(a plain rolling quantile)", f"{rolling[0]['num']:,}", *(_share(one) for one in rolling))
        console.print(table)
        console.print("\nDays promised, half of the orders at most / nine of ten / mean; pinball loss")
        lines = [(f"at {one['confidence']:.0%}", one) for one in report["lengths"]]
        if report["retailer"]:
            own = report["retailer"]
            lines.append((f"retailer's own, kept {own['kept']['share']:.1%}", own["lengths"]))
        for name, one in lines:
            loss = "" if name.startswith("retailer") else f"; {one['pinball_days']:.2f}"
            console.print(f"  {name}: {one['days_p50']:.0f} / {one['days_p90']:.0f} / {one['days_mean']:.1f}{loss}")
    else:
        console.print("\nNo promise can be judged yet: give a longer history, or an earlier --from.")
    console.print(f"\nOn {report['day']}, days (transit: earliest, typical, latest; promise: order at noon)")
    table = Table("zone", "known", "handling", "transit", *percents, box=None, pad_edge=False, header_style="dim")
    for band in report["today"]:
        legs = ["-".join(str(band[leg][n]) for n in TRANSIT_COLUMNS[2:5]) for leg in ("handling", "transit")]
        table.add_row(band["zone"], f"{band['num']:,}", *legs, *(str(days) for days in band["promised_days"]))
    console.print(table)
    if out:
        console.print(f"\nWrote {out}/transit.csv (its services run every day: transit_weekdays 1111111).")


def _share(one: dict[str, Any]) -> str:
    return f"{one['share']:.3f}{' *' if one['beyond_chance'] else ''}"
