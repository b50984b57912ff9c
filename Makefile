# Every target sets itself up from nothing: it needs make, a plain Python 3.11 or later and pip, nothing else.
# Another Python: make test PYTHON=python3.12
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
SEED ?= 1
SEEDS ?= 20
RESERVATIONS ?= 1000000
KILLS ?= 200
BROWSERS ?= chromium chromium-browser google-chrome
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Says how far pip has got, a line every ten packages: neither silence nor a page of text.
COUNT := awk '/^Collecting/ { if (++n % 10 == 0) { printf "  %d packages\n", n; fflush() } } END { if (n) printf "  %d packages fetched\n", n; else print "  all in place already" }'

.PHONY: help setup demo serve test browser warm lint bench soak soak-properties soak-reservations soak-kills

help:
	@echo "make setup   .venv with the pinned packages; the other targets do it by themselves"
	@echo "make demo    decide 200 orders on a made-up French network, tables and out/demo/report.html"
	@echo "make serve   the demo's network as a service on http://127.0.0.1:8000, with a ledger of its own"
	@echo "make test    ruff, mypy --strict, then all tests; warnings are errors"
	@echo "make lint    ruff and mypy --strict only"
	@echo "make bench   one order against CP-SAT and HiGHS, durable allocations, the service; quick size"
	@echo "make soak    hours: property tests and strangers with $(SEEDS) more seeds, $(RESERVATIONS) reservations and $(KILLS) kills"
	@echo "             of the service on each store; SEEDS=5 RESERVATIONS=100000 KILLS=20 for less, soak-kills for a part"

setup: .venv/.ready

# Skipped while the stamp is newer than the pinned packages and the project file.
.venv/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "setup: no $(PYTHON) here. Maybe make $(firstword $(MAKECMDGOALS)) PYTHON=python3"; exit 1; }
	@echo "setup 1/3: .venv with $$($(PYTHON) --version)"
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "setup 2/3: the packages of requirements.lock, checked by hash (a minute or two, once)"
	@$(PIP) install --require-hashes -r requirements.lock | $(COUNT)
	@echo "setup 3/3: Sourcewise itself"
	@$(PIP) install --quiet --no-deps -e .
	@touch $@

demo: setup
	@echo "demo: a French network from seed $(SEED), 200 orders; look at out/demo/report.html afterwards"
	@$(BIN)/sourcewise demo --seed $(SEED) --out out/demo

serve: setup
	@echo "serve: the demo's network on http://127.0.0.1:8000; try /demo/checkout, look at /docs, end with Ctrl-C"
	@$(BIN)/sourcewise serve --seed $(SEED)

test: lint warm browser
	@echo "test: all tests, warnings are errors; tests/README.md says which folder tests what"
	@$(BIN)/python -m pytest -n auto

# Pages are tested in a browser, which pip cannot bring. Where it is absent and may not be fetched, those tests skip.
browser:
	@for name in $(BROWSERS); do if command -v $$name >/dev/null; then exit 0; fi; done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "browser: no Chromium on the PATH, so the tests of pages skip; Debian's package chromium has it"; exit 0; fi; \
	echo "browser: installing Debian's package chromium for the tests of pages (a minute or two, once)"; \
	if ! said=$$( { apt-get update -qq -o Acquire::Retries=1 && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq -o Acquire::Retries=1 --no-install-recommends chromium; } 2>&1 ); then \
		echo "$$said" | tail -n 15; \
		echo "browser: FAILED to install chromium, so the tests of pages skip"; fi

# Before the tests, so that their processes find the kernels and do not each compile them.
warm: setup
	@echo "warm: the kernels, compiled once for this source (a minute or two; then kept in the cache folder)"
	@$(BIN)/python -m engine.decide.warm

lint: setup
	@echo "lint: ruff, then mypy --strict; the rules are in pyproject.toml"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup
	@echo "bench: one order, the ledger and the service, quick size; tables and history are in benchmarks/README.md"
	@$(BIN)/python -m benchmarks one-order --quick
	@$(BIN)/python -m benchmarks ledger --quick
	@$(BIN)/python -m benchmarks http --quick

soak: soak-properties soak-reservations soak-kills

soak-properties: warm
	@echo "soak: tests/property and strangers with seeds 1 to $(SEEDS); the first failure stops it and names its seed"
	@for seed in $$(seq 1 $(SEEDS)); do \
		echo "seed $$seed of $(SEEDS)"; \
		$(BIN)/python -m pytest -n auto --hypothesis-profile=soak --hypothesis-seed=$$seed tests/property tests/api/http/test_strangers.py \
			|| { echo "soak: failed with seed $$seed; again: $(BIN)/python -m pytest --hypothesis-profile=soak --hypothesis-seed=$$seed tests/property tests/api/http/test_strangers.py"; exit 1; }; \
	done

soak-reservations: warm
	@echo "soak: $(RESERVATIONS) reservations by 16 clients on few hot rows, on SQLite and on PostgreSQL; a line every ten seconds"
	@$(BIN)/python -m tests.soak reservations --count $(RESERVATIONS) --seed $(SEED) --url sqlite
	@$(BIN)/python -m tests.soak reservations --count $(RESERVATIONS) --seed $(SEED) --url postgres

soak-kills: warm
	@echo "soak: $(KILLS) kills of the service under load on each store, some of sourcewise serve itself, some of PostgreSQL"
	@$(BIN)/python -m tests.soak kills --server $(KILLS) --cli $$(( $(KILLS) / 20 )) --postgres $$(( $(KILLS) / 10 )) --seed $(SEED)
