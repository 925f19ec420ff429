# `make` alone lists the targets. Everything is installed in .venv, from requirements.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV ?= $(firstword $(wildcard $(BIN)/uv) uv)
# What checks and formatting load Django's settings with: never a user's own data folder.
SCRATCH_HOME := $(CURDIR)/$(VENV)/scratch-home

# The tests take turns on one process more than there are cores, as many of them wait for servers and other processes;
# make test WORKERS=0 runs them in one.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
# pytest compiles the tests in its own way, and keeps that beside them: else each process would do so in each run.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help install compiled demo test check fmt bench fuzz lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 18

install: compiled  ## make .venv and install everything in it

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; '$(PYTHON)' is older. Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "The environment could not be made. Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# pip byte-compiles what it installs, but not an editable project: where Python may not write beside the sources
# (PYTHONDONTWRITEBYTECODE, a read-only checkout) every start would compile them anew, which takes 0.2 s.
compiled: $(READY)
	@$(BIN)/python -m compileall -q -j 0 src tests

demo: compiled  ## start the product with a made-up estate in it
	$(BIN)/eclectyc serve --demo

test: compiled  ## run the tests: on PostgreSQL what touches the registry, where it is found; on SQLite all
	@if [ "$$ECLECTYC_REQUIRE_ALL" = 1 ] || $(BIN)/python -m tests.needs postgresql; then \
	  echo "On PostgreSQL, what touches the registry:"; \
	  ECLECTYC_TEST_DATABASE=postgresql $(PYTEST) $(ARGS) || exit $$?; \
	  echo "On SQLite, everything:"; \
	fi; \
	$(PYTEST) $(ARGS)

check: export ECLECTYC_HOME = $(SCRATCH_HOME)
check: $(READY)  ## ruff, mypy, import rules, no host in lock files, checksums of what is vendored
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house

fmt: $(READY)  ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: compiled  ## measure the main job, each number beside its floor
	$(BIN)/python -m tests.bench $(ARGS)

fuzz: compiled  ## import 2,000 damaged files of each format, each format within 1 GiB
	$(BIN)/python -m tests.readers.mutants $(ARGS)

lock:  ## pin the dependencies anew (needs uv)
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --extra dev --upgrade \
	  --generate-hashes --no-header --no-annotate --quiet -o requirements.lock

clean:  ## remove the environment and every cache; data folders are left alone
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench .fuzz
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info
