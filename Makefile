# Everything that is done with this project, one word each: `make help`.
# Needs Python 3.11 or newer and make; each target does its own set-up, the first time and when pyproject.toml changes.

PYTHON ?= python3
ARGS   ?=
# Processes that run tests side by side.
JOBS   ?= 3

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Each process keeps the tests of one server version to itself. They wait more than they compute: three suit two cores.
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# The tests start hundreds of Python processes, each of which would compile the whole console anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check lint install bundle format screenshots bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ------------------------------------------------------------------------------------------------------------ use

demo: $(VENV)/.demo ## try the console on a throwaway cluster; pass options on with ARGS="--headless --advance auto"
	@$(BIN)/column-console demo $(ARGS)

install: $(VENV)/.install ## leave the command at .venv/bin/column-console

# The Pythons that the bundle runs with, as pex names them; `current`: the one that builds it.
BUNDLE_FOR ?= $(foreach minor,11 12 13,linux_$(shell uname -m)-cp-3.$(minor).0-cp3$(minor))
BUNDLE     ?= dist/column-console

bundle: $(VENV)/.bundle ## build dist/column-console: one file, for a bastion host without internet (docs/bastion.md)
	@mkdir -p $(dir $(BUNDLE))
	@$(BIN)/pex '.[ed25519]' --console-script column-console --venv --sh-boot $(BUNDLE_FOR:%=--platform %) --output-file $(BUNDLE)
	@echo "$(BUNDLE): copy it to the bastion host, and run it there"

# ---------------------------------------------------------------------------------------------------------- build

# What the tests need besides Python packages, found or fetched, and where it is: see tests/setup/prepare.py.
with-test-env = set -a && . .cache/test-env && set +a &&

test: $(VENV)/.dev ## run every test, against real servers; what they need is fetched. ARGS are pytest's
	@$(BIN)/python -m tests.setup.prepare tests
	@$(with-test-env) $(PYTEST) --reruns 2 --reruns-delay 2 -rR $(ARGS)

check: JOBS = 2# computing all the time, other than the tests with servers
check: lint ## format, lint, types, import law and the fast tests: under a minute
	@$(PYTEST) -q -m 'not server and not slow' $(ARGS)

lint: $(VENV)/.dev ## format, lint, types and import law; all are told, not the first that fails
	@failed=0; \
	$(BIN)/ruff format --check --quiet || { echo 'ruff format: see above; `make format` puts it right'; failed=1; }; \
	$(BIN)/ruff check --quiet || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	exit $$failed

format: $(VENV)/.dev ## put format and order of imports right
	@$(BIN)/ruff check --select I --fix --quiet
	@$(BIN)/ruff format

screenshots: $(VENV)/.dev ## make screenshots/ anew, from real sessions
	@$(BIN)/python -m tests.setup.prepare screenshots
	@$(with-test-env) $(BIN)/python -m tests.screenshots $(ARGS)

bench: $(VENV)/.dev ## run the benchmarks, which print ratios
	@$(BIN)/python -m tests.setup.prepare tests
	@$(with-test-env) $(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what the other targets made in this folder
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --------------------------------------------------------------------------------------------------------- set-up

# One stamp for each set of packages. Each depends on pyproject.toml, so that a changed one installs again.
$(VENV)/.install $(VENV)/.demo $(VENV)/.bundle $(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "setting up $(VENV) for $(@F:.%=%)"
	@$(PIP) install --editable '.$(extras$(@F))'
	@touch $@

extras.install :=
extras.demo    := [demo]
extras.bundle  := [bundle]
extras.dev     := [dev]

# Made anew where it is half made, was moved (its programs name their folder) or has lost its Python.
$(VENV)/.made: $(if $(filter $(CURDIR),$(shell test -x $(BIN)/python && cat $(VENV)/.made)),,anew)
	@sh tests/setup/venv.sh $(PYTHON) $(VENV)
	@echo '$(CURDIR)' > $@

.PHONY: anew
anew:
