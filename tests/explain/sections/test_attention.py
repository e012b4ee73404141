"""What a policy looks at: attributions that add up, and find the part that matters."""

from __future__ import annotations

import itertools
import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.wrappers import FlattenObservation
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO

from benchmarks.quality.explanations.planted_policies import from_depth_three, optimal, space_of
from nas_gym.errors import NASGymError
from nas_gym.explain import Decisions, read_evidence
from nas_gym.explain.methods.attribution.integrated_gradients import TOLERANCE
from nas_gym.explain.methods.attribution.observation_parts import parts_of, values_of
from nas_gym.explain.methods.attribution.policy_inputs import integrated_gradients
from nas_gym.explain.methods.attribution.policy_preferences import (
    attribute_preferences,
    exact_attributions,
    shapley_values,
)
from nas_gym.explain.methods.policies.scores import policy_scores
from nas_gym.explain.sections.attention.section import explain_attention
from nas_gym.search_spaces import make_search_space
from nas_gym.traces import NeuralPolicy, State, TabularPolicy
from tests.helpers.explain.drawing import draw_all
from tests.helpers.explain.policy_runs import asked, environment, followed, learned

MODELS = {
    "PPO": (PPO, "dict", "score", False, torch.nn.Tanh),
    "PPO of rectifiers": (PPO, "dict", "score", False, torch.nn.ReLU),
    "PPO with the mask": (PPO, "dict+mask", "score", False, torch.nn.Tanh),
    "A2C flattened, with the clock": (A2C, "dict", "final", True, torch.nn.Tanh),
    "DQN": (DQN, "dict", "score", False, torch.nn.ReLU),
    "MaskablePPO": (MaskablePPO, "dict", "final", False, torch.nn.Tanh),
}


def neural(name):
    cls, observation, reward, flat, activation = MODELS[name]
    env = environment(observation=observation, reward=reward, horizon=6)
    env = FlattenObservation(env) if flat else env
    kind = "MultiInputPolicy" if isinstance(env.observation_space, gym.spaces.Dict) else "MlpPolicy"
    options = {"policy_kwargs": {"net_arch": [24], "activation_fn": activation}, "seed": 3, "device": "cpu"}
    model = cls(kind, env, **options, **({"n_steps": 8, "batch_size": 8} if "PPO" in cls.__name__ else {}))
    return NeuralPolicy(env.unwrapped.search_space, model), env.unwrapped


def some_states(problem, count, seed=0):
    rng = np.random.default_rng(seed)
    left = (lambda: int(rng.integers(1, 7))) if problem.reward.episodic else (lambda: None)
    return [State(problem.search_space.sample(rng), left()) for _ in range(count)]


@pytest.mark.parametrize("name", MODELS)
def test_attributions_of_networks_add_up_to_the_difference_of_outputs(name):
    policy, problem = neural(name)
    space = problem.search_space
    states, reference = some_states(problem, 6), some_states(problem, 50, 1)
    found = policy_scores(policy, space, states)
    attributed = integrated_gradients(policy, space, states, found.best, found.masks, reference)
    assert attributed.reliable.all()
    assert attributed.values.shape == (6, len(attributed.names))
    layers = [name for name in attributed.names if name.startswith("layer")]
    assert layers == ["layer 1", "layer 2", "layer 3", "layer 4"]
    assert ("steps left" in attributed.names) == problem.reward.episodic


def test_they_explain_the_preference_that_the_policy_has():
    """The attributions of all parts are the preference minus that of the baseline, counted apart."""
    policy, problem = neural("DQN")
    space = problem.search_space
    states, reference = some_states(problem, 4), some_states(problem, 50, 1)
    found = policy_scores(policy, space, states)
    attributed = integrated_gradients(policy, space, states, found.best, found.masks, reference)
    network = policy.network.double()
    fed = [
        torch.cat([part.double() for part in policy.preprocessed(some).values()], 1)
        for some in (states, reference)
    ]
    outputs = [network.q_net.q_net(part).detach().numpy() for part in (fed[0], fed[1].mean(0, keepdim=True))]
    for row, edit in enumerate(found.best):
        mask = found.masks[row]
        here, there = (values[row % len(values)] for values in outputs)
        difference = (here[edit] - here[mask].mean()) - (there[edit] - there[mask].mean())
        assert attributed.values[row].sum() == pytest.approx(difference, rel=10 * TOLERANCE)


def test_a_network_that_sees_one_layer_alone_looks_at_it_alone():
    policy, problem = neural("DQN")
    space = problem.search_space
    with torch.no_grad():
        first = policy.network.q_net.q_net[0]
        first.weight[:, 5:] = 0.0
    states = some_states(problem, 6)
    found = policy_scores(policy, space, states)
    attributed = integrated_gradients(
        policy, space, states, found.best, found.masks, some_states(problem, 50, 1)
    )
    assert np.abs(attributed.values[:, 1:]).max() == 0
    assert np.abs(attributed.values[:, 0]).max() > 0


def test_what_does_not_add_up_is_marked():
    """Rectifiers have kinks, which a path that is not refined steps over."""
    policy, problem = neural("PPO of rectifiers")
    states = some_states(problem, 8)
    found = policy_scores(policy, problem.search_space, states)
    attributed = integrated_gradients(
        policy, problem.search_space, states, found.best, found.masks, states, rounds=0
    )
    assert not attributed.reliable.all()
    assert (attributed.errors[~attributed.reliable] >= TOLERANCE).all()


def test_without_captum_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr("nas_gym.explain.methods.attribution.policy_inputs.has_captum", lambda: False)
    policy, problem = neural("PPO")
    states = some_states(problem, 2)
    found = policy_scores(policy, problem.search_space, states)
    with pytest.raises(NASGymError, match=r"pip install 'nas-gym\[explain\]'"):
        integrated_gradients(policy, problem.search_space, states, found.best, found.masks, states)


def test_shapley_values_are_those_of_their_definition():
    rng = np.random.default_rng(0)
    parts = rng.integers(3, size=(40, 4))
    preference = rng.normal(size=40)
    state = parts[7]

    def known(some):
        rows = (parts[:, list(some)] == state[list(some)]).all(axis=1)
        return preference[rows].mean()

    for part in range(4):
        others = [other for other in range(4) if other != part]
        value = 0.0
        for size in range(4):
            weight = math.factorial(size) * math.factorial(3 - size) / math.factorial(4)
            for some in itertools.combinations(others, size):
                value += weight * (known((*some, part)) - known(some))
        assert shapley_values(parts, state, preference)[part] == pytest.approx(value)
    total = shapley_values(parts, state, preference).sum()
    assert total == pytest.approx(known(range(4)) - preference.mean())


def test_exact_attributions_find_the_layer_that_a_table_looks_at():
    space = space_of({"name": "mlp", "max_layers": 3, "widths": [8], "activations": ["relu", "tanh"]})
    swap = [str(edit) for edit in space.actions].index("swap activation of layer 1 to tanh")
    table = {}
    for one in space:
        q = np.zeros(len(space.actions))
        q[swap] = 1.0 if one.layers[0][1] == "relu" else 0.0
        q[0] = 0.5
        table[str(one)] = q
    found = policy_scores(TabularPolicy(space, table), space, [State(one) for one in space])
    names, values, errors = exact_attributions(space, found, found)
    assert names == ["layer 1", "layer 2", "layer 3"]
    assert errors.max() < 1e-9
    keeps = found.best == 0
    size = np.abs(values[keeps]).mean(axis=0)
    assert size[0] > 3 * size[1:].max()


def test_states_have_as_many_parts_as_can_be_told_apart():
    space = make_search_space({"name": "conv", "max_layers": 6}, (1, 40), 10)
    rng = np.random.default_rng(0)
    states = [State(space.sample(rng)) for _ in range(20)]
    names, parts = values_of(space, states, 14)
    assert names == [f"layer {number}" for number in range(1, 7)] + ["skips"]
    for one, other in itertools.combinations(range(20), 2):
        same = states[one].architecture == states[other].architecture
        assert (parts[one] == parts[other]).all() == same


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"name": "cell"}, "edge 0-1"), ({"name": "conv", "max_layers": 3}, "layer 1 operation")],
)
def test_parts_have_the_names_of_the_choices(options, expected):
    space = make_search_space(options, (1, 40), 10)
    assert expected in [part.name for part in parts_of(space, space.observation_space)]


def test_the_section_of_a_table(tmp_path):
    section = explain_attention(read_evidence(learned(tmp_path / "run", 40)))
    assert section.numbers["method"] == "shapley"
    assert sum(section.numbers["shares"].values()) == pytest.approx(1)
    assert section.numbers["unreliable"] == 0
    draw_all(section)


def test_the_section_of_a_network(tmp_path):
    policy, _ = neural("PPO")
    section = explain_attention(read_evidence(followed(tmp_path / "run", policy, steps=3)))
    assert section.numbers["method"] == "integrated gradients"
    assert section.numbers["largest_completeness_error"] < TOLERANCE
    assert all(one["reliable"] for one in section.numbers["states"])
    draw_all(section)


def test_a_network_that_sees_only_a_number_is_told_by_its_scores():
    env = environment(observation="index")
    model = DQN("MlpPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": [8]})
    space = env.unwrapped.search_space
    decisions = Decisions(NeuralPolicy(space, model), space)
    states = [State(one) for one in list(space)[:30]]
    found = decisions.policy_scores(states)
    found = attribute_preferences(decisions, found, np.full(30, 1 / 30), found)
    assert found.method == "shapley"


def test_agents_without_a_policy_or_a_preference_get_a_sentence(tmp_path):
    assert explain_attention(read_evidence(asked(tmp_path / "asked"))).withheld
    policy = optimal(space_of(), from_depth_three)
    policy.table = {}
    section = explain_attention(read_evidence(followed(tmp_path / "empty", policy, steps=2)))
    assert section.withheld
    assert "depends on nothing" in section.answer[0]
