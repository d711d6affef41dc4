# What there is to do here. Every target sets up what it needs on a fresh Debian 12 machine, as root
# or by sudo, and says so; the second time there is nothing left to set up.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PYTHON := $(VENV)/bin/python
# The same packages without the distribution's, so without bcc: what a machine that only analyzes has.
ALONE := $(VENV)/alone
GO := $(PYTHON) -m tests.toolchains
# Recording needs root. The environment stays, so that caches are found where they were made.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env env HOME="$(HOME)" PATH="$(PATH)")
AS_NOBODY := $(if $(filter 0,$(shell id -u)),setpriv --inh-caps=-all --bounding-set=-all --no-new-privs)

# What PyPI does not have: bcc, and for the tests an old Go, a linker for cgo, and other people's programs.
APT_TO_RECORD := python3-venv python3-bpfcc
APT_TO_TEST := $(APT_TO_RECORD) golang-1.19-go gcc libc6-dev prometheus etcd-server postgresql bpftrace wrk groff chromium systemd

.PHONY: help demo test bench lint format docs notebooks clean apt-record apt-test tracefs toolchain-demo toolchains

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: apt-record $(VENV)/.installed toolchain-demo tracefs ## record a leaky Go service, and show what leaks
	@examples/demo.sh "$(VENV)/bin" "$$($(GO) newest)"

test: apt-test $(VENV)/.installed $(ALONE)/.installed toolchains tracefs ## run all tests, the live ones as root
ifdef TESTS
	@$(AS_ROOT) $(PYTHON) -m pytest -n 2 $(TESTS)
else
	@echo "· the analyzer's tests, without bcc and without privileges"
	@! $(ALONE)/bin/python -c "import bcc" 2>/dev/null
	@$(AS_NOBODY) $(ALONE)/bin/python -m pytest -n 2 tests/analyze
	@echo "· all other tests"
	@$(AS_ROOT) $(PYTHON) -m pytest -n 2 --ignore=tests/analyze tests
endif

bench: apt-test $(VENV)/.installed toolchain-demo tracefs ## measure what recording and analyzing cost, as root
	@$(AS_ROOT) $(PYTHON) -m bench $(BENCH)

lint: $(VENV)/.installed toolchain-demo ## check format, style and types
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(PYTHON) -m mypy
	@gofmt="$$(dirname "$$($(GO) newest)")/gofmt"; \
	 bad="$$("$$gofmt" -l bench examples tests tools)"; [[ -z "$$bad" ]] || { echo "gofmt: $$bad"; exit 1; }

format: $(VENV)/.installed toolchain-demo ## put everything into its format
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .
	@"$$(dirname "$$($(GO) newest)")/gofmt" -w bench examples tests tools

docs: $(VENV)/.installed ## write the parts of docs/ that derive from the code
	@$(PYTHON) -m tools.generate_docs

notebooks: $(VENV)/.installed ## run the notebooks and keep their outputs in them
	@$(PYTHON) -m tools.run_notebooks

clean: ## remove what was made here, but not the user's cache
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

apt-record:
	@.ci/apt $(APT_TO_RECORD)

apt-test:
	@.ci/apt $(APT_TO_TEST)

$(VENV)/.installed: pyproject.toml | apt-record
	@echo "· Python packages into $(VENV) (by pip)"
	@[[ -x $(PYTHON) ]] || /usr/bin/python3 -m venv --system-site-packages $(VENV)
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --ignore-installed --editable '.[dev]'
	@touch $@

$(ALONE)/.installed: $(VENV)/.installed
	@/usr/bin/python3 -m venv --without-pip $(ALONE)
	@ls -d $(CURDIR)/$(VENV)/lib/python*/site-packages > "$$(echo $(ALONE)/lib/python*/site-packages)/packages.pth"
	@touch $@

toolchain-demo: $(VENV)/.installed
	@$(GO) newest > /dev/null

toolchains: $(VENV)/.installed
	@$(GO) > /dev/null

tracefs:
	@mountpoint -q /sys/kernel/tracing || $(AS_ROOT) mount -t tracefs tracefs /sys/kernel/tracing \
	 || echo "· tracefs is not to be had here; going on without it"
