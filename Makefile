# Everything runs in the project's own virtual environment, made from requirements.lock.
# Some environments set PYTHONDONTWRITEBYTECODE, which makes every start three times slower.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: demo airflow test bench bench-state bench-quick check format lock system-deps clean

demo: $(VENV)/.core  ## Generate districts and run the whole pipeline
	$(BIN)/sipetl demo

airflow: $(VENV)/.airflow  ## A local Airflow with the DAGs, the plugin and generated districts, until Ctrl-C
	$(BIN)/python scripts/airflow-local

test: $(VENV)/.dev  ## Run all tests, in a process more than there are cores (four at most)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder

bench: $(VENV)/.dev  ## Measure against the bare engine and the peers, and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

bench-state: $(VENV)/.dev  ## Load 400 districts' year (20 GB, half an hour), and write benchmarks/STATE.md
	$(BIN)/python -m benchmarks.state

bench-quick: $(VENV)/.dev  ## Only see that the benchmark runs, and that all come to the same figures
	$(BIN)/python -m benchmarks --quick

check: $(VENV)/.dev  ## Format, lint, types, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

format: $(VENV)/.dev  ## Mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.uv  ## Resolve the newest versions that go together, for every platform and extra
	$(BIN)/uv pip compile --universal --generate-hashes --all-extras --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
	  pyproject.toml -o requirements.lock

system-deps:  ## Debian packages that some tests need
	scripts/system-deps

clean:  ## Remove the virtual environment and the homes made here, with their servers
	if [ -x $(BIN)/sipetl ]; then $(BIN)/python scripts/remove-homes demo-home airflow-home; fi
	rm -rf $(VENV) demo-home airflow-home

$(VENV)/.uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	touch $@

$(VENV)/.core: $(VENV)/.uv requirements.lock pyproject.toml
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode \
	  --constraints requirements.lock --build-constraints requirements.lock --editable .
	touch $@

$(VENV)/.airflow: $(VENV)/.core
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode \
	  --constraints requirements.lock --build-constraints requirements.lock --editable '.[airflow]'
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode \
	  --constraints requirements.lock --build-constraints requirements.lock --editable '.[airflow,openlineage,spark,dev]'
	touch $@
