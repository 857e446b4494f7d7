# Each target sets up what it needs, and is quick when nothing has changed.
#   make demo      the demonstration, with its own Kafka and ClickHouse     make test      all checks and tests
#   make help      the other targets
# Needs Python 3.11 or newer and nothing else; `make PYTHON=python3.13 test` uses a particular one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEPENDENCIES := $(VENV)/.dependencies
PROJECT := $(VENV)/.project
JARS := $(VENV)/.jars
COMPARED := .venv-bench

# The Python to use: PYTHON if it is new enough, otherwise the newest that is found; empty if there is none.
CANDIDATES := $(PYTHON) python3.14 python3.13 python3.12 python3.11
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FIND_PYTHON = for each in $(CANDIDATES); do "$$each" -c '$(NEW_ENOUGH)' 2>/dev/null && { echo "$$each"; break; }; done

# How long `make chaos` runs, and for how many cycles; 0 cycles: as many as fit into MINUTES. With
# LOCKS=1 Kafka takes encrypted connections of known users only, and each role has its own rights.
MINUTES ?= 20
CYCLES ?= 0
LOCKS ?=

# How many processes run the tests, each with its own Kafka and ClickHouse. Tests often wait, so there are more than
# cores. 0: run them in the main process.
JOBS ?= 4

# Tests start hundreds of processes. Without its bytecode each would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

# The commit that `make bench-quick` compares with, and the rows that `make bench` measures (all, or names with ROW).
BASE ?= HEAD~1
ROW ?=

# How many lines the ledger of `make bench-views` has, and options for it (--workers, --no-before).
LINES ?= 20000000
BENCH_VIEWS ?=

# The commit that `make bench-quiet` measures in turns with this tree (none: this tree alone), and options for it
# (--rates 0,10 --rounds 3 --setting PESERTA_X=1).
QUIET_BASE ?=
QUIET ?=

# How many schedules `make simulate-faults` runs.
SEEDS ?= 10000

# How many random books `make questions` asks, and which question alone (none: all of them).
BOOKS ?= 300
QUESTION ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test tests-alone style types chaos chaos-short simulate-faults questions bench bench-large bench-views bench-quick bench-quiet lint lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(PROJECT) $(JARS) ## Set up .venv with the locked dependencies and the project, and fetch Kafka's jars

demo: install ## Run the demonstration, from the first fact to the last alert, and prove its figures
	@$(BIN)/peserta demo

# Types are checked beside the tests: that takes a minute of one core.
test: style ## Check the code, and run all tests (in JOBS=4 processes)
	@$(MAKE) --no-print-directory --jobs 2 types tests-alone

tests-alone: install
	@$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

chaos: install ## Catch broken variants, then inject faults for MINUTES or CYCLES (SCENARIO=part of a name, SEED=n, LOCKS=1)
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) --cycles $(CYCLES) --scenario "$(SCENARIO)" $(if $(SEED),--seed $(SEED)) $(if $(LOCKS),--locks)

chaos-short: install ## Run the part of the tests that injects faults and catches broken variants
	@$(BIN)/pytest tests/chaos

bench: install $(COMPARED)/.dependencies ## Measure the parts, the service and alternatives (ROW=part of a name); details go to var/bench
	@$(BIN)/python -m tests.bench --growth --row "$(ROW)"

bench-large: install ## Measure the cost of a fact in books of ten thousand to ten million facts; 20 minutes
	@$(BIN)/python -m tests.bench.large

bench-views: install ## Measure views and questions over a ledger of LINES (20000000) lines, before and after it is migrated
	@$(BIN)/python -m tests.bench.views --lines $(LINES) $(BENCH_VIEWS)

bench-quick: install ## Compare the hot paths with those of commit BASE (HEAD~1); under a minute
	@$(BIN)/python -m tests.bench.compare --base "$(BASE)"

bench-quiet: install ## Measure `peserta up` idle and at 1 to 1,000 facts/s: CPU of each process, waits of facts (QUIET_BASE=commit: in turns)
	@$(BIN)/python -m tests.bench.quiet --base "$(QUIET_BASE)" $(QUIET)

simulate-faults: install ## Run and check SEEDS random schedules of faults in memory (SEED=n: only that one, step by step)
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED))

questions: install ## Ask every question (QUESTION=one) of BOOKS random books, and compare the answers with recounts of the journal; half an hour
	@$(BIN)/python -m tests.questions --books $(BOOKS) $(if $(QUESTION),--only $(QUESTION))

lint: style types ## Check style, format and types

style: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: install
	@$(BIN)/mypy

lock: ## Update the lock files from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	uv pip compile pyproject.toml --extra embedded --extra api --extra notices --extra sheets --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file requirements.lock
	uv pip compile --group bench --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file tests/bench/requirements.lock
	@echo "Now update deploy/requirements.lock as well: its first lines say how"

clean: ## Remove the virtual environments and the caches of the tools
	rm -rf $(VENV) $(COMPARED) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then \
	  echo "Peserta needs Python 3.11 or newer; none of these is: $(CANDIDATES)." >&2; \
	  echo "Install one (Debian, Ubuntu: apt install python3-venv; macOS: brew install python@3.13)," >&2; \
	  echo "or name one: make PYTHON=/path/to/python3." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$python cannot create virtual environments: its modules venv and ensurepip are missing." >&2; \
	  echo "Install them (Debian, Ubuntu: apt install python3-venv), or name another: make PYTHON=/path/to/python3." >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)

$(DEPENDENCIES): requirements.lock | $(BIN)/python
	@echo "Installing the locked dependencies (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# The packages that benchmarks compare with, apart from the project's own dependencies.
$(COMPARED)/.dependencies: tests/bench/requirements.lock | $(BIN)/python
	@echo "Installing the packages for comparison into $(COMPARED) (once)"
	@$(BIN)/python -m venv $(COMPARED)
	@$(COMPARED)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/bench/requirements.lock
	@touch $@

$(PROJECT): pyproject.toml $(DEPENDENCIES)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The jars are kept in the user's cache. After this, tests and demonstration use only the loopback address.
$(JARS): deploy/embedded/kafka-4.4.0.sha256 $(PROJECT)
	@$(BIN)/python -m deploy.embedded
	@touch $@
