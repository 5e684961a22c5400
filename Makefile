# make demo: the page, on the bundled model. make test: everything that has to pass.
# Each sets itself up in .venv; PYTHON names another interpreter, ARGS goes to the page.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint

demo: $(VENV)/.demo
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.test lint
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/.demo: requirements.txt packages.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -c "import cv2" || $(call debian,$(shell cat packages.txt))
	touch $@

$(VENV)/.test: $(VENV)/.demo convert/requirements.txt tests/requirements.txt
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	command -v chromium > /dev/null || $(call debian,chromium)
	touch $@

# What only the distribution has is installed where that may be, and named where it may not.
define debian
{ test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq $(1); } || \
	{ echo "Please install with your system's package manager: $(1)" >&2; exit 1; }
endef
