# `make` alone lists what there is. Everything runs in ./.venv, which each target makes for itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
.DEFAULT_GOAL := help
.PHONY: help demo test check audit format bench faults faults-full invoke package services clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.local  ## the main job on this machine: embedded SLS -> Splunk HEC and syslog, with the ledger
	@$(BIN)/logferry demo $(ARGS)

test: $(VENV)/.dev  ## all tests (absent services are skipped and listed; LOGFERRY_REQUIRE_SERVICES=1 makes them failures)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev  ## lint, types, import contracts; lock files, licences, secrets in the tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m checks

audit: $(VENV)/.dev  ## yanked versions and known vulnerabilities of the locked wheels (asks the internet; docs/security.md)
	$(BIN)/python -m checks audit

format: $(VENV)/.dev  ## put the code into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev  ## speed and memory, as ratios within one run; table and JSON
	$(BIN)/python -m bench $(ARGS)

cost: $(VENV)/.dev  ## what a GB costs on both clouds, from what is measured here; table and formula
	$(BIN)/python -m bench.cost $(ARGS)

faults: $(VENV)/.dev  ## every fault met once, for real: nothing lost, the stated fate (part of CI; under two minutes)
	$(BIN)/python -m faults $(ARGS)

faults-full: $(VENV)/.dev  ## every fault on every way to every destination; writes docs/faults.md
	$(BIN)/python -m faults --full --docs $(ARGS)

invoke: $(VENV)/.local  ## a function by hand: make invoke FUNCTION=forward EVENT=events/forward/sls_trigger.fc.json
	@$(BIN)/logferry invoke $(or $(FUNCTION),forward) --event $(or $(EVENT),events/forward/sls_trigger.fc.json) $(ARGS)

package: $(VENV)/.local  ## zips and layers for both clouds; ARGS=--sizes tells what each function fetches
	@.ci/python312 --if-needed
	@$(BIN)/logferry package $(ARGS)

services:  ## the outside programs that the tests use (Debian; root or sudo)
	.ci/services

clean:  ## what can be made again
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Debian's Python has no ensurepip without python3-venv: then the pip that is there puts one into the new place.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
		|| { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }

$(VENV)/.local: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) (once; some seconds)" >&2
	@$(PIP) install -q --use-pep517 -e '.[local]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) with all test tools (once; a minute or so)" >&2
	@$(PIP) install -q --use-pep517 -e '.[dev]'
	@touch $@ $(VENV)/.local
