"""Successive halving and Hyperband: rungs, promotions, brackets, and what is never compared."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from nas_agents import Hyperband, RandomSearch, SuccessiveHalving
from nas_agents.agent import Session
from nas_agents.successive_halving import rungs

from nas_gym.errors import NASGymError
from tests.helpers.environments import environment, relu_layers, scattered
from tests.helpers.fakes import SMALL, FakeEvaluator

MLP3 = {"name": "mlp", "max_layers": 3}
BOTH = [SuccessiveHalving(), Hyperband()]


class Gradual(FakeEvaluator):
    """81 epochs, a second each; shorter trainings look better, and are noisy by their number."""

    EPOCHS = 81

    def stream(self, requests):
        for position, evaluation in super().stream(requests):
            epochs = requests[position].fidelity or self.EPOCHS
            noise = (
                0.02 * (scattered(f"{evaluation.architecture} {epochs}", 0) - 0.5) * (epochs < self.EPOCHS)
            )
            score = 0.6 * evaluation.score + 0.3 * (1 - epochs / self.EPOCHS) + noise
            yield position, replace(evaluation, score=score, seconds=float(epochs))

    def fidelities(self):
        return tuple(range(1, self.EPOCHS + 1))


def gradual(score=relu_layers, space=MLP3):
    return environment(score, space, Gradual)


def asked(result):
    """How many evaluations in a row each fidelity had."""
    return [
        (epochs, len(list(group))) for epochs, group in groupby(each.fidelity for each in result.evaluations)
    ]


@pytest.mark.parametrize(
    ("fidelities", "eta", "lowest", "expected"),
    [
        (range(1, 82), 3, 1, [1, 3, 9, 27, 81]),
        (range(1, 82), 3, 4, [9, 27, 81]),
        (range(1, 21), 3, 1, [2, 7, 20]),
        (range(1, 21), 2, 1, [1, 3, 5, 10, 20]),
        ((12, 200), 3, 1, [12, 200]),
        ((200,), 3, 1, [200]),
        ((), 3, 1, [1]),
        ((1,), 3, 1, [1]),
    ],
)
def test_rungs_are_geometric_and_of_the_fidelities_that_there_are(fidelities, eta, lowest, expected):
    assert rungs(tuple(fidelities), eta, lowest) == expected


def test_a_lowest_rung_above_the_recipe_is_refused():
    for agent in (SuccessiveHalving(lowest=82), Hyperband(lowest=82)):
        with pytest.raises(NASGymError, match="lowest must be at most the 81 epochs of the recipe, not 82"):
            agent.search(gradual(), 20, 0)


def test_a_bracket_of_successive_halving_costs_the_same_at_each_rung():
    result = SuccessiveHalving().search(gradual(space="mlp"), 5, seed=0)
    assert asked(result) == [(1, 81), (3, 27), (9, 9), (27, 3), (None, 1)]


def test_the_best_of_a_rung_go_on():
    evaluations = SuccessiveHalving().search(gradual(space="mlp"), 5, seed=0).evaluations
    by_rung = [list(group) for _, group in groupby(evaluations, key=lambda each: each.fidelity)]
    for lower, upper in pairwise(by_rung):
        promoted = {each.architecture for each in upper}
        best_left = max(each.score for each in lower if each.architecture not in promoted)
        assert min(each.score for each in lower if each.architecture in promoted) >= best_left


def test_the_brackets_of_hyperband_are_those_of_the_paper():
    # Li et al. 2018, table 1: R = 81, eta = 3.
    table = [
        [(1, 81), (3, 27), (9, 9), (27, 3), (None, 1)],
        [(3, 34), (9, 11), (27, 3), (None, 1)],
        [(9, 15), (27, 5), (None, 1)],
        [(27, 8), (None, 2)],
        [(None, 5)],
    ]
    brackets = []

    class Watched(Session):
        def ask(self, architectures, fidelity=None):
            brackets.append((fidelity, len(architectures)))
            return super().ask(architectures, fidelity)

    env = gradual(scattered, "mlp")
    env.unwrapped.start_run(22)
    with pytest.raises(Exception, match="the run ended: budget"):
        Hyperband().run(Watched(env, 0))
    assert brackets[:15] == [rung for bracket in table for rung in bracket]


@pytest.mark.parametrize("agent", BOTH, ids=lambda agent: agent.name)
def test_the_choice_is_of_the_full_recipe_though_shorter_trainings_look_better(agent):
    result = agent.search(gradual(scattered), 10, seed=0)
    full = [each for each in result.evaluations if each.fidelity is None]
    assert full
    assert result.score == max(each.score for each in full)
    assert result.score < max(each.score for each in result.evaluations)


@pytest.mark.parametrize("agent", BOTH, ids=lambda agent: agent.name)
def test_a_search_that_ends_below_the_full_recipe_chooses_at_the_highest_rung_it_reached(agent):
    result = agent.search(gradual(scattered, "mlp"), 2, seed=0)
    reached = [each for each in result.evaluations if each.fidelity == 3]
    assert max(each.fidelity for each in result.evaluations) == 3
    assert result.score == max(each.score for each in reached)


@pytest.mark.parametrize("agent", BOTH, ids=lambda agent: agent.name)
def test_halving_beats_random_search_under_a_budget_in_seconds(agent):
    def mean_best(agent):
        budget = {"seconds": 1500.0}
        return np.mean([agent.search(gradual(space="mlp"), budget, seed).score for seed in range(5)])

    assert mean_best(agent) > mean_best(RandomSearch()) + 0.02


@pytest.mark.parametrize("agent", BOTH, ids=lambda agent: agent.name)
def test_failed_networks_are_not_promoted(agent):
    def half_fail(architecture, seed):
        return float("nan") if "sigmoid" in str(architecture) else scattered(architecture, seed)

    evaluations = agent.search(gradual(half_fail, SMALL), 60, seed=0).evaluations
    rungs_of_failures = {each.fidelity for each in evaluations if each.failed}
    # Hyperband has brackets that start higher.
    assert rungs_of_failures == {1} or (agent.name == "hyperband" and 1 in rungs_of_failures)


def test_the_full_recipe_by_its_number_is_the_request_without_one():
    env = gradual(space=SMALL)
    env.unwrapped.start_run(20)
    session, network = Session(env, 0), env.unwrapped.search_space.smallest()
    assert session.ask([network], 81) == session.ask([network])
    session.ask([network], 80)
    assert env.unwrapped.stats.unique == 2


def test_a_space_is_exhausted_when_all_of_it_had_the_full_recipe():
    env = gradual(space=SMALL)
    env.unwrapped.start_run(40)
    session, networks = Session(env, 0), list(env.unwrapped.search_space)
    session.ask(networks, 1)
    session.ask(networks[:-1])
    assert not session.is_exhausted()
    with pytest.raises(Exception, match="space exhausted"):
        session.ask(networks)


@pytest.mark.parametrize("agent", BOTH, ids=lambda agent: agent.name)
def test_halving_beats_random_search_under_a_budget_in_evaluations_that_costs_the_same(agent):
    def mean_best(agent):
        found = [agent.search(gradual(space="mlp"), 20, seed) for seed in range(5)]
        assert all(18 * 81 < result.seconds <= 20 * 81 for result in found)
        return np.mean([result.score for result in found])

    assert mean_best(agent) > mean_best(RandomSearch()) + 0.02
