# make demo: from nothing to a comparison of five agents by real training, with traces to look at
# a report that says why one of the searches found what it found, and one on all of them together.
# make test: the tests, lint and types.
# make documentation: every command and program that the README and the pages in docs show.
# make gpu: tests and figures on a GPU, written to gpu.json; no row is begun after 5 minutes.
# make faults: kills, full disks, locks and fuzzing, whole; make test has the short form.
# make interop: short loops with other tools, in an environment of their own beside .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AGENTS := random,q-learning,ppo,tpe,evolution
DEMO := tensorboard_logs
INTEROP := .venv-interop
TOOLS := tianshou torchrl 'minari[create]' moviepy mo-gymnasium

.PHONY: demo test documentation slow faults gpu interop install clean
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
	$(BIN)/nas-gym explain $(DEMO)/NAS-v0-mlp-mnist1d --budget 60 --store $(DEMO)/demo-store.sqlite
	@echo 'Here TensorBoard is $(BIN)/tensorboard --logdir $(DEMO), then open http://localhost:6006'

# Tests start many processes: compiled code that is kept saves each a third of a second (measured).
test: export PYTHONDONTWRITEBYTECODE :=
test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The packages of .venv are found from the other environment, so that only the tools are installed there.
# One that does not install has its loops skipped, with a reason.
$(INTEROP)/.installed: $(BIN)/.installed
	$(BIN)/python -m venv $(INTEROP)
	$(BIN)/python -c "import site; print('import site; site.addsitedir(%r)' % site.getsitepackages()[0])" \
		> "$$($(INTEROP)/bin/python -c 'import site; print(site.getsitepackages()[0])')/beside.pth"
	$(INTEROP)/bin/python -m pip install -qq --no-compile --constraint constraints.txt $(TOOLS) || \
	for tool in $(TOOLS); do \
		$(INTEROP)/bin/python -m pip install -qq --no-compile --constraint constraints.txt "$$tool" \
			|| echo "$$tool does not install here: its loops are skipped"; \
	done
	touch $@

interop: $(INTEROP)/.installed
	$(INTEROP)/bin/python -m pytest -m interop -rs tests/interop

documentation: install
	$(BIN)/pytest -m documentation -n 2 --dist loadfile

slow: install
	$(BIN)/pytest -m slow -s

faults: install
	$(BIN)/pytest -m "faults or not faults" -n 2 tests/faults

gpu: install
	$(BIN)/python -m benchmarks.speed.gpu --json gpu.json

clean:
	rm -rf $(VENV) $(INTEROP) build dist *.egg-info
	find tensorboard_logs -mindepth 1 ! -name README.md -delete
