# `make demo` shows the platform at work, `make test` proves it. Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements.lock | cksum | cut -d' ' -f1)
ORDERS ?= 50
SEED ?= 1
SEEDS ?= 10
MINUTES ?= 10

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("MallBots needs Python 3.11 or newer: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python tools/install_command.py
	@rm -f $(VENV)/.ready-*; touch $@

setup: $(READY)  ## make .venv with the locked dependencies

demo: setup  ## six services, 50 orders, one order's flow as a tree, the invariants
	@$(BIN)/mallbots demo --orders $(ORDERS) --seed $(SEED)

observe: setup  ## the mall with customers and faults, and Prometheus, Jaeger, Grafana as far as they are here (MINUTES=10)
	@$(BIN)/mallbots observe --minutes $(MINUTES) --seed $(SEED) $(ARGS)

test: setup  ## every test, in parallel
	@$(BIN)/python -m pytest -n auto --dist worksteal -q $(ARGS)

lint: setup  ## format, lint, types, import contracts, generated code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@PYTHONPATH=.:platform $(BIN)/lint-imports

crash: setup  ## a process killed at every labelled place, ten seeds each
	@MALLBOTS_CRASH_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n auto --dist worksteal -q tests/crash $(ARGS)

chaos: setup  ## a demo in which everything is killed, cut and emptied
	@$(BIN)/mallbots demo --chaos --orders $(ORDERS) --seed $(SEED) $(ARGS)

soak: setup  ## ten minutes of customers and trouble, memory flat
	@$(BIN)/mallbots soak --seed $(SEED) $(ARGS)

prove: setup  ## break every promise on purpose: does its test notice?
	@$(BIN)/python -m tools.prove $(ARGS)

load: setup  ## customers, staff and robots over gRPC, and a verdict (FAULT=slow-handler, LOAD="--shape ramp")
	@$(BIN)/python -m loadtests $(if $(FAULT),--fault "$(FAULT)") $(LOAD)

dashboards: setup  ## generate the dashboards and rules anew
	@$(BIN)/python -m dashboards

settings: setup  ## write docs/settings.md anew
	@$(BIN)/python -m tools.settings_page

bench: setup  ## what an event costs, against others, as ratios within one run
	@$(BIN)/python -m loadtests.bench $(ARGS)

node_modules/.bin/buf: package-lock.json
	@npm ci --silent

lint-protos: setup node_modules/.bin/buf  ## lint every .proto, and look for breaking changes (needs npm)
	@$(BIN)/python tools/lint_protos.py

check: lint test  ## all that CI runs

proto: setup  ## generate Python from every .proto
	@$(BIN)/python tools/generate_protos.py

lock:  ## resolve requirements.lock anew (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev pyproject.toml --no-header --no-annotate -o requirements.lock

clean:  ## remove what make made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help setup demo observe test crash chaos soak prove load dashboards settings bench lint-protos lint check proto lock clean
.DEFAULT_GOAL := help
