# Everything a newcomer needs is `make run` and `make test`; both install first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# uv installs ten times faster than pip; either reads the same hash-locked list.
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test check check-slow bench-train bench-serve lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.run ## make .venv with what running and training need

install-dev: $(VENV)/.dev ## the same with the tools for tests and checks

run: install ## install, import MovieLens, train, serve on http://127.0.0.1:8000
	@$(BIN)/recommender demo

test: install-dev ## install and run the tests (under 10 minutes on 2 cores)
	$(BIN)/pytest

check: install-dev ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

check-slow: install-dev ## the long proofs: many kills, many splits (up to 45 minutes)
	$(BIN)/pytest -m slow --override-ini=timeout=1800

bench-train: install-dev ## an epoch beside its unavoidable product and scikit-learn (5 minutes)
	$(INSTALL) --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks.train

bench-serve: install-dev ## what an answer of the service costs, beside its rivals (2 minutes)
	$(BIN)/python -m benchmarks.serve

lock: ## renew the hash-locked requirements (needs uv)
	$(COMPILE) --output-file requirements/serve.txt
	$(COMPILE) --extra train --group build --output-file requirements/run.txt
	$(COMPILE) --extra train --group build --group dev --output-file requirements/dev.txt
	$(COMPILE) --extra train --group build --group dev --group bench --output-file requirements/bench.txt

clean: ## remove the environment and caches; var/ (database, models, data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
