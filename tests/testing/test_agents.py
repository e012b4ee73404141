"""The contract of agents holds for every registered one, and finds what is planted."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace

import pytest
from nas_agents import AGENTS, Agent, RandomSearch

from nas_gym.errors import NASGymError
from nas_gym.testing import check_agent

# Less simulation between real steps.
CHEAP = {"dqn": {"planning": 1}, "ppo": {"planning": 1, "n_epochs": 1}}


@pytest.mark.parametrize("name", [name for name in AGENTS if AGENTS[name].access != "gradient"])
def test_the_contract_holds(name):
    check_agent({"name": name, **CHEAP.get(name, {})})


def test_an_agent_that_trains_shared_weights_is_not_checked_by_searches_that_train_nothing():
    with pytest.raises(NASGymError, match="trains weights that architectures share"):
        check_agent("darts")


@dataclass(kw_only=True)
class Counting(Agent):
    """Asks for the architectures in order, from the one where its last search ended."""

    name = "counting"
    access = "query"

    def run(self, session):
        for number in self.numbers():
            session.ask([session.search_space.architecture(number % session.search_space.size)])

    def numbers(self):
        return itertools.count()


class Remembering(Counting):
    first = 0

    def numbers(self):
        Remembering.first += 1
        return itertools.count(Remembering.first)


class Global(Counting):
    def numbers(self):
        random.random()
        return itertools.count()


class Curious(Counting):
    def run(self, session):
        session.unwrapped.evaluator.test(session.search_space.smallest(), [1])


class Choosy(RandomSearch):
    def search(self, env, budget, seed=0):
        result = super().search(env, budget, seed)
        worst = min(result.evaluations, key=lambda evaluation: evaluation.score)
        return replace(result, architecture=worst.architecture, score=worst.score)


def test_a_sound_agent_of_ones_own_passes():
    check_agent(Counting)
    check_agent(Counting())


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        (Remembering, "something else with the same seed"),
        (Global, "changes the global random state of random"),
        (Choosy, "and the best it saw is"),
    ],
)
def test_a_planted_fault_is_told(agent, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_agent(agent)


def test_asking_for_a_test_score_is_told():
    with pytest.raises(Exception, match="asked for a test score"):
        check_agent(Curious)
