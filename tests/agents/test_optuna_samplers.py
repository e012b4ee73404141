"""Optuna's samplers as agents: they use their models, and repeats cost nothing."""

from __future__ import annotations

import warnings

import numpy as np
import optuna
import pytest
from nas_agents import NSGA2, TPE, OptunaRandom

from tests.helpers.environments import SMALL, environment, relu_layers, scattered

FULL = {"name": "mlp"}


class Counting:
    """Counts the parameters that a sampler draws jointly and one by one, for each trial."""

    def sampler(self, seed):
        sampler = super().sampler(seed)
        self.trials = []
        relative, independent = sampler.sample_relative, sampler.sample_independent

        def sample_relative(study, trial, search_space):
            parameters = relative(study, trial, search_space)
            self.trials.append({"inferred": set(search_space), "joint": set(parameters), "single": set()})
            return parameters

        def sample_independent(study, trial, name, distribution):
            self.trials[-1]["single"].add(name)
            return independent(study, trial, name, distribution)

        sampler.sample_relative, sampler.sample_independent = sample_relative, sample_independent
        return sampler


def test_tpe_models_all_variables_jointly_after_its_first_trials():
    class Watched(Counting, TPE):
        pass

    env = environment(relu_layers, FULL)
    agent = Watched(startup=10)
    agent.search(env, budget=40, seed=0)
    variables = set(env.unwrapped.search_space.variables)
    assert len(agent.trials) >= 40
    assert all(trial["single"] == variables for trial in agent.trials[:10])
    for trial in agent.trials[10:]:
        assert trial["inferred"] == trial["joint"] == variables
        assert not trial["single"]


def test_nsga2_breeds_after_its_first_generation():
    class Watched(Counting, NSGA2):
        pass

    env = environment(relu_layers, FULL)
    agent = Watched(population=10)
    agent.search(env, budget=60, seed=0)
    variables = set(env.unwrapped.search_space.variables)
    assert all(trial["single"] == variables for trial in agent.trials[:10])
    inherited = [len(trial["joint"]) / len(variables) for trial in agent.trials[10:]]
    # The rest are mutations, a quarter on average.
    assert 0.65 < np.mean(inherited) < 0.85


@pytest.mark.parametrize("agent", [TPE(), NSGA2()])
def test_a_model_beats_random_draws_on_a_planted_landscape(agent):
    def mean_best(one):
        return np.mean([one.search(environment(relu_layers, FULL), 60, s).score for s in range(8)])

    assert mean_best(agent) > mean_best(OptunaRandom()) + 0.05


@pytest.mark.parametrize("agent", [TPE(), NSGA2(), OptunaRandom()])
def test_repeats_are_told_but_not_counted(agent):
    env = environment(scattered, SMALL)
    result = agent.search(env, budget=12, seed=0)
    stats = env.unwrapped.stats
    assert len(result.evaluations) == stats.unique <= 12
    assert len(env.unwrapped.evaluator.trained) == stats.unique
    assert result.steps == stats.evaluations > stats.unique


def test_a_variable_without_a_choice_is_no_parameter():
    class Watched(Counting, TPE):
        pass

    agent = Watched(startup=2)
    agent.search(environment(scattered, SMALL), budget=8, seed=0)
    assert agent.trials[-1]["joint"] == {"depth", *(f"layer {layer} activation" for layer in (1, 2, 3))}


def test_failed_evaluations_are_failed_trials():
    studies = []

    class Watched(OptunaRandom):
        def suggest(self, study, session):
            studies.append(study)
            return super().suggest(study, session)

    def shallow_fails(architecture, seed):
        return float("nan") if len(architecture.layers) == 1 else scattered(architecture, seed)

    env = environment(shallow_fails, SMALL)
    result = Watched().search(env, budget=10, seed=0)
    failed = [trial for trial in studies[0].trials if trial.state == optuna.trial.TrialState.FAIL]
    assert failed
    assert any(evaluation.failed for evaluation in result.evaluations)
    shallowest = env.unwrapped.search_space.variables["depth"].choices[0]
    assert {trial.params["depth"] for trial in failed} == {shallowest}


def test_optuna_is_left_as_it_was():
    verbosity = optuna.logging.get_verbosity()
    filters = list(warnings.filters)
    OptunaRandom().search(environment(), budget=4, seed=0)
    assert optuna.logging.get_verbosity() == verbosity
    assert warnings.filters == filters
