# `make run` and `make test` are enough to begin with; both install first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CONTAINER_ENGINE ?= docker
# uv installs several times faster than pip. Both read the same hash-locked list and compile the
# installed packages, which halves the time of every start. A list is whole, so nothing is resolved.
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --compile-bytecode --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
# What an installation adds for its own needs; each has a lock file of its own.
OPTIONAL = s3 gs az otel large distributed
EVERY = --extra train $(OPTIONAL:%=--extra %)
AS_ABOVE = --constraint requirements/bench.txt
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install install-dev run docs test lint check audit sbom client image-test check-slow bench-train bench-serve lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --no-deps --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(INSTALL) --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.run ## make .venv with the packages for running and training

install-dev: $(VENV)/.dev ## the same and the tools for tests and checks

run: install ## install, import MovieLens, train, serve on http://127.0.0.1:8000
	@$(BIN)/recommender demo

# Many tests start the service in a process of its own; compiled once, not by each where Python is told not to write.
# So are the kernels, which each process of pytest would else compile at the same time.
test: install-dev ## install and run the tests (under 10 minutes on 2 cores)
	@$(BIN)/python -m compileall -q app data migrations model tests
	@$(BIN)/python -m tests.kernels
	$(BIN)/pytest

docs: install-dev ## build the documentation as a site, in dist/guide; fails where a link leads nowhere
	@$(BIN)/python -m docs.site dist/guide

lint: install-dev ## style, format, types and security (under 2 minutes)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app model data migrations

check: lint ## the same with the tests and the audit of the locked packages
	$(BIN)/pytest
	@$(BIN)/python -m requirements.audit

audit: install-dev ## known vulnerabilities of all that the SBOM lists; fails without an advisory service
	@$(BIN)/python -m requirements.audit --required

sbom: install-dev ## what an image installs, as CycloneDX 1.6: dist/sbom.cdx.json
	@$(BIN)/python -m requirements.sbom dist/sbom.cdx.json

client: install-dev ## renew clients/openapi.json and the Python client generated from it
	@$(BIN)/python -m clients.generate

image-test: install-dev ## build the images and test them (needs docker, or CONTAINER_ENGINE=podman)
	RECOMMENDER_TEST_CONTAINER_ENGINE=$(CONTAINER_ENGINE) $(BIN)/pytest -n 0 -m slow --override-ini=timeout=1800 tests/image

check-slow: install-dev ## the long proofs: many kills, many splits (up to 45 minutes)
	$(BIN)/pytest -m slow --override-ini=timeout=1800

# PyTorch's build without CUDA, 200 MB instead of 3 GB. If the configured index has none, its rows
# are missing; an installed PyTorch is used.
TORCH ?= torch==2.13.0+cpu

bench-train: install-dev ## cost of training, beside its unavoidable product and other RBMs (15 minutes)
	$(INSTALL) --no-deps --require-hashes -r requirements/bench.txt
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet '$(TORCH)' || echo 'Continuing without PyTorch'
	$(BIN)/python -m benchmarks.train

bench-serve: install-dev ## cost of a response, beside its rivals (4 minutes)
	$(BIN)/python -m benchmarks.serve

# The longest list first; the others take its versions, so that an environment can hold several of them.
lock: ## renew the hash-locked requirements (needs uv)
	$(COMPILE) $(EVERY) --group build --group dev --group bench --output-file requirements/bench.txt
	$(COMPILE:pyproject.toml=) --group build $(AS_ABOVE) --output-file requirements/build.txt
	$(COMPILE) $(AS_ABOVE) --output-file requirements/serve.txt
	$(COMPILE) --extra train --group build $(AS_ABOVE) --output-file requirements/run.txt
	$(COMPILE) --extra train --group docs $(AS_ABOVE) --output-file requirements/docs.txt
	$(COMPILE) $(EVERY) --group build --group dev $(AS_ABOVE) --output-file requirements/dev.txt
	for extra in $(OPTIONAL); do \
	    $(COMPILE) --extra $$extra $(AS_ABOVE) --output-file requirements/$$extra.txt || exit; \
	done

clean: ## remove the environment and caches; var/ (database, models, data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
