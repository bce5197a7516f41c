# Everything sets itself up: `make run` and `make test` need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
.DEFAULT_GOAL := help
.PHONY: help install run test lint bench chaos soak migrate seed assets clean lock

help: ## Show the commands
	@$(PYTHON) -c "import re; [print(f'  make {name:10} {text}') for name, text in \
	  re.findall(r'^([a-z]+):.*?## (.+)', open('Makefile').read(), re.M)]"

# install.py does nothing the second time: it compares the hash of the lock with what it installed last.
.PHONY: runtime
runtime:
	@$(PYTHON) .ci/install.py requirements.lock

install: ## Install everything into .venv
	@$(PYTHON) .ci/install.py requirements.lock requirements-dev.lock

run: runtime ## Open MyPick on port 4000, or PORT=…, with demonstration content and a platform that posts
	@$(PYTHON) .ci/assets.py --if-missing
	@$(BIN)/python run.py demo $(if $(PORT),--port $(PORT))

test: install lint ## Run linters, types, import contracts and all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lint: install ## Run linters, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install ## Measure speed side by side with peers and write docs/performance.md
	@$(BIN)/python -m benchmarks.run --write

chaos: install ## Kill processes, break networks, lay siege, and write docs/reliability.md
	@$(BIN)/python -m tests.chaos --write

soak: install ## An hour of mixed traffic, or MINUTES=…; fails where anything grows
	@$(BIN)/python -m tests.chaos.soak $(if $(MINUTES),--minutes $(MINUTES))

migrate: runtime ## Bring the database of DATABASE_URL to this version
	@$(BIN)/python run.py migrate

seed: runtime ## Bring the demonstration's creators and content in; they never post anew
	@$(BIN)/python run.py seed

assets: ## Bring the official Socket.IO client, at its pinned version, into handlers/static/vendor
	@$(PYTHON) .ci/assets.py

lock: install ## Pin the dependencies of pyproject.toml anew
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet \
	  --group load -o requirements-load.lock

clean: ## Remove what was installed and made, the embedded database too
	@$(PYTHON) -c "import pathlib, shutil; [shutil.rmtree(path, ignore_errors=True) for path in map(pathlib.Path, \
	  '$(VENV) var node_modules handlers/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis'.split())]"
