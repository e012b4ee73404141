"""What only tells things imports nothing that takes seconds, and tells them as they are."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from nas_agents import AGENTS, describe

from nas_gym.tasks import CLASSES, SHAPE, make_task

HEAVY = (
    "torch",
    "stable_baselines3",
    "sb3_contrib",
    "optuna",
    "matplotlib",
    "sklearn",
    "tensorboard",
    "mnist1d",
)
RUN = """
import sys
from nas_gym.cli.app import main
sys.argv = ["nas-gym", *{arguments!r}]
try:
    main()
except SystemExit as over:
    assert not over.code, over.code
print("imported:", *sorted({heavy!r} & set(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["search", "--help"], ["benchmark", "list"]])
def test_a_command_that_tells_imports_nothing_heavy(arguments):
    code = RUN.format(arguments=arguments, heavy=set(HEAVY))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_is_described_without_its_import_as_it_describes_itself(name):
    described = describe(name)
    assert described.access == AGENTS[name].access
    assert described.docstring == inspect.getdoc(AGENTS[name])


def test_the_sizes_that_are_listed_are_for_the_shape_that_the_task_has():
    task = make_task("mnist1d")
    assert (task.input_shape, task.outputs) == (SHAPE, CLASSES)


TRACED = """
import sys, gymnasium, nas_gym
from nas_agents import make_agent
from nas_gym.traces import Trace
env = Trace(gymnasium.make("NASTable-MLP-v0"), sys.argv[1])
make_agent("q-learning").search(env, 10)
env.close()
print("imported:", *sorted({"torch", "matplotlib", "stable_baselines3", "sklearn"} & set(sys.modules)))
"""


def test_a_traced_search_on_a_table_imports_neither_torch_nor_matplotlib(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRACED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "imported:"
    assert (tmp_path / "result.json").exists()
