"""Whatever says that it draws uniformly does: counts over many seeds against equal shares, by chi-square."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import (
    BruteForce,
    Evolution,
    LocalSearch,
    OptunaRandom,
    QLearning,
    RandomSearch,
    RandomWalk,
    make_agent,
)
from nas_agents.agent import Session
from nas_agents.evolution import _mutate
from nas_agents.model_based.agent import ModelBased
from nas_agents.reinforce import SoftmaxPolicy
from nas_agents.sb3.dqn import DQN
from nas_agents.warm_start import distinct
from scipy.stats import chi2_contingency, chisquare

from nas_gym.search_spaces import ChoiceSpace, make_search_space
from tests.helpers.environments import environment, relu_layers, scattered, texts

# All but one in 10,000 true claims pass; the seeds are fixed, so the outcome is, too.
ALPHA = 1e-4
SPACES = {
    "mlp": {"name": "mlp", "max_layers": 2, "widths": [16, 64], "activations": ["relu", "tanh"]},
    "conv": {
        "name": "conv",
        "max_layers": 2,
        "operations": ["conv3", "max_pool"],
        "channels": [4],
        "activations": ["relu"],
    },
    "cell": {"name": "cell", "operations": ["none", "skip_connect"]},
}


class ThreeByFive(ChoiceSpace):
    name = "tests.agents.test_uniform_draws:ThreeByFive"
    choices: ClassVar = {"width": (8, 16, 32), "depth": (1, 2, 3, 4, 5)}

    def network(self, architecture):
        raise NotImplementedError


def spaces():
    built = {name: make_search_space(spec, (1, 16), 2) for name, spec in SPACES.items()}
    return built | {"choices": ThreeByFive((1, 16), 2)}


def uniform(found, choices):
    """The p-value of the claim that `found` are uniform draws from `choices`."""
    counts = Counter(map(str, found))
    assert set(counts) <= set(map(str, choices))
    return chisquare([counts[str(each)] for each in choices]).pvalue


def mlp():
    return spaces()["mlp"]


@pytest.mark.parametrize("name", [*SPACES, "choices"])
def test_a_sample_of_a_space_is_uniform_over_its_architectures(name):
    space, rng = spaces()[name], np.random.default_rng(0)
    assert 10 <= space.size < 100
    assert uniform([space.sample(rng) for _ in range(60 * space.size)], list(space)) > ALPHA


def test_samples_of_seeds_in_a_row_are_uniform():
    space = mlp()
    found = [space.sample(np.random.default_rng(seed)) for seed in range(2000)]
    assert uniform(found, list(space)) > ALPHA


@pytest.mark.parametrize("agent", [RandomSearch(), BruteForce(), BruteForce(batch=8)], ids=str)
@pytest.mark.parametrize("visit", [0, 7, 13])
def test_every_visit_of_an_agent_without_replacement_is_uniform(agent, visit):
    env = environment(scattered, SPACES["mlp"])
    space = env.unwrapped.search_space
    found = [texts(agent.search(env, visit + 1, seed))[visit] for seed in range(600)]
    assert uniform(found, list(space)) > ALPHA


@pytest.mark.parametrize("agent", [RandomSearch(), BruteForce()], ids=lambda agent: agent.name)
def test_no_part_of_a_larger_space_comes_first(agent):
    env = environment(scattered, "mlp")
    space = env.unwrapped.search_space
    eighths = []
    for seed in range(40):
        found = texts(agent.search(env, 50, seed))
        eighths += [space.index(space.parse(text)) * 8 // space.size for text in found]
    assert uniform(eighths, range(8)) > ALPHA


@pytest.mark.parametrize(
    "first",
    [
        lambda env, seed: texts(Evolution(population=3).search(env, 3, seed)),
        lambda env, seed: texts(LocalSearch().search(env, 1, seed)),
        lambda env, seed: texts(ModelBased(first=3).search(env, 3, seed)),
        lambda env, seed: [
            str(each) for each in distinct(env.unwrapped.search_space, 3, np.random.default_rng(seed))
        ],
    ],
    ids=["evolution", "local-search", "model-based", "halving"],
)
def test_the_first_architectures_of_agents_that_say_so_are_uniform(first):
    env = environment(scattered, SPACES["mlp"])
    found = [text for seed in range(250) for text in first(env, seed)]
    assert uniform(found, list(env.unwrapped.search_space)) > ALPHA


@pytest.mark.parametrize("name", [*SPACES, "choices"])
def test_a_mutation_is_a_uniform_legal_edit_but_keep(name):
    space = spaces()[name]
    session = Session.__new__(Session)
    session.env = type("Env", (), {"unwrapped": type("Bare", (), {"search_space": space})})()
    session.rng = np.random.default_rng(1)
    for start in (space.smallest(), space.architecture(space.size // 2)):
        edits = np.flatnonzero(space.mask(start))[1:]
        after = [space.apply(start, int(edit)) for edit in edits]
        shares = Counter(map(str, after))
        counts = Counter(str(_mutate(start, session)) for _ in range(200 * len(edits)))
        assert set(counts) == set(shares)
        expected = [200 * shares[text] for text in counts]
        assert chisquare(list(counts.values()), expected).pvalue > ALPHA


def first_step(agent, env, seed):
    """The start state and the first edit of a search."""

    class Watch(gym.Wrapper):
        def step(self, action):
            seen.append((str(self.env.unwrapped.architecture), int(action)))
            return super().step(action)

    seen = []
    agent.search(Watch(env), 1, seed)
    return seen[0]


STEPPERS = {
    "random-walk": (RandomWalk(), False),
    "q-learning": (QLearning(outputs="actions"), True),
    "dqn": (DQN(outputs="actions", width=1, batch_size=1), True),
}


@pytest.mark.parametrize(("agent", "keeps"), STEPPERS.values(), ids=STEPPERS)
def test_first_steps_are_uniform_over_legal_edits(agent, keeps):
    env = environment(scattered, SPACES["mlp"])
    space = env.unwrapped.search_space
    legal = np.flatnonzero(space.mask(space.smallest()))[0 if keeps else 1 :]
    runs = 150 if agent.name == "dqn" else 800
    found = [first_step(agent, env, seed) for seed in range(runs)]
    assert {start for start, _ in found} == {str(space.smallest())}
    assert uniform([edit for _, edit in found], legal) > ALPHA


@pytest.mark.parametrize("agent", [RandomWalk(), QLearning(outputs="actions")], ids=lambda agent: agent.name)
def test_random_starts_are_uniform_and_tell_nothing_of_the_first_edit(agent):
    env = environment(scattered, SPACES["mlp"], initial="random")
    space = env.unwrapped.search_space
    found = [first_step(agent, env, seed) for seed in range(1200)]
    assert uniform([start for start, _ in found], list(space)) > ALPHA
    # By the place of the edit among the legal ones, in thirds.
    thirds = np.zeros((2, 3))
    for start, edit in found:
        architecture = space.parse(start)
        legal = np.flatnonzero(space.mask(architecture))
        half = int(space.index(architecture) >= space.size // 2)
        thirds[half, 3 * int(np.searchsorted(legal, edit)) // len(legal)] += 1
    assert chi2_contingency(thirds).pvalue > ALPHA


@pytest.mark.parametrize("name", ["random-walk", "greedy-walk", "q-learning", "dqn"])
def test_an_agent_and_its_environment_draw_from_different_streams(name):
    env = environment(scattered, SPACES["mlp"], initial="random")
    for seed in (0, 7):
        make_agent(name).search(env, 5, seed)
        assert env.unwrapped.np_random_seed not in (seed, None)


def test_random_starts_of_the_environment_and_its_vector_form_are_uniform():
    env = environment(scattered, SPACES["mlp"], initial="random").unwrapped
    space = env.search_space
    single = [env.reset(seed=seed)[1]["architecture"] for seed in range(1000)]
    single += [env.reset()[1]["architecture"] for _ in range(1000)]
    assert uniform(single, list(space)) > ALPHA
    envs = gym.make_vec(
        "NAS-v0",
        num_envs=50,
        search_space=space,
        task=env.task,
        evaluator=env.evaluator,
        initial="random",
    )
    many = [text for seed in range(40) for text in envs.reset(seed=50 * seed)[1]["architecture"]]
    assert uniform(many, list(space)) > ALPHA


def test_optunas_random_sampler_is_uniform_over_assignments():
    env = environment(relu_layers, SPACES["mlp"])
    space = env.unwrapped.search_space
    found = [texts(OptunaRandom().search(env, 1, seed))[0] for seed in range(400)]
    shares = Counter()
    for numbers in np.ndindex(*(len(variable.choices) for variable in space.variables.values())):
        shares[str(space.decode(dict(zip(space.variables, numbers, strict=True))))] += 1
    counts = Counter(found)
    expected = [shares[text] * len(found) / sum(shares.values()) for text in shares]
    assert chisquare([counts[text] for text in shares], expected).pvalue > ALPHA


def test_the_first_policy_of_reinforce_is_nearly_uniform_over_each_variable():
    space = make_search_space("mlp", (1, 16), 2)
    policy = SoftmaxPolicy(space, np.random.default_rng(0))
    drawn = np.array([policy.draw(np.random.default_rng(seed)) for seed in range(1, 2001)])
    for column, variable in enumerate(space.variables.values()):
        assert uniform(drawn[:, column].tolist(), range(len(variable.choices))) > ALPHA
