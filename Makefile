# Two commands on a bare machine: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RIVALS := build/bench-venv
# What to measure and how: make bench BENCH="rivals --quick", make bench BENCH=--write
BENCH  ?=
SIDE_BY_SIDE ?= --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test js check bench lint architecture lowest latest clean

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.12 …') if sys.version_info < (3, 11) else None"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,keyring]'
	# An editable install keeps no bytecode, and where Python may not write any, every kernel would compile all of it again (60 ms).
	$(BIN)/python -m compileall -q seedance_nb
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python scripts/demo.py

# Files of tests side by side, as most of their time is waiting; then two browsers at a time; what is judged by its frames comes last, alone.
# What failed beside others is tried once more, alone, and says so: what fails again fails. Where the promises about money are tested
# (tests/promises), one failure is one too many, and nothing is tried twice.
AGAIN := --last-failed --last-failed-no-failures none
test: $(VENV)/.ready
	@$(BIN)/python -m pytest -m "not browser" $(SIDE_BY_SIDE); first=$$?; \
	if [ $$first -eq 1 ] && ! grep -q tests/promises/ .pytest_cache/v/cache/lastfailed; then \
		echo "Once more, alone:"; $(BIN)/python -m pytest -m "not browser" $(AGAIN); first=$$?; fi; \
	$(BIN)/python -m pytest -m "browser and not alone" --numprocesses 2 --dist loadfile; second=$$?; \
	if [ $$second -eq 1 ]; then echo "Once more, alone:"; $(BIN)/python -m pytest -m "browser and not alone" $(AGAIN); second=$$?; fi; \
	$(BIN)/python -m pytest -m alone; third=$$?; \
	if [ $$third -eq 1 ]; then echo "Once more:"; $(BIN)/python -m pytest -m alone $(AGAIN); third=$$?; fi; \
	exit $$((first + second + third))

# Formats, lints, type-checks and tests the JavaScript: one program from pip, no Node and no network. What it remembers stays in build/.
DENO := DENO_DIR=build/deno DENO_NO_UPDATE_CHECK=1 $(BIN)/deno
js: $(VENV)/.ready
	$(DENO) fmt --check
	$(DENO) lint
	$(DENO) check --no-remote --no-npm seedance_nb
	$(DENO) test --no-remote --no-npm --quiet

# Its parts run side by side: they share nothing but the code.
LINTS := ruff mypy typing-mypy basedpyright layers drawings
.PHONY: $(LINTS)
lint: $(VENV)/.ready
	@$(MAKE) --no-print-directory --jobs 4 js $(LINTS)

ruff:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
mypy:
	$(BIN)/mypy
# What people write at the front door, by both type checkers (basedpyright is pyright with a Node of its own, all from pip).
typing-mypy:
	$(BIN)/mypy --strict --cache-dir .mypy_cache/typing tests/typing/public_calls.py
basedpyright:
	$(BIN)/basedpyright
layers:
	$(BIN)/lint-imports
drawings:
	$(BIN)/python scripts/architecture.py --check
	$(BIN)/python scripts/hosts.py --check

# What a change must pass in a few minutes; the browser's tests and those that take long are in `make test`.
check: lint
	$(BIN)/python -m pytest -m "not browser and not slow" $(SIDE_BY_SIDE)

# The drawing and the walks of ARCHITECTURE.md, from the code as it is.
architecture: $(VENV)/.ready
	$(BIN)/python scripts/architecture.py

# The clients it is compared with live in a venv of their own; one that cannot be had is "not installed" in the table.
$(RIVALS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]' && touch $@ || echo "going on without rivals"

bench: $(VENV)/.ready $(RIVALS)/.ready
	$(BIN)/python -m benchmarks $(BENCH)

# The lowest versions that pyproject.toml allows, and the newest on other Pythons: what is declared there is what was tried.
LATEST ?= 3.11 3.12 3.13 3.14
lowest:
	$(PYTHON) scripts/versions.py lowest

latest:
	@failed=0; for version in $(LATEST); do $(PYTHON) scripts/versions.py latest $$version || failed=1; done; exit $$failed

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
