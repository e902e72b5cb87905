# Needs make and Python ≥ 3.11, nothing else: servers for the tests come as wheels. `make` alone prints the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python that is new enough; `make PYTHON=/path/to/python …` takes another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

VENV := .venv
MODELS_VENV := .venv-models
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Tests run in this many processes: one more than the gate has cores, for a third of the time they wait for others.
TEST_WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal

# Versions and hashes for every platform; no host names, no paths.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet $(LOCK_FLAGS)

.PHONY: help setup demo test faults campaign check format bench models lock upgrade audit sbom clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(READY) ## make .venv from requirements.lock

# Installed without byte code, then compiled on all cores at once: pip would do it on one.
$(VENV)/.locked: requirements.lock
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer, found none; say make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >$(VENV)/compile.log || true # the log names files that are no Python
	touch $@

$(READY): $(VENV)/.locked pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

demo: setup ## score real data, measure it, query it
	$(BIN)/scoring demo

test: setup ## all tests, with private Postgres and Redis servers
	$(PYTEST)

# Each test has processes and servers of its own, and mostly waits for them.
faults: setup ## every fault of the catalogue, and the table of docs/reliability.md; half an hour
	$(PYTEST) -p tests.faults.table -m "fault or exhaustive"

campaign: setup ## random faults over running jobs (SEED=… repeats them), a year of schedules, 100 deaths into a table
	SEED=$(SEED) FAULTS=$(FAULTS) $(BIN)/python -m pytest tests/faults/campaign.py -s
	$(PYTEST) tests/years/campaign.py tests/faults/table_campaign.py -rP

check: setup ## the gate: format, lint, types, imports, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir $(VENV)/.imports
	$(PYTEST)

format: setup ## rewrite the sources as `make check` wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## rows per second of `scoring run` beside the bare libraries
	$(BIN)/python -m benchmarks

# Converters and what trains for them, torch among them, are 7 GB: an environment of their own, that no test needs.
$(MODELS_VENV)/.ready: tests/models/requirements.txt
	$(PYTHON) -m venv --clear $(MODELS_VENV)
	$(MODELS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

models: $(MODELS_VENV)/.ready ## train and convert the models of tests/models again
	$(MODELS_VENV)/bin/python -W ignore -m tests.models.export

# Versions stay as they are unless pyproject.toml asks for others; `make upgrade` takes the newest.
lock: setup ## write requirements.lock, and the two that the image is built from
	$(COMPILE) pyproject.toml --all-extras --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock --output-file deploy/requirements.lock
	echo hatchling | $(COMPILE) - --constraint requirements.lock --output-file deploy/build.lock

upgrade: ## as lock, with the newest versions
	$(MAKE) lock LOCK_FLAGS=--upgrade

audit: setup ## known holes in the packages of the lock; asks the advisory databases
	$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

sbom: setup ## what the image holds, as CycloneDX, in dist/sbom.json
	mkdir -p dist
	$(BIN)/python deploy/sbom.py >dist/sbom.json

clean: ## remove what make made
	rm -rf $(VENV) $(MODELS_VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find scoring workers migrations tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
