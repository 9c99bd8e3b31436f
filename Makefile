# tospec. `make demo` and `make test` are all that a newcomer needs; each installs what it uses into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt build verify clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## install, build specs/gemm.yaml, and show what happened
	$(BIN)/tospec build specs/gemm.yaml

test: $(INSTALLED)  ## run the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(INSTALLED)  ## check the specs
	$(BIN)/tospec lint specs

fmt: $(INSTALLED)  ## format the code and the specs
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/tospec fmt specs

build: $(INSTALLED)  ## build every spec
	$(BIN)/tospec build specs

verify: $(INSTALLED)  ## run the gates on every committed body
	$(BIN)/tospec verify specs

clean:  ## remove the venv and the local state
	rm -rf $(VENV) .tospec
