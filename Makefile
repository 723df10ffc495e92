# All targets work in .venv. The first one that needs it creates it. With another Python: make PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
RUN := runs/plays
FUZZ_INPUTS := 200000

ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
else
SCRIPTS := bin
endif
BIN := $(VENV)/$(SCRIPTS)

# PyTorch, for the comparison, has an environment of its own. If pip would install a build for graphics cards, of
# several gigabytes, give it the index of PyTorch's builds for CPUs: PIP_EXTRA_INDEX_URL=... make bench-torch
VENV_TORCH := .venv-torch
TORCH := $(VENV_TORCH)/made.stamp

# A stamp file says which extras the environment has. It is made again when pyproject.toml changes.
MADE := $(VENV)/made.stamp
FAST := $(VENV)/fast.stamp
DEV := $(VENV)/dev.stamp
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

.DEFAULT_GOAL := help
.PHONY: help train sample test coverage test-versions test-quick-versions distributions mutants faults fuzz lint docs \
	bench bench-torch clean

help:  ## Print this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

train: $(FAST)  ## Train on the plays in data/ for about two minutes and print a sample
	@$(BIN)/charlm train configs/plays.yaml --force
	@$(BIN)/charlm sample $(RUN) --length 600

sample: $(RUN)/last.safetensors $(FAST)  ## Print a sample of the trained model
	@$(BIN)/charlm sample $(RUN) --length 600

test: $(DEV)  ## Run the tests
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile $(COVER)

coverage: COVER := --cov --cov-report term
coverage: test  ## Run the tests and see that they reach every branch of the mathematics

test-versions: $(DEV)  ## Run the tests with each Python, old and new packages, and each extra (half an hour)
	@$(BIN)/python tests/tools/versions.py

test-quick-versions: $(DEV)  ## The same with the oldest packages and the newest alone (five minutes)
	@$(BIN)/python tests/tools/versions.py --quick

distributions: $(DEV)  ## Build a wheel and a source distribution, install each and use it
	@$(BIN)/python tests/tools/distributions.py

mutants: $(DEV)  ## See that the tests notice small changes of the mathematics (ten minutes)
	@$(BIN)/python -m tests.tools.mutants

faults: $(DEV)  ## Run the long tests of damage and of files from strangers
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --quiet --numprocesses auto -m faults

fuzz: $(DEV)  ## Give five parts of charlm FUZZ_INPUTS random inputs each (200,000: half an hour)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz all --inputs $(FUZZ_INPUTS)

lint: $(DEV)  ## Check the style, the types and the layers of imports
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs: $(DEV)  ## Make the pictures of the pages again
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python docs/pictures/make.py

bench: $(FAST)  ## Measure the speed of training on this machine
	@$(BIN)/charlm bench

bench-torch: $(TORCH)  ## Compare with PyTorch (half an hour) and write the tables of docs/performance.md
	@$(VENV_TORCH)/$(SCRIPTS)/python benchmarks/compare_torch.py --write docs/performance.md

clean:  ## Remove the environment and the caches; runs and fetched corpora stay
	@rm -rf $(VENV) $(VENV_TORCH) build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find charlm tests -name __pycache__ -prune -exec rm -rf {} +

$(RUN)/last.safetensors: | $(FAST)
	@$(BIN)/charlm train configs/plays.yaml --force

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit("charlm needs Python 3.11 or later: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(FAST): pyproject.toml | $(MADE)
	@echo "installing charlm into $(VENV)" >&2
	@$(INSTALL) ".[fast]"
	@touch $@

$(DEV): pyproject.toml | $(MADE)
	@echo "installing charlm and what its tests need into $(VENV)" >&2
	@$(INSTALL) ".[fast,mpi,dev]"
	@touch $(FAST) $@

$(TORCH): pyproject.toml
	@echo "making $(VENV_TORCH) with PyTorch for CPUs" >&2
	@$(PYTHON) -m venv $(VENV_TORCH)
	@$(VENV_TORCH)/$(SCRIPTS)/python -m pip install --quiet --disable-pip-version-check \
		'torch==2.13.0' --editable ".[fast]"
	@touch $@
