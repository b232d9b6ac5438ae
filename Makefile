# One command each. PYTHON picks the interpreter that the virtual environment is made of:
#   make drill PYTHON=python3.13
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Processes for the tests (bots wait more than they work); "make test WORKERS=0" runs them in one.
WORKERS ?= 3
# What else to install, as FREQTRADE="freqtrade==2026.4".
FREQTRADE ?=
# The oldest freqtrade that setup.cfg admits, and the ccxt of its days.
OLDEST := $(shell sed -n 's/^ *freqtrade>=//p' setup.cfg)
OLDEST_CCXT := 4.5.51
# How long "make simulate" and "make fuzz" go on; "make soak" has 30 unless it is given.
MINUTES ?= 1

.PHONY: help drill install test test-oldest types simulate fuzz soak bench check clean

help:
	@echo "make drill        fire drill: a real bot on the practice exchange, a real signal, a flat book"
	@echo "make test         the tests"
	@echo "make test-oldest  types and tests on the oldest freqtrade that is supported ($(OLDEST)), in .venv-oldest"
	@echo "make simulate     new random schedules on all cores for MINUTES (1); says how to replay what fails"
	@echo "make fuzz         random junk at every border, for MINUTES (1): rows, files, answers, Telegram, REST, settings"
	@echo "make soak         a day of hostile input to a real bot, within MINUTES (30); memory, then SIGTERM and a flat book"
	@echo "make bench        measures times to flat (about 25 minutes) and rewrites the tables in docs/performance.md"
	@echo "make check        everything that must be right before a push: lint, types, imports, tests"
	@echo "make clean        removes $(VENV) and what builds and tests leave behind"

# The stamps say for which setup.cfg and pyproject.toml the environment was made.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "freqtrade needs Python 3.11 or newer; found: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Cannot create $(VENV); on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . $(FREQTRADE)
	@touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' $(FREQTRADE)
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed

drill: $(VENV)/.installed
	$(BIN)/freqtrade-liquidation drill

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS)

test-oldest:
	$(MAKE) types test VENV=.venv-oldest FREQTRADE='freqtrade==$(OLDEST) ccxt==$(OLDEST_CCXT)'

# A signature that the oldest freqtrade did not have yet shows here, however seldom its line is run.
types: $(VENV)/.installed-test
	$(BIN)/mypy

simulate: $(VENV)/.installed-test
	$(BIN)/python -m tests.simulation --minutes $(MINUTES)

fuzz: $(VENV)/.installed-test
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

soak: MINUTES = 30
soak: $(VENV)/.installed-test
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(WORKERS)

clean:
	rm -rf $(VENV) .venv-oldest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache mutants
	find freqtrade_liquidation benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +
