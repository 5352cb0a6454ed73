# make demo    sets up what is missing and shows two whole turns on this machine
# make test    all tests; one whose model cannot be had here skips and says so
# make check   format, lint, types, stale docs, tests
# make setup   Debian's packages, a virtual environment in .venv, tako in it
# make models  the models that a turn needs: fetched, and the text model built from its base
# make docs    writes the pages that are made from the code
# make bench   seconds and memory of a turn, stage by stage
# make clean   removes what these have made here; the models in TAKO_HOME stay

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help demo test check lint setup models test-models docs bench clean

PYTHON := .venv/bin/python
TAKO := .venv/bin/tako
export TAKO_HOME := $(or $(TAKO_HOME),$(HOME)/.local/share/tako)

EXTRAS := dev
PACKAGES := # of Debian, besides those a turn needs
TEST_MODELS := gemma-3-270m whisper-base whisper-tiny-en vosk-ko-0.1.0
# below 1.4 GB of memory whisper is too large, and vosk listens instead
HEARING = $(shell awk '/^MemTotal/ {print $$2 < 1400000 ? "vosk-small-en-us-0.15 vosk-small-cn-0.22" : "whisper-base"}' /proc/meminfo)

BUILT = $(PYTHON) -c 'from device.text_model import status_of_text_model as s; raise SystemExit(s().state != "built")'

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: models
	@$(PYTHON) -m demo

test: test-models
	$(PYTHON) -m pytest -rs --durations=10

check: lint test

lint: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m device.settings_text --check
	$(PYTHON) -m device.cli.reference --check
	if command -v shellcheck >/dev/null; then shellcheck setup_pi.sh tools/setup.sh .ci/run training/runs/*.sh; fi

setup:
	@tools/setup.sh $(EXTRAS) $(PACKAGES)

models: setup
	@$(TAKO) models fetch gemma-3-270m $(HEARING)
	@$(BUILT) || $(TAKO) models build

test-models: setup
	@$(TAKO) models fetch $(TEST_MODELS) || echo "Not every model can be had here: the tests that need one skip."
	@$(BUILT) || $(TAKO) models build || echo "The text model is not built: the tests that need it skip."

docs: setup
	$(PYTHON) -m device.settings_text
	$(PYTHON) -m device.cli.reference

bench: models
	$(PYTHON) -m bench.turn

clean:
	rm -rf .venv demo-out .pytest_cache .mypy_cache .ruff_cache bench/tmp
	find . -name __pycache__ -prune -exec rm -rf {} +
