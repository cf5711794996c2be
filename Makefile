# Each target does all of its own set-up: python3 with venv is the only thing a machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=tests/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet

.PHONY: help demo test check format bench screenshots docs clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml tests/constraints.txt
	@echo "setting up $(VENV) (once)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml tests/constraints.txt
	@echo "setting up $(VENV) with what the tests need (once)"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.run $@

demo: $(VENV)/.run ## the dashboard on a local gym with runs in progress
	@exec $(BIN)/gymtui demo

# Tests start the program some hundred times: compiled, it starts in three quarters of the time.
test: check ## everything CI runs
	@$(BIN)/python -m compileall -q gymtui
	@$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.dev ## lint, format, types, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@PATH="$(BIN):$$PATH" $(BIN)/lint-imports --no-logo >$(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

format: $(VENV)/.dev ## put the code in its form
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

screenshots: $(VENV)/.dev ## draw screenshots/ from the real program on the local gym
	@$(BIN)/python -m tests.draw_screenshots

docs: $(VENV)/.dev ## write the README's tables of commands, keys and settings
	@$(BIN)/python -m tests.write_docs

bench: $(VENV)/.dev ## measure what is claimed fast, each figure beside its yardstick
	@$(BIN)/python -m tests.bench

clean: ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
