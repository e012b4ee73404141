"""An agent that declares a walk is held to it, whichever way leads to an evaluation."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import Agent, QLearning, RandomSearch

from nas_gym.envs import Ledger, SB3VecEnv
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request, TableEvaluator
from nas_gym.traces import Trace
from tests.helpers.data.tables import fake_table
from tests.helpers.environments import environment, texts


@dataclass(kw_only=True)
class Walker(Agent):
    """Does one thing that is no step."""

    name = "test:Walker"
    access = "walk"

    strays: object = None

    def run(self, session):
        session.env.reset()
        session.env.step(0)
        self.strays(session)


class Querier(Walker):
    """Does the same, having said so."""

    name = "test:Querier"
    access = "query"


def elsewhere(session):
    return str(session.search_space.architecture(session.search_space.size - 1))


def set_state(session):
    state = session.unwrapped.get_state()
    session.unwrapped.set_state(state | {"architecture": elsewhere(session)})


def other_initial(session):
    session.unwrapped.initial = elsewhere(session)
    session.env.reset()


def own_account(session):
    session.unwrapped.ledger = Ledger(session.unwrapped.evaluator)


STRAYS = {
    "ask": lambda s: s.ask([s.search_space.sample(s.rng)]),
    "ask for what is known": lambda s: s.ask([s.search_space.smallest()]),
    "trace": lambda s: s.trace.evaluate(elsewhere(s)),
    "evaluate": lambda s: s.unwrapped.evaluate(elsewhere(s)),
    "evaluate several": lambda s: s.unwrapped.evaluate([elsewhere(s)]),
    "evaluate a number": lambda s: s.unwrapped.evaluate(3),
    "evaluate by name": lambda s: s.env.get_wrapper_attr("evaluate")(elsewhere(s)),
    "account": lambda s: s.unwrapped.ledger.evaluate([s.search_space.smallest()]),
    "evaluator": lambda s: s.unwrapped.evaluator.evaluate_architectures([s.search_space.smallest()]),
    "requests": lambda s: s.unwrapped.evaluator.evaluate([Request(s.search_space.smallest(), 0)]),
    "stream": lambda s: list(s.unwrapped.evaluator.stream([Request(s.search_space.smallest(), 0)])),
    "account's evaluator": lambda s: s.unwrapped.ledger.evaluator.test(s.search_space.smallest(), [0]),
    "reset": lambda s: s.env.reset(options={"architecture": elsewhere(s)}),
    "reset to random": lambda s: s.env.reset(options={"architecture": "random"}),
    "set_state": set_state,
    "fork": lambda s: s.unwrapped.fork(),
    "initial": other_initial,
    "own account": own_account,
    "start_run": lambda s: s.unwrapped.start_run(100),
    "own search": lambda s: RandomSearch().search(s.env, 3, 0),
    "copy": lambda s: copy.deepcopy(s.env),
    "pickle": lambda s: pickle.dumps(s.unwrapped),
}


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
@pytest.mark.parametrize("traced", [False, True], ids=["plain", "traced"])
def test_what_is_no_step_is_refused_in_a_walk(stray, traced, tmp_path):
    env = environment()
    env = Trace(env, tmp_path / "run") if traced else env
    with pytest.raises(NASGymError, match=r"'test:Walker' declares access='walk'.*access='query'") as caught:
        Walker(strays=stray).search(env, budget=8)
    assert "\n" not in str(caught.value)
    assert len(env.unwrapped.ledger.history) == 1


@pytest.mark.parametrize("name", ["ask", "evaluate", "account", "requests", "reset", "set_state", "fork"])
def test_a_query_may_do_as_it_likes(name):
    assert Querier(strays=STRAYS[name]).search(environment(), budget=8).evaluations


@pytest.mark.parametrize("attribute", ["table", "score_by_index", "cost_by_index"])
def test_a_walk_does_not_see_the_table_that_pays_it(attribute):
    env = gym.make("NAS-v0", evaluator=TableEvaluator(fake_table()))
    with pytest.raises(NASGymError, match=f"cannot use the evaluator's '{attribute}'"):
        Walker(strays=lambda s: getattr(s.unwrapped.evaluator, attribute)).search(env, budget=8)


def test_a_walk_sees_what_its_evaluator_is():
    def look(session):
        seen = session.unwrapped.evaluator
        assert (seen.name, seen.seeds, seen.config()) == ("table", (0, 1, 2), true.config())
        assert (session.fidelities(), seen.draws, seen.resumable) == ((1, 3, 9), False, True)
        assert not hasattr(seen, "no such thing")

    env = gym.make("NAS-v0", evaluator=TableEvaluator(fake_table()))
    true = env.unwrapped.evaluator
    assert Walker(strays=look).search(env, budget=8).evaluations


VECTOR_STRAYS = {
    "evaluate": lambda envs: envs.evaluate("relu-64"),
    "call": lambda envs: envs.call("evaluate", "relu-64"),
    "reset": lambda envs: envs.reset(options={"architecture": "relu-64 > relu-64"}),
    "reset each": lambda envs: envs.reset(options={"architecture": ["relu-64 > relu-64"] * 3}),
    "set_state": lambda envs: envs.set_state(envs.get_state()),
    "set_attr": lambda envs: (envs.set_attr("initial", "relu-64 > relu-64"), envs.reset()),
    "sb3": lambda envs: SB3VecEnv(envs).env_method("evaluate", "relu-64"),
}


@pytest.mark.parametrize("stray", VECTOR_STRAYS.values(), ids=VECTOR_STRAYS)
def test_the_vector_environment_is_held_to_a_walk_too(stray):
    single = environment().unwrapped
    envs = gym.make_vec(
        "NAS-v0",
        num_envs=3,
        search_space=single.search_space,
        task=single.task,
        evaluator=single.evaluator,
        autoreset_mode="same_step",
        horizon=2,
    )
    envs.reset(seed=0)
    with envs.walking("test:Walker"):
        for _ in range(5):
            envs.step(np.zeros(3, dtype=np.int64))
        envs.reset(options={"reset_mask": np.array([True, False, True])})
        with pytest.raises(NASGymError, match="'test:Walker' declares access='walk'"):
            stray(envs)
    assert envs.evaluate("relu-64").score > 0


@pytest.mark.parametrize("strays", [lambda s: None, STRAYS["ask"]], ids=["kept", "broken"])
def test_afterwards_the_environment_is_free_again(strays):
    env = environment()
    with suppress(NASGymError):
        Walker(strays=strays).search(env, budget=8)
    assert env.unwrapped.evaluate(elsewhere_of(env)).score > 0
    env.unwrapped.fork()
    copy.deepcopy(env)
    assert RandomSearch().search(env, 3, 0).evaluations


def elsewhere_of(env):
    space = env.unwrapped.search_space
    return space.architecture(space.size - 1)


def test_plain_resets_to_random_starts_are_a_walk():
    def resets(session):
        starts = {session.env.reset()[1]["architecture"] for _ in range(30)}
        assert len(starts) > 5
        session.env.reset(seed=3)

    assert Walker(strays=resets).search(environment(initial="random"), budget=8).evaluations


@pytest.mark.parametrize("access", ["Walk", "walks", None, ""])
def test_an_access_that_is_neither_is_refused(access):
    Unclear = type("Unclear", (Walker,), {"name": "test:Unclear", "access": access})
    with pytest.raises(NASGymError, match="unknown access of the agent 'test:Unclear'"):
        Unclear(strays=lambda s: None).search(environment(), budget=3)


def test_the_walk_of_one_environment_leaves_others_alone():
    first, other = environment(), environment()

    def look(session):
        assert other.unwrapped.evaluate(elsewhere_of(other)).score > 0

    assert Walker(strays=look).search(first, budget=8).evaluations
    assert texts(QLearning().search(first, 6, 0)) == texts(QLearning().search(other, 6, 0))
