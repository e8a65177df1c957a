# Koipond: needs only Python >= 3.11 with venv, and make. `uv` is fetched into .uv to install faster; pip alone also works.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
SERVE  ?= 1
KILLS  ?= 50
MINUTES ?= 60

.PHONY: setup check test unit demo crash crash-steps fuzz bench docs words lock clean help

help:
	@echo "make demo [SERVE=0]   the real retail year, from facts to a rehearsed lift report"
	@echo "make test             the whole suite"
	@echo "make check            ruff, import contracts, mypy"
	@echo "make fuzz MINUTES=60  hostile files, definitions, command lines and requests, for an hour"
	@echo "make crash KILLS=50   kill -9 runs on both stores; make bench: the ratios of docs/performance.md"
	@echo "make crash-steps      every command killed at every durable step, compared with an undisturbed run"

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Koipond needs Python 3.11 or newer: install it (Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@test -x .uv/bin/uv || { $(PYTHON) -m venv .uv && .uv/bin/pip install -q --disable-pip-version-check 'uv>=0.13,<1'; } || true
	@if [ -x .uv/bin/uv ]; then .uv/bin/uv pip install -q --python $(PY) --require-hashes --compile-bytecode -r requirements/dev.txt && .uv/bin/uv pip install -q --python $(PY) --no-deps -e . ; \
	 else $(VENV)/bin/pip install -q --require-hashes -r requirements/dev.txt && $(VENV)/bin/pip install -q --no-deps -e . ; fi
	@touch $(STAMP)

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

test: setup
	$(PY) -m pytest -n 2 --dist loadfile -m "not slow" -q
	$(PY) -m pytest -m slow -q

demo: setup
	$(PY) examples/retail/demo.py demo --serve $(SERVE)

crash: setup
	$(PY) -m tests.crash.run --kills $(KILLS)

crash-steps: setup
	$(PY) -m tests.crash.steps.run

fuzz: setup
	$(PY) -W ignore -m tests.fuzz.run --minutes $(MINUTES)

bench: setup
	for script in ingest experiments clv recommend allocation segments refresh plan gate mail rehearsal; do $(PY) bench/$$script.py || exit 1; done

unit: setup
	$(PY) -m pytest tests/unit -q

words: setup
	$(PY) docs/translate.py

docs: setup
	$(PY) docs/generate.py

lock:
	.uv/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate -o requirements/runtime.txt
	.uv/bin/uv pip compile -q pyproject.toml --all-extras --group dev -c requirements/runtime.txt --universal --python-version 3.11 --generate-hashes --no-annotate -o requirements/dev.txt

clean:
	rm -rf $(VENV) .uv .pytest_cache .mypy_cache .ruff_cache demo demo-files
