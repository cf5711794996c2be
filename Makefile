# Each target does all of its own set-up: Python 3.11 or newer with venv is all that `demo` needs,
# tmux too for `test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Compiled, the program starts in three quarters of the time and the tests are read in a third.
unexport PYTHONDONTWRITEBYTECODE
SET_UP := @sh tests/environment.sh "$(VENV)" "$(PYTHON)" "$(origin PYTHON)"

.PHONY: help run-environment dev-environment demo test test-thorough suite check compiled format bench \
  screenshots docs clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run-environment:
	$(SET_UP) run

dev-environment:
	$(SET_UP) dev

demo: run-environment ## the dashboard on a local gym with runs in progress
	@exec $(BIN)/gymtui demo

test: dev-environment ## make check, and the tests: of the longest products a fair part
	@command -v tmux >/dev/null || echo "tmux is not installed: the tests in a real terminal are skipped"
	@$(MAKE) --no-print-directory -j 2 check suite

# More workers than cores: tests wait, for the screens of other programs and for a clock's ticks.
suite: compiled
	@$(BIN)/python -m pytest -n 4 --dist worksteal

test-thorough: ## everything CI runs: make test, with the longest products whole
	@THOROUGH=1 $(MAKE) --no-print-directory test

# Tests start the program some hundred times; and what collects them once, so that what pytest
# makes of them is kept, spares each of the workers to do the same.
compiled: dev-environment
	@$(BIN)/python -m compileall -q gymtui
	@$(BIN)/python -m pytest --collect-only -qq >$(VENV)/collected.log || { cat $(VENV)/collected.log; exit 1; }

check: dev-environment ## lint, format, types, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@PATH="$(BIN):$$PATH" $(BIN)/lint-imports --no-logo >$(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

format: dev-environment ## put the code in its form
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

screenshots: dev-environment ## draw screenshots/ from the real program on the local gym
	@$(BIN)/python -m tests.draw_screenshots

docs: dev-environment ## write the README's tables of commands, keys and settings
	@$(BIN)/python -m tests.write_docs

bench: dev-environment ## measure what is claimed fast, each figure beside its yardstick
	@$(BIN)/python -m tests.bench

clean: ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
