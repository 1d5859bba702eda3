# `make demo` and `make test` do all the set-up that they need, and skip what is done.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := .venv/.packages
STAMP := .venv/.complete

# how many test processes run at once; each engine test starts a cluster of its own
WORKERS ?= 2
# seconds that `make fuzz` breeds specs
FUZZ_SECONDS ?= 1800

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full fuzz lint bench docs down clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1	/' | expand -t 20

setup: $(STAMP)  ## virtual environment and tools; built once per user and version
	@$(BIN)/python -m rehearsal.tools

$(STAMP): $(PACKAGES) pyproject.toml
	@tools/step "install this project into .venv" "5 s" "run make again" \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

$(PACKAGES): requirements.txt
	@tools/step "check for Python 3.11 or newer" "1 s" "install Python 3.11 or newer, or name one: make PYTHON=python3.12 …" \
	  $(PYTHON) -c 'import sys; sys.exit(f"{sys.version} is too old" if sys.version_info < (3, 11) else 0)'
	@tools/step "create the virtual environment in .venv" "5 s" "install Python's venv module (Debian: apt-get install python3-venv)" \
	  $(PYTHON) -m venv .venv
	@tools/step "install pinned Python packages" "2 min" "check that the Python package index can be reached, then run make again" \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	@touch $(PACKAGES)

demo: setup  ## the whole stack on a virtual cluster: deploys, verifies, reports
	@$(BIN)/sdg demo

test: setup lint  ## everything that proves it
	@echo "· unit, graph and policy tests (about 5 min) …"
	@$(BIN)/python -m pytest -q -n $(WORKERS) tests/unit tests/graph tests/policy
	@echo "· engine and fault tests on virtual clusters (about 30 min) …"
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests/engine tests/faults

test-full: test  ## the combinations as well that a release must pass: profiles, machines, data
	@echo "· every combination on virtual clusters (about 90 min) …"
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m full tests

fuzz: .venv-fuzz/.complete  ## specs that coverage breeds, against renderer and validator, for FUZZ_SECONDS; for every night
	@mkdir -p .fuzz/found
	@cp -n tests/data/osmo-specs/*.yaml .fuzz/ 2>/dev/null || true
	@.venv-fuzz/bin/python tests/fuzz/spec.py -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=.fuzz/found/ .fuzz

.venv-fuzz/.complete: requirements-fuzz.txt requirements.txt
	@tools/step "create the virtual environment in .venv-fuzz" "5 s" "install Python's venv module (Debian: apt-get install python3-venv)" \
	  $(PYTHON) -m venv .venv-fuzz
	@tools/step "install pinned Python packages and the fuzzer" "2 min" "check that the Python package index can be reached, then run make again" \
	  .venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-fuzz.txt --editable .
	@touch .venv-fuzz/.complete

lint: setup  ## ruff, mypy and the import rules
	@tools/step "ruff" "1 s" "make lint; most findings are fixed by .venv/bin/ruff check --fix and ruff format" \
	  sh -c '$(BIN)/ruff check . && $(BIN)/ruff format --check .'
	@tools/step "mypy, strict" "20 s" "see the lines above" $(BIN)/mypy
	@tools/step "import rules" "2 s" "see [tool.importlinter] in pyproject.toml" $(BIN)/lint-imports

bench: setup  ## measures what is promised, as a table and .bench/latest.json
	@$(BIN)/sdg bench

docs: $(STAMP)  ## docs/stacks.md and the settings' JSON schema, from the models
	@$(BIN)/sdg docs

down: $(STAMP)  ## stops every rehearsal and removes its state
	@$(BIN)/sdg rehearsal stop --all --purge

clean:  ## stops every rehearsal and removes everything in this folder that was made
	@if [ -x $(BIN)/sdg ]; then $(BIN)/sdg rehearsal stop --all --purge; fi
	@rm -rf .sdg .venv .venv-fuzz .fuzz .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "✓ removed; tools stay in $${XDG_CACHE_HOME:-~/.cache}/sdg for other clones"
