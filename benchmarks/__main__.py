"""`python -m benchmarks NAME`; without a name it tells them."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    cold_start,
    compare,
    explain,
    growth,
    http,
    ledger,
    near,
    one_order,
    promise100,
    promises,
    quotes,
    record,
    replay,
)
from benchmarks.record import Figures
from benchmarks.worlds import Spec, data_folder
from engine.decide.warm import is_warm, warm_up
from engine.domain.errors import InputError


def main(arguments: list[str] | None = None) -> None:
    """Run one benchmark; with --json the last line printed is one JSON object."""
    given = _parser().parse_args(arguments)
    try:
        data = data_folder(given.data)
    except InputError as error:
        sys.exit(str(error))
    spec = Spec(data=data.resolve() if data else None, count=0, seed=given.seed)
    partly = getattr(given, "network", "all") != "all"  # a part of the comparison stays out of the history, too
    results = record.folder(given.results, quick=given.quick or partly)
    if given.benchmark != "promises" and not is_warm():
        print("Compiling kernels, once per machine (about a minute) …", file=sys.stderr)
        warm_up(lambda name, done, total: None)
    figures: Figures
    if given.benchmark == "one-order":
        figures = _one_order(spec, given, results)
    elif given.benchmark == "growth":
        sizes_of_growth = growth.QUICK if given.quick else growth.FULL
        figures = growth.run(sizes_of_growth, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "compare":
        sizes_of_comparison = compare.QUICK if given.quick else compare.FULL
        if given.network != "all":
            sizes_of_comparison = replace(sizes_of_comparison, networks=(given.network,))
        workers = given.workers or min(2, os.cpu_count() or 1)
        figures = compare.run(
            spec.data, sizes_of_comparison, seed=given.seed, results=results, quick=given.quick, workers=workers
        )
    elif given.benchmark == "explain":
        sizes_of_reasons = explain.QUICK if given.quick else explain.FULL
        figures = explain.run(spec.data, sizes_of_reasons, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "ledger":
        sizes_of_ledgers = ledger.QUICK if given.quick else ledger.FULL
        figures = ledger.run(spec.data, sizes_of_ledgers, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "http":
        sizes_of_http = http.QUICK if given.quick else http.FULL
        figures = http.run(spec.data, sizes_of_http, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "quotes":
        sizes_of_quotes = quotes.QUICK if given.quick else quotes.FULL
        figures = quotes.run(spec.data, sizes_of_quotes, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "near":
        sizes_of_calls = near.QUICK if given.quick else near.FULL
        figures = near.run(spec.data, sizes_of_calls, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "promise100":
        sizes_of_pages = promise100.QUICK if given.quick else promise100.FULL
        figures = promise100.run(spec.data, sizes_of_pages, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "replay":
        sizes_of_journals = replay.QUICK if given.quick else replay.FULL
        figures = replay.run(spec.data, sizes_of_journals, seed=given.seed, results=results, quick=given.quick)
    elif given.benchmark == "promises":
        figures = promises.run(spec.data, seed=given.seed, results=results, quick=given.quick)
    else:
        figures = cold_start.run(spec.data, seed=given.seed, results=results, quick=given.quick)
    if given.json:
        print(json.dumps(figures))


def _one_order(spec: Spec, given: argparse.Namespace, results: Path) -> Figures:
    """What the peers of a full run have done is kept, so that it may go on where it was cut."""
    sizes = one_order.QUICK if given.quick else one_order.FULL
    workers = given.workers or min(2, os.cpu_count() or 1)
    kept = None if given.quick else record.RESULTS_QUICK / "race"
    try:
        figures = one_order.run(
            spec, sizes, workers=workers, results=results, quick=given.quick, kept=kept, resume=given.resume
        )
    except InputError as error:
        sys.exit(str(error))
    if not given.quick and given.results is None:
        record.add_row(record.README, figures, spec.seed)
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = parser.add_subparsers(dest="benchmark", required=True)
    for name, text in (
        ("one-order", "speed of one order on the US network, beside CP-SAT and HiGHS"),
        ("growth", "100 to 5,000 nodes, 1 to 40 lines, memory of 5,000 nodes x 200,000 skus"),
        ("cold-start", "a fresh process of the command line, to its decision"),
        ("explain", "the why-not of every node, and counterfactuals put to the test"),
        ("ledger", "durable allocations and the stock feed on SQLite and PostgreSQL, several processes, starting"),
        ("http", "requests through HTTP beside an empty endpoint, at rates, in bulk"),
        ("quotes", "what can be offered for a cart: speed here and through HTTP, exactness, what is kept"),
        ("near", "which stores near somebody have skus now, put to the test"),
        ("promise100", "what can be promised of 100 skus to one postcode, put to the test; through HTTP, too"),
        ("replay", "what recording a decision adds, and 10,000 decided again bit for bit"),
        ("compare", "our decisions beside the rules that shops use, on the same orders and stock"),
        ("promises", "promised dates walked through a delivery history: shares kept, days promised"),
    ):
        one = names.add_parser(name, help=text)
        one.add_argument("--quick", action="store_true", help="small sizes, at most about a minute")
        one.add_argument("--json", action="store_true", help="end with a line of JSON")
        one.add_argument("--data", type=Path, help="folder of real data; ../shared/data where it is there")
        one.add_argument("--seed", type=int, default=1)
        one.add_argument("--results", type=Path, help="folder of the history and the plot")
        if name in ("one-order", "compare"):
            one.add_argument("--workers", type=int, default=0, help="processes; two without it")
        if name == "compare":
            one.add_argument("--network", choices=("all", *compare.NETWORKS), default="all", help="all without it")
        if name == "one-order":
            one.add_argument("--resume", action="store_true", help="go on with the peers of a full run that was cut")
    return parser


if __name__ == "__main__":
    main()
