# make demo: from nothing to a comparison of five agents by real training, with traces to look at
# and a report that says why one of the searches found what it found.
# make test: the tests, lint and types.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AGENTS := random,q-learning,ppo,tpe,evolution
DEMO := tensorboard_logs

.PHONY: demo test slow install clean
.DEFAULT_GOAL := test

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable '.[dev]'
	touch $@

install: $(BIN)/.installed

demo: install
	$(BIN)/nas-gym compare --agents $(AGENTS) --seeds 10 --budget 40 \
		--store $(DEMO)/demo-store.sqlite --logdir $(DEMO)
	$(BIN)/nas-gym explain $(DEMO)/NAS-v0-mlp-mnist1d/q-learning/seed0 --budget 60 \
		--store $(DEMO)/demo-store.sqlite
	@echo 'Here TensorBoard is $(BIN)/tensorboard --logdir $(DEMO), then open http://localhost:6006'

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile

slow: install
	$(BIN)/pytest -m slow -s

clean:
	rm -rf $(VENV) build dist *.egg-info
	find tensorboard_logs -mindepth 1 ! -name README.md -delete
