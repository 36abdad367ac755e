# Everything a person types. `make help` lists it; on Windows see README.md for the same in PowerShell.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet

# The suite mostly waits for processes and sockets; two at a time take half as long.
PYTEST := $(PY) -m pytest -n 2
# Playwright leaves an event loop in its process, in which Django's tests cannot run: a process of its own.
SUITE := $(PYTEST) -m "not browser" && $(PY) -m pytest -m browser

.DEFAULT_GOAL := help
.PHONY: help run demo demo-clean test check bench requirements install install-dev clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install ## Set up what is missing, then record and show: http://127.0.0.1:8000
	@$(PY) manage.py bootstrap && exec $(PY) manage.py start

demo: install ## The same with a demo tournament and four simulated courts, kept apart in var/demo
	@exec $(PY) manage.py demo

demo-clean: install ## Remove the demo and everything it recorded
	@$(PY) manage.py demo --remove

test: install-dev ## The whole test suite
	@$(SUITE)

check: install-dev ## What has to hold before a change goes in: style, types, imports, settings, migrations, tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && export RESTRIKE_VAR=$$scratch && set -x && \
	$(PY) manage.py check --deploy --fail-level WARNING --database default && \
	$(PY) manage.py makemigrations --check
	$(SUITE)

bench: install-dev ## Measure: prints a table, writes bench/results/
	@$(PY) -m bench

requirements: ## Compile the requirements again from pyproject.toml (needs uv)
	@command -v uv > /dev/null || { echo "This needs uv: install it with  pipx install uv"; exit 1; }
	$(COMPILE) -o requirements.txt pyproject.toml
	$(COMPILE) --extra dev -o requirements-dev.txt pyproject.toml

clean: ## Remove the environment and caches; what was recorded in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --- The environment: made once, installed again only when the requirements change ---------------

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(VENV)/installed: requirements.txt | $(PY)
	@echo "Installing what reStrike VTA needs (a minute, the first time) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(PY)
	@echo "Installing what the tests need (a minute, the first time) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/installed

$(PY):
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
			echo "Making $(VENV) with $$("$$python" --version) ..."; \
			"$$python" -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "Python could not make an environment. On Debian and Ubuntu: sudo apt install python3-venv"; \
			exit 1; \
		fi; \
	done; \
	echo "reStrike VTA needs Python 3.11 or newer, and there is none on this machine."; \
	echo "Install one (https://www.python.org/downloads/), or name it: make run PYTHON=/path/to/python3"; \
	exit 1
