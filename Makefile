# Two commands set everything up on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
# Another package index that holds CPU builds of torch and torchaudio (README, "Set-up"): make demo TORCH_INDEX=URL
TORCH_INDEX ?=
# Of the versions that pyproject.toml allows: a newer one would be replaced by PyPI's, with its CUDA libraries, in the step after it.
TORCH = $(shell $(PYTHON) -c 'import tomllib; print(*("\047" + one + "\047" for one in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"] if one.startswith("torch")))')
ARGS ?=
PYTEST ?=
# Processes that share the tests; each has its own cache and converts the encoder once.
JOBS ?= 2
# Everything that any test needs, so that none is skipped for want of a package.
EXTRAS := dask demo dev egemaps mlflow offline offline-base onnx optuna tensorboard vad
comma := ,
space := $(subst ,, )

BIN := $(VENV)/bin
# The lock file holds hashes for one platform; elsewhere pip resolves the ranges in pyproject.toml.
LOCKED := $(shell $(PYTHON) -c 'import sys, platform; print(int(sys.version_info[:2] == (3, 11) and sys.platform == "linux" and platform.machine() == "x86_64"))' 2>/dev/null)

.PHONY: demo test slow check site lock clean

demo: $(VENV)/.installed
	@$(BIN)/ser-tui run configs/demo.yaml $(ARGS)

test: $(VENV)/.installed
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist worksteal $(PYTEST)

slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow -n $(JOBS) --dist worksteal $(PYTEST)

check: $(VENV)/.installed
	$(BIN)/ruff check ser_tui tests benchmarks examples docs
	$(BIN)/ruff format --check ser_tui tests benchmarks examples docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py tests/test_docs.py tests/test_pages.py
	$(BIN)/mkdocs build --strict -q

site: $(VENV)/.installed
	$(BIN)/mkdocs build --strict
	@echo "the docs are in site/: open site/index.html"

$(VENV)/.installed: pyproject.toml requirements.lock requirements-alone.lock
	@echo "setting up $(VENV): some minutes the first time (torch is 5 GB with its CUDA libraries, see README)"
	$(PYTHON) -m venv $(VENV)
ifneq ($(TORCH_INDEX),)
	$(BIN)/pip install --quiet --index-url $(TORCH_INDEX) $(TORCH)
	$(BIN)/pip install --quiet -e '.[$(subst $(space),$(comma),$(EXTRAS))]'
else ifeq ($(LOCKED),1)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
else
	$(BIN)/pip install --quiet -e '.[$(subst $(space),$(comma),$(EXTRAS))]'
endif
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-alone.lock || echo "without the speaker embedding of method: autospeech"
	@touch $@

lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 $(foreach extra,$(EXTRAS),--extra $(extra)) \
		--generate-hashes --no-emit-index-url --no-header --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build site *.egg-info
