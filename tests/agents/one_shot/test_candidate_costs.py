"""What candidates cost: arithmetic, and milliseconds that are fitted to networks."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import make_agent
from nas_agents.one_shot.candidate_costs import CandidateCosts, fitted

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Latency, TrainEvaluator
from nas_gym.networks import Blend
from tests.helpers.supernets import CELL, RECIPE, signals, space_of

TASK = signals(120, 8)
SMALL = CELL | {"channels": [4], "operations": ["none", "skip_connect", "nor_conv_3x3"]}
MILLISECONDS = (0.0, 0.1, 0.5)


class ByChoice(Latency):
    """2 ms, and some for each operation of a cell; an edge into the output costs twice as much."""

    def __init__(self, space):
        self._space = space
        self.asked = 0

    def of(self, architectures):
        self.asked += len(architectures)
        return [
            2.0
            + sum(
                MILLISECONDS[choice] * (2 if name.endswith("3") else 1)
                for name, choice in self._space.encode(each).items()
            )
            for each in architectures
        ]

    def config(self):
        return "by choice"


def environment(latency=None):
    space = space_of(SMALL, TASK)
    evaluator = {"name": "train", "recipe": RECIPE} | ({"latency": latency} if latency else {})
    return gym.make("NAS-v0", search_space=space, task=TASK, evaluator=evaluator, store="memory")


def test_latencies_of_candidates_are_fitted_to_those_of_networks():
    space = space_of(SMALL, TASK)
    model, costs = fitted(space, ByChoice(space))
    assert model.error.tau > 0.95
    most = 2 + 3 * 0.5 + 3 * 1.0
    for name, row in costs.shares.items():
        times = 2 if name.endswith("3") else 1
        found = (np.array(row) - row[0]) * most
        assert found == pytest.approx(np.array(MILLISECONDS) * times, abs=0.06)
    cheap, dear = ({name: Blend(torch.eye(3)[place]) for name in costs.shares} for place in (0, 2))
    assert costs.of_path(cheap) == pytest.approx(2 / most, abs=0.02)
    assert costs.of_path(dear) == pytest.approx(1, abs=0.02)


class ByActivation(Latency):
    """1 ms for each layer, and some for its activation."""

    EACH = {"relu": 0.0, "tanh": 0.4, "sigmoid": 0.8, "identity": 1.2}  # noqa: RUF012 - read alone

    def of(self, architectures):
        layers = [str(each).split(" > ") for each in architectures]
        return [sum(1 + self.EACH[layer.partition("-")[0]] for layer in each) for each in layers]

    def config(self):
        return "by activation"


@pytest.mark.parametrize("layers", [1, 3])
def test_latencies_are_those_of_networks_that_the_mixture_holds_and_of_every_candidate(layers):
    """Shallower networks would pass for layers of the first activation, and draws leave some out."""
    mlp = {"name": "mlp", "max_layers": layers, "widths": [8], "activations": list(ByActivation.EACH)}
    space = space_of(mlp, TASK)
    _, costs = fitted(space, ByActivation())
    assert set(costs.shares) == {f"layer {number} activation" for number in range(1, layers + 1)}
    most = layers * 2.2
    for row in costs.shares.values():
        assert (np.array(row) - row[0]) * most == pytest.approx([0.0, 0.4, 0.8, 1.2], abs=0.02)
    whole = {name: Blend(torch.eye(4)[3]) for name in costs.shares}
    assert costs.of_path(whole) == pytest.approx(1, abs=0.02)


def test_the_expected_cost_is_the_mean_over_candidates_and_has_its_gradient():
    costs = CandidateCosts({"a": [0.0, 0.6], "b": [0.1, 0.2, 0.4]})
    rows = {"a": torch.tensor([0.3, -0.2], requires_grad=True), "b": torch.zeros(3)}
    p = torch.softmax(rows["a"], 0)
    expected = costs.expected(rows)
    assert expected.item() == pytest.approx(0.6 * p[1].item() + 0.7 / 3)
    (gradient,) = torch.autograd.grad(expected, rows["a"])
    slope = 0.6 * p[0].item() * p[1].item()
    assert gradient.tolist() == pytest.approx([-slope, slope])


def test_a_search_for_low_latency_chooses_what_is_quick():
    env = environment({"repeats": 1, "warmup": 0, "rounds": 1})
    quick = ByChoice(env.unwrapped.search_space)
    env.unwrapped.evaluator.latency = quick
    options = {"arch_learning_rate": 0.1, "cost": "latency", "diagnosis": False}
    chosen = make_agent({"name": "proxyless", "cost_weight": 50.0, **options}).search(env, 6, 0).architecture
    assert "conv" not in chosen
    assert quick.asked > 0
    before = quick.asked
    # Where cost has no weight, no latency is asked for.
    make_agent({"name": "proxyless", **options}).search(env, 6, 0)
    assert quick.asked - before <= 1


def test_latency_without_a_source_of_it_is_refused_in_a_sentence():
    agent = make_agent({"name": "proxyless", "cost": "latency", "cost_weight": 1.0})
    with pytest.raises(NASGymError, match="cost 'latency' needs an evaluator that gives latencies") as caught:
        agent.search(environment(), 8, 0)
    assert "\n" not in str(caught.value)
    with pytest.raises(NASGymError, match="cost"):
        make_agent({"name": "proxyless", "cost": "energy"})
    assert TrainEvaluator(space_of(SMALL, TASK), TASK, "cpu", recipe=RECIPE).latency is None
