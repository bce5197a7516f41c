# Everything sets itself up: `make run` and `make test` need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help install run test lint bench chaos migrate seed assets clean lock

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

# The stamps hold the hash of what was installed: the second time nothing is done.
$(VENV)/.runtime: requirements.lock
	@PYTHON="$(PYTHON)" sh .ci/install "$(VENV)" requirements.lock
	@touch $@

$(VENV)/.everything: requirements-dev.lock $(VENV)/.runtime
	@PYTHON="$(PYTHON)" sh .ci/install "$(VENV)" requirements-dev.lock
	@touch $@

install: $(VENV)/.everything ## Install everything into .venv

run: $(VENV)/.runtime ## Open MyPick on port 4000 with demonstration content and a platform that posts
	@$(BIN)/python run.py demo

test: $(VENV)/.everything lint ## Run linters, types, import contracts and all tests
	@$(BIN)/python -m pytest

lint: $(VENV)/.everything ## Run linters, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.everything ## Measure speed side by side with peers and write docs/performance.md
	@$(BIN)/python -m benchmarks.run --write

chaos: $(VENV)/.everything ## Kill processes at random under load and write docs/reliability.md
	@$(BIN)/python -m tests.chaos --write

migrate: $(VENV)/.runtime ## Bring the database of DATABASE_URL to this version
	@$(BIN)/python run.py migrate

seed: $(VENV)/.runtime ## Bring the demonstration's creators and content in
	@$(BIN)/python run.py seed

assets: ## Bring the official Socket.IO client, at its pinned version, into handlers/static/vendor
	@sh .ci/assets

lock: $(VENV)/.everything ## Pin the dependencies of pyproject.toml anew
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## Remove what was installed and made, the embedded database too
	rm -rf $(VENV) var node_modules handlers/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
