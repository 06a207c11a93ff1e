# One command for each thing a person does. Each does the set-up it needs, into .venv; only Python 3.11-3.13 and make
# have to be there. `make` alone lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.mldns-installed
ARGS ?=
# Tests wait for servers most of the time: two at once are done in little more than half of it. WORKERS=0 for a debugger.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS)

# Without .pyc files every Airflow process compiles hundreds of modules anew: the start takes minutes, not seconds.
unexport PYTHONDONTWRITEBYTECODE
# Whatever else is on the caller's path must not shadow the repository's own packages.
unexport PYTHONPATH PYTHONHOME

# The first of these that is 3.11 to 3.13 and can make a venv (Debian ships python3 without ensurepip).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

##@ Develop
.PHONY: help
help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(STAMP) ## install everything into .venv (half a minute, with uv)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 with the venv module found: install one (Debian: python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# uv does in half a minute what takes pip four. Where it cannot be had, or cannot reach what pip is configured to
# reach, pip does the same from the same files.
$(STAMP): requirements.txt requirements-dev.txt constraints.txt | $(BIN)/python
	@{ $(MAKE) --silent $(BIN)/uv && echo "installing requirements-dev.txt with uv" \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements-dev.txt --constraint constraints.txt; } \
	|| { echo "uv did not do: installing requirements-dev.txt with pip (some minutes)" \
		&& $(BIN)/python -m pip install --quiet --requirement requirements-dev.txt --constraint constraints.txt; }
	@touch $@

$(BIN)/uv: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

.PHONY: test
test: $(STAMP) ## unit, stand-in, DAG and one end-to-end test, without network (ARGS="-k plan" picks)
	$(PYTEST) -m "not slow" $(ARGS)

.PHONY: test-all
test-all: $(STAMP) ## make test and the long ones
	$(PYTEST) $(ARGS)

.PHONY: simulate
simulate: $(STAMP) ## every order of two writers' calls and faults, or walks of more (ARGS="--seed 7 --writers 4 --minutes 10")
	@PYTHONPATH=plugins $(BIN)/python -m tests.simulator $(ARGS)

.PHONY: lint
lint: $(STAMP) ## ruff, mypy, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=plugins $(BIN)/lint-imports

.PHONY: lock
lock: $(BIN)/uv ## write constraints.txt anew from requirements*.txt, for Python 3.11 to 3.13 (UPGRADE=1: newest versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --strip-extras --no-annotate --no-emit-index-url \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) requirements-dev.txt --output-file constraints.txt

.PHONY: release-check
release-check: $(STAMP) ## build the wheel, install it into a fresh venv, and look whether Airflow finds everything
	@$(BIN)/python deploy/release_check.py $(ARGS)

.PHONY: matrix
matrix: $(STAMP) ## run mldns on Airflow 3.1, 3.2 and 3.3, each in a venv of its own (ARGS="3.1 --quick" picks)
	@$(BIN)/python -m tests.matrix $(ARGS)

##@ See it work
.PHONY: demo
demo: $(STAMP) ## run example_training on a real Airflow against localcloud, show it, and stop everything (CLOUD=aws)
	@$(BIN)/python -m demo run $(if $(CLOUD),--cloud $(CLOUD))

.PHONY: up
up: $(STAMP) ## the same, kept running with its UI until Ctrl-C
	@$(BIN)/python -m demo up $(if $(CLOUD),--cloud $(CLOUD))

.PHONY: bench
bench: $(STAMP) ## measure against localcloud and write benchmarks/results.md
	PYTHONPATH=plugins $(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-gate
bench-gate: $(STAMP) ## measure what the gate costs and write benchmarks/gate.md
	PYTHONPATH=plugins $(BIN)/python -m benchmarks.gate $(ARGS)

.PHONY: bench-airflow
bench-airflow: $(STAMP) ## measure from trigger to open gate on a real Airflow and write benchmarks/airflow.md
	PYTHONPATH=plugins $(BIN)/python -m benchmarks.airflow $(ARGS)

.PHONY: bench-page
bench-page: $(STAMP) ## measure the page in Airflow's UI and write benchmarks/page.md (needs Chromium)
	PYTHONPATH=plugins $(BIN)/python -m benchmarks.page $(ARGS)

.PHONY: screenshots
screenshots: $(STAMP) ## write the pictures of the page in docs/images anew (needs Chromium)
	PYTHONPATH=plugins $(BIN)/python -m tests.ui.screenshots

.PHONY: verify-google
verify-google: $(STAMP) ## check the facts about Google in throw-away zones: PROJECT=… [CONN=…] [IAM_MEMBER=…] [NETWORK=…] [ZONE_DOMAIN=…]
	@test -n "$(PROJECT)" || { echo "make verify-google: say which project: make verify-google PROJECT=my-project [CONN=google_cloud_default]" >&2; exit 2; }
	@$(BIN)/python -m pytest tests/contract -q -rfE --tb=line --target-project "$(PROJECT)" $(if $(CONN),--connection "$(CONN)") $(if $(IAM_MEMBER),--iam-member "$(IAM_MEMBER)") $(if $(NETWORK),--network "$(NETWORK)") $(if $(ZONE_DOMAIN),--zone-domain "$(ZONE_DOMAIN)") $(ARGS)

##@ Deploy
.PHONY: env
env: ## write .env with fresh secrets for docker-compose.yml (keeps one that is there)
	@test -n "$(PYTHON)" || { echo "make env: no Python 3.11, 3.12 or 3.13 found" >&2; exit 1; }
	@"$(PYTHON)" deploy/write_env.py
