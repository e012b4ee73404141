"""Random search, evolution and local search: what makes each of them that algorithm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from nas_agents import Agent, Evolution, LocalSearch, RandomSearch
from nas_agents.agent import Session

from nas_gym.errors import NASGymError
from tests.helpers.environments import environment, relu_layers, scattered, texts

MLP3 = {"name": "mlp", "max_layers": 3}


@dataclass(kw_only=True)
class Brief(Agent):
    """Asks for the first few architectures and returns."""

    name = "brief"
    access = "query"
    asked: int = 0

    def run(self, session):
        if self.asked:
            session.ask([session.search_space.architecture(number) for number in range(self.asked)])


def test_a_search_that_its_agent_ends_says_so():
    assert Brief(asked=3).search(environment(), budget=10).stopped == "agent returned"
    assert Brief(asked=14).search(environment(), budget=20).stopped == "space exhausted"
    with pytest.raises(NASGymError, match="the agent 'brief' returned without an evaluation"):
        Brief().search(environment(), budget=10)


def test_random_search_asks_for_nothing_twice():
    env = environment(space=MLP3)
    result = RandomSearch(batch=7).search(env, budget=100, seed=0)
    assert len(result.evaluations) == 100
    assert env.unwrapped.stats.evaluations == 7 * 15


def test_random_search_is_uniform_over_architectures():
    first = Counter(
        texts(RandomSearch().search(environment(), budget=1, seed=seed))[0] for seed in range(700)
    )
    assert len(first) == 14
    # 50 expected each, with a standard deviation of 6.8.
    assert max(abs(count - 50) for count in first.values()) < 5 * 6.8


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_the_batch_of_random_search_changes_no_result(batch):
    sought = texts(RandomSearch(batch=batch).search(environment(space=MLP3), budget=50, seed=0))
    assert sought == texts(RandomSearch().search(environment(space=MLP3), budget=50, seed=0))


def populations(agent_class, env, budget=60, **hyperparameters):
    """The population, oldest first, at each birth."""
    seen = []

    class Watched(agent_class):
        def _child(self, population, session):
            seen.append([str(architecture) for architecture, _ in population])
            return super()._child(population, session)

    Watched(**hyperparameters).search(env, budget, seed=0)
    return seen


def test_evolution_removes_the_oldest_and_keeps_the_size():
    seen = populations(Evolution, environment(relu_layers, MLP3), population=6, sample=3)
    assert len(seen) > 20
    for before, after in pairwise(seen):
        assert len(before) == len(after) == 6
        assert after[:-1] == before[1:]


def test_evolution_lets_even_the_best_die_of_age():
    seen = populations(Evolution, environment(scattered, MLP3), budget=100, population=5, sample=2)
    oldest = [population[0] for population in seen]
    best = max(oldest, key=lambda text: scattered(text, 0))
    assert best not in seen[-1]


def test_a_child_is_one_edit_from_the_best_of_the_sample():
    env = environment(scattered, MLP3)
    space = env.unwrapped.search_space
    # A sample with replacement of 200 from 4 misses one with probability 1e-25.
    seen = populations(Evolution, env, population=4, sample=200)
    for before, after in pairwise(seen):
        parent = max(before, key=lambda text: scattered(text, 0))
        assert space.parse(after[-1]) in space.neighbours(space.parse(parent))


def test_the_parent_of_a_sample_of_one_is_uniform():
    env = environment(scattered)
    env.unwrapped.start_run(10)
    session = Session(env, 0)
    agent = Evolution(population=4, sample=1)
    members = list(env.unwrapped.search_space)[:4]
    population = [(member, env.unwrapped.evaluate(member)) for member in members]
    parents = Counter(str(agent._parent(population, session)) for _ in range(2000))
    assert len(parents) == 4
    assert max(abs(count - 500) for count in parents.values()) < 5 * 19.4


def test_a_crossed_child_takes_each_variable_from_one_of_two_parents():
    class Crossed(Evolution):
        def _parent(self, population, session):
            parents.append(super()._parent(population, session))
            return parents[-1]

    env = environment(scattered, MLP3)
    space, parents = env.unwrapped.search_space, []
    env.unwrapped.start_run(100)
    session = Session(env, 0)
    first = [space.sample(session.rng) for _ in range(10)]
    population = list(zip(first, session.ask(first), strict=True))
    agent = Crossed(population=10, sample=1, crossover=1.0)
    mixed = 0
    for _ in range(50):
        parents.clear()
        child = agent._child(population, session)
        assert len(parents) == 2
        inherited = [space.encode(parent) for parent in parents]
        near = [child, *space.neighbours(child)]
        crosses = [
            space.encode(architecture)
            for architecture in near
            if all(
                value in (inherited[0][name], inherited[1][name])
                for name, value in _active(space, architecture).items()
            )
        ]
        assert crosses
        mixed += child not in [*space.neighbours(parents[0]), *space.neighbours(parents[1])]
    assert mixed > 10


def _active(space, architecture):
    """The variables of the layers that there are."""
    depth = len(architecture.layers)
    values = space.encode(architecture)
    return {name: values[name] for name in values if name == "depth" or int(name.split()[1]) <= depth}


def test_evolution_climbs_a_smooth_landscape_better_than_random_search():
    def mean_best(agent):
        found = [agent.search(environment(relu_layers, "mlp"), 60, seed).score for seed in range(10)]
        return np.mean(found)

    # 1.0 is the optimum: four relu layers of either width, 16 of 4,680 architectures.
    assert mean_best(Evolution(population=10, sample=4)) > mean_best(RandomSearch()) + 0.05


@pytest.mark.parametrize("improvement", ["best", "first"])
def test_local_search_climbs_to_the_top_of_a_smooth_landscape(improvement):
    agent = LocalSearch(improvement=improvement)
    result = agent.search(environment(relu_layers, "mlp"), budget=300, seed=0)
    assert result.score == pytest.approx(1.0)


@pytest.mark.parametrize("improvement", ["best", "first"])
def test_local_search_restarts_in_local_optima_only(improvement):
    stops = []

    class Watched(LocalSearch):
        def _better(self, here, value, session):
            step = super()._better(here, value, session)
            around = [scattered(neighbour, 0) for neighbour in session.search_space.neighbours(here)]
            if step is None:
                stops.append(value)
                assert max(around) <= value
            elif self.improvement == "best":
                assert step[1] == max(around)
            else:
                assert step[1] > value
            return step

    Watched(improvement=improvement).search(environment(scattered, MLP3), budget=400, seed=0)
    assert len(stops) >= 3


def test_best_improvement_evaluates_the_whole_neighbourhood_first():
    env = environment(scattered, MLP3)
    start, *others = texts(LocalSearch(improvement="best").search(env, budget=60, seed=0))
    space = env.unwrapped.search_space
    around = {str(neighbour) for neighbour in space.neighbours(space.parse(start))}
    assert set(others[: len(around)]) == around


def test_first_improvement_moves_before_the_whole_neighbourhood_is_evaluated():
    env = environment(scattered, MLP3)
    first, *others = LocalSearch(improvement="first").search(env, budget=60, seed=3).evaluations
    space = env.unwrapped.search_space
    before_a_gain = next(i for i, other in enumerate(others) if other.score > first.score)
    assert before_a_gain + 1 < len(space.neighbours(space.parse(first.architecture)))


def test_a_batch_longer_than_the_steps_left_is_asked_in_parts():
    result = Evolution(population=120).search(environment(space=MLP3), budget={"seconds": 80.0}, seed=0)
    assert len(result.evaluations) == 80
    assert Evolution(population=120).search(environment(space=MLP3), budget=1, seed=0).stopped == "budget"
