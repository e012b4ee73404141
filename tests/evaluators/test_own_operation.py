"""An operation of one's own goes the whole way: training, store, saved network, drawing."""

from __future__ import annotations

import importlib
import json

import gymnasium as gym
import pytest
import torch

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.deploy import load_network, save_network
from nas_gym.evaluators import TrainEvaluator
from nas_gym.evaluators.evaluation import Request
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces.tensorboard.network_graph import graph_of

SPACE = "tests.helpers.own_operation:WaveSpace"
TASK = make_task({"name": "digits", "train_size": 200})
RECIPE = {"epochs": 2}
WAVE = "width=8, form=wave"


@pytest.fixture
def evaluator():
    space = make_search_space(SPACE, TASK.input_shape, TASK.outputs)
    return TrainEvaluator(space, TASK, "cpu", recipe=RECIPE)


def test_an_environment_pays_for_networks_with_an_own_operation():
    env = gym.make(
        "NAS-v0",
        search_space=SPACE,
        task={"name": "digits", "train_size": 200},
        store="memory",
        evaluator={"name": "train", "recipe": RECIPE},
    )
    env.reset(seed=0, options={"architecture": WAVE})
    _, reward, _, _, info = env.step(0)
    assert info["error"] == ""
    assert reward > 0.3  # guessing is 0.1
    env.close()


def test_a_saved_network_with_an_own_operation_answers_as_it_was_trained(evaluator, tmp_path):
    space = evaluator.search_space
    architecture = space.parse(WAVE)
    module, evaluation = evaluator.fit(architecture, 0)
    save_network(tmp_path / "best.pt", space, TASK, architecture, module)
    loaded = load_network(tmp_path / "best.pt")
    x = torch.tensor(TASK.x_validation)
    with torch.no_grad():
        torch.testing.assert_close(loaded.module(x), module(x))
    right = (module(x).argmax(1).numpy() == TASK.y_validation).mean()
    assert right == pytest.approx(evaluation.score)


def test_the_graph_in_tensorboard_names_an_own_operation(evaluator):
    graph = graph_of(evaluator.search_space.network(evaluator.search_space.parse(WAVE)))
    assert [node.op for node in graph.node] == ["input", "flatten", "linear", "Wave", "Join", "linear"]
    assert "hidden/Wave_3" in {node.name for node in graph.node}


def test_stored_results_are_found_by_the_code_of_an_own_operation(tmp_path, monkeypatch):
    """Another forward pass under the same name gives another result."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_steps.py").write_text(OPERATION.format(function="sin"))
    (tmp_path / "own_steps_space.py").write_text(OWN_SPACE)

    def key():
        for name in ("own_steps", "own_steps_space"):
            importlib.reload(importlib.import_module(name))
        space = make_search_space("own_steps_space:Steps", TASK.input_shape, TASK.outputs)
        evaluator = TrainEvaluator(space, TASK, "cpu", recipe=RECIPE)
        return json.dumps(evaluator.key(Request(space.parse("width=4"), 0)), sort_keys=True)

    first = key()
    assert key() == first
    (tmp_path / "own_steps.py").write_text(OPERATION.format(function="cos"))
    importlib.invalidate_caches()
    assert key() != first


OPERATION = """
from nas_gym.networks import Operation


class Step(Operation):
    def forward(self, node, inputs, arrays, training):
        return inputs[0].{function}()
"""
OWN_SPACE = """
import own_steps

from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace


class Steps(ChoiceSpace):
    name = "own_steps_space:Steps"
    choices = {"width": (4, 8)}

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.linear(builder.flatten(builder.input), architecture["width"])
        return builder.build(builder.linear(builder.operation(own_steps.Step(), node), self.outputs))
"""
