# One command for each thing; every one of them makes what it needs first. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# What is checked as Python: everything but what tools made.
SOURCES := connector mappings webhooks templates tests benchmarks scripts
# Tests that share something costly (a browser, the ports of the demo) stay together in one of these: xdist_group.
TEST_PROCESSES ?= 2

.PHONY: help demo serve test check format bench browser package-tools clean

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## Show the whole way of a deal on this machine (ONCE=1: end after the summary).
	@$(BIN)/python -m connector demo $(if $(filter-out 0 no false,$(ONCE)),--once)

serve: $(VENV)/.installed ## Run the web server with the worker, with the settings in config.toml.
	@$(BIN)/python -m connector serve --with-worker

test: $(VENV)/.installed-test browser package-tools ## Run all tests (ARGS="-k words" for some).
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadgroup $(ARGS)

check: $(VENV)/.installed-test ## Check format, lint and types, then run all tests.
	@$(BIN)/python -m ruff format --check $(SOURCES)
	@$(BIN)/python -m ruff check $(SOURCES)
	@$(BIN)/python -m mypy
	@$(MAKE) --no-print-directory test

format: $(VENV)/.installed-test ## Bring all Python files into form.
	@$(BIN)/python -m ruff format $(SOURCES)
	@$(BIN)/python -m ruff check --fix $(SOURCES)

bench: $(VENV)/.installed-test ## Measure requests and orders per second (a few minutes).
	@$(BIN)/python -m benchmarks $(ARGS)

browser: ## Make sure that a Chromium is here for the browser tests.
	@.ci/ensure-browser

package-tools: ## Make sure that the checks of the Salesforce package can run.
	@.ci/ensure-package-tools

clean: ## Remove the virtual environment and what tools left behind.
	@rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The environment is made again when its Python is gone, and filled again when the list of packages changes.
$(BIN)/python:
	@.ci/make-venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing the product into $(VENV) (once; takes a minute or two)."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "Installing the product and its test tools into $(VENV) (once; takes a few minutes)."
	@$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.installed
