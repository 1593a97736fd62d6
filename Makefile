# llmviz: everything starts here. `make` alone prints what there is.
# A fresh machine needs only make and a Python that pyproject.toml allows; no activation, no other step.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TEST_READY := $(VENV)/test-ready
BENCH_READY := $(VENV)/bench-ready
OLDEST := .venv-oldest
# From requires-python, such as ">=3.11,<3.15": the minor versions that fit.
FIRST := $(shell sed -n 's/^requires-python = ">=3\.\([0-9]*\),.*/\1/p' pyproject.toml)
LAST := $(shell sed -n 's/^requires-python = .*<3\.\([0-9]*\)".*/\1/p' pyproject.toml | awk '{print $$1 - 1}')
FITS := import sys; sys.exit(not (3, $(FIRST)) <= sys.version_info[:2] <= (3, $(LAST)))
# The first of these that fits; `make lab PYTHON=/path/to/python` takes another.
ifndef PYTHON
PYTHON := $(or $(shell for p in python3 $$(seq -f 'python3.%g' $(LAST) -1 $(FIRST)) python; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done),python3)
endif
# uv installs sooner; pip does the same. Python compiles a module when it is first used: a fifth of the space and time saved.
PIP = $(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(BIN)/python -m pip --disable-pip-version-check install --no-compile)
# What `make lab` hands on, for example: make lab ARGS="--no-browser --port 8899"
ARGS ?=
# On Linux a plain torch brings CUDA, several GB. PyTorch's start page gives the address of its CPU index.
TORCH_INDEX ?=
# How many processes share the tests. Each takes up to 2 GB and a core.
TESTERS ?= 2

PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help lab setup test test-slow test-oldest models notebooks glossary site evidence bundle wheel class bench size clean

help: ## print this
	@echo 'Learn how large language models work by touching a tiny one. Start with: make lab'
	@echo
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'Settings: PYTHON=python3.12   TORCH_INDEX=<CPU index of PyTorch>   ARGS="--no-browser --port 8899"'

lab: $(READY) ## open the lessons in JupyterLab (the first time this installs what they need)
	@$(BIN)/python -m llmviz lab $(ARGS)

setup: $(TEST_READY) ## install what the lessons and the tests need, with the pinned versions
	@echo 'Ready: $(VENV). Open the lessons with: make lab'

test: $(TEST_READY) ## check style, package, widgets and every lesson's saved outputs: about 10 minutes
	$(BIN)/python -m ruff check .
	$(BIN)/lint-imports --no-logo
	$(PYTEST) -m 'not slow'

test-slow: $(TEST_READY) ## the long checks: every claim of the lessons, every lesson in a browser, a real class
	$(PYTEST) -m slow tests

# Not what needs a browser, a hub, transformers or the pinned versions.
test-oldest $(OLDEST)/ready: BIN := $(OLDEST)/bin
test-oldest: $(OLDEST)/ready ## the tests with the oldest versions that pyproject.toml allows (on Python 3.11 or 3.12)
	$(PYTEST) -m 'not slow' -k 'not transformers' -W ignore::DeprecationWarning $(addprefix --ignore=tests/,browser \
		deploy benchmarks fuzz pretrained/test_convert.py pretrained/test_gguf.py test_bundle.py test_project.py) $(ARGS)

models: $(TEST_READY) ## train again every model that ships in data/models
	$(BIN)/python tools/train_models.py

notebooks: $(TEST_READY) ## run every lesson from a fresh kernel; keep outputs and times
	$(BIN)/python tools/execute_notebooks.py $(ARGS)

evidence: $(TEST_READY) ## run every demo of the lessons over three seeds; keep the bounds
	$(BIN)/python tests/evidence/measure_claims.py $(ARGS)

glossary: $(TEST_READY) ## write docs/glossary.md from the lessons' tables of key terms
	$(BIN)/python tools/make_glossary.py

site: $(READY) ## the course as web pages that work without Python, for a stick or a web server, in build/site
	$(BIN)/python tools/make_site.py $(ARGS)

bundle: $(READY) ## wheels, lessons and installer for a USB stick, in build (ARGS="--platform win_amd64 --python 3.12")
	$(BIN)/python tools/make_bundle.py $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX)) $(ARGS)

wheel: $(READY) ## the whole course as one file for pip, in build
	$(BIN)/python -m pip --disable-pip-version-check wheel --no-deps --wheel-dir build .

class: $(TEST_READY) ## a JupyterHub for a class on this machine (to rehearse: make class CLASS_SIZE=3)
	@$(BIN)/python -m jupyterhub -f deploy/jupyterhub_config.py

bench: $(BENCH_READY) ## measure against other libraries; results in build/
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

size: $(TEST_READY) ## lines, files and names of the project, beside their budgets (ARGS=--details)
	$(BIN)/python tools/size.py $(ARGS)

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) $(OLDEST) build *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find llmviz notebooks tests tools -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c '$(FITS)' 2>/dev/null || { echo 'llmviz needs Python 3.$(FIRST) to 3.$(LAST), and "$(PYTHON)" is' \
		"$$($(PYTHON) --version 2>/dev/null || echo missing). Install one of them, or name it: make lab PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo '"$(PYTHON)" cannot make an environment:' \
		'its ensurepip is missing. On Debian and Ubuntu: apt install python3-venv; then run make again.'; exit 1; }
	@echo 'Setting up $(VENV): about 1.3 GB, two minutes the first time.'
	@test -x $(BIN)/python && $(BIN)/python -c '$(FITS)' || $(PYTHON) -m venv --clear $(VENV)
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url $(TORCH_INDEX) \
		"$$(sed -n '/^torch==/p' constraints.txt)")
	$(PIP) -c constraints.txt -e .
	@touch $@

$(TEST_READY): $(READY)
	$(PIP) -c constraints.txt -e '.[test]'
	@touch $@

$(BENCH_READY): $(TEST_READY)
	$(PIP) -c constraints.txt -e '.[test,bench]'
	@touch $@

# Each `>=` of pyproject.toml as `==`; torch as it is pinned, since its older builds are large. Built for test-oldest alone.
$(OLDEST)/ready: pyproject.toml
	$(PYTHON) -m venv --clear $(OLDEST)
	sed -nE '/^dependencies/,/^]/s/^ *"([a-z0-9-]+)>=([0-9.]+)".*/\1==\2/p' pyproject.toml >$(OLDEST)/oldest.txt
	sed -n '/^torch==/p' constraints.txt >>$(OLDEST)/oldest.txt
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url $(TORCH_INDEX) "$$(sed -n '/^torch==/p' constraints.txt)")
	$(PIP) -c $(OLDEST)/oldest.txt -e . hypothesis jinja2 nbval 'pytest>=9' pytest-xdist pyyaml scipy
	@touch $@
