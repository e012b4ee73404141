"""Fidelities and drawn seeds: what a request is, what it costs, and who draws."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.envs import BudgetExhausted
from nas_gym.evaluators import TableEvaluator
from tests.helpers.data.tables import fake_table
from tests.helpers.fakes import action
from tests.helpers.vectors import make

RESUMABLE = fake_table(missing=((5, 2),))
SEPARATE = fake_table(missing=((5, 2),), resumable=False)
TEXT = "relu-64"


def index_of(text):
    return RESUMABLE.search_space.index(RESUMABLE.search_space.parse(text))


def cost_of(text, epochs=9, seeds=3):
    """Recorded seconds of the trainings of an architecture to a number of epochs."""
    return RESUMABLE.seconds[index_of(text)] * epochs / 9 * seeds


def one(table=RESUMABLE, **options):
    options = {"initial": TEXT} | options
    seeds = options.pop("seeds", "mean")
    fidelity = options.pop("fidelity", None)
    env = gym.make("NAS-v0", evaluator=TableEvaluator(table, seeds=seeds, fidelity=fidelity), **options)
    env.reset(seed=0)
    return env.unwrapped


def test_a_promotion_on_a_resumable_table_costs_the_difference():
    env = one()
    found = [env.evaluate(TEXT, fidelity) for fidelity in (1, 3, 9)]
    assert [each.score for each in found] == pytest.approx(
        [RESUMABLE.validation[level, index_of(TEXT)].mean() for level in range(3)]
    )
    assert [each.seconds for each in found] == pytest.approx([cost_of(TEXT, epochs) for epochs in (1, 3, 9)])
    assert env.ledger.charges == pytest.approx([cost_of(TEXT, epochs) for epochs in (1, 2, 6)])
    assert env.stats.cost == pytest.approx(cost_of(TEXT))
    assert env.stats.unique == 3


def test_a_promotion_between_separate_schedules_costs_all_of_it():
    env = one(SEPARATE)
    for fidelity in (1, 3, 9):
        env.evaluate(TEXT, fidelity)
    assert env.ledger.charges == pytest.approx([cost_of(TEXT, epochs) for epochs in (1, 3, 9)])


def test_a_shorter_training_was_passed_on_the_way_to_a_longer_one():
    env, separate = one(), one(SEPARATE)
    for environment in (env, separate):
        environment.evaluate(TEXT)
        environment.evaluate(TEXT, 3)
        environment.evaluate("tanh-16", 3)
    assert env.ledger.charges == pytest.approx([cost_of(TEXT), 0.0, cost_of("tanh-16", 3)])
    assert separate.ledger.charges == pytest.approx([cost_of(TEXT), cost_of(TEXT, 3), cost_of("tanh-16", 3)])
    assert env.stats.unique == separate.stats.unique == 3


@pytest.mark.parametrize("table", [RESUMABLE, SEPARATE])
def test_the_full_recipe_by_its_number_is_the_same_request(table):
    env = one(table)
    assert env.evaluate(TEXT) == env.evaluate(TEXT, 9)
    assert env.evaluate(TEXT, 9).fidelity is None
    low = one(table, fidelity=3)
    assert low.evaluate(TEXT) == low.evaluate(TEXT, 3)
    assert (env.stats.unique, low.stats.unique) == (1, 1)
    assert low.stats.cost == pytest.approx(cost_of(TEXT, 3))


def test_a_step_goes_on_from_what_was_asked_at_a_lower_fidelity():
    env, envs = one(), make({"evaluator": TableEvaluator(RESUMABLE)}, 4, initial=TEXT)
    envs.reset(seed=0)
    for environment, keep in ((env, 0), (envs, np.zeros(4, dtype=int))):
        environment.evaluate(TEXT, 3)
        environment.step(keep)
        assert environment.ledger.charges == pytest.approx([cost_of(TEXT, 3), cost_of(TEXT, 6)])
        assert environment.stats.unique == 2


def test_a_budget_in_seconds_is_of_what_is_charged():
    budget = {"seconds": 1.01 * cost_of(TEXT)}
    env, separate = one(), one(SEPARATE)
    env.start_run(budget)
    for fidelity in (1, 3, 9):
        env.evaluate(TEXT, fidelity)
    separate.start_run(budget)
    separate.evaluate(TEXT, 1)
    separate.evaluate(TEXT, 3)
    with pytest.raises(BudgetExhausted):
        separate.evaluate(TEXT, 9)
    assert separate.stats.cost == pytest.approx(cost_of(TEXT, 4))
    assert len(separate.ledger.history) == 2


def test_a_fidelity_shares_no_answer_with_another():
    env = one(fidelity=3)
    env.step(0)
    assert env.evaluate(TEXT, 1).score != env.evaluate(TEXT).score
    assert env.step(0)[1] == env.evaluate(TEXT).score
    assert env.stats.unique == 2


def test_each_environment_draws_a_recorded_seed_with_its_own_generator():
    envs = make({"evaluator": TableEvaluator(RESUMABLE, seeds="random")}, 6, initial=TEXT)
    _, reset = envs.reset(seed=10)
    assert reset["seed"].tolist() == [-1] * 6
    assert reset["_seed"].all()
    singles = [one(seeds="random") for _ in range(6)]
    for row, env in enumerate(singles):
        env.reset(seed=10 + row)
    drawn = set()
    for _ in range(15):
        _, rewards, _, _, info = envs.step(np.zeros(6, dtype=int))
        assert info["_seed"].all()
        for row, env in enumerate(singles):
            _, reward, _, _, told = env.step(0)
            assert type(told["seed"]) is int
            assert (told["seed"], reward) == (info["seed"][row], rewards[row])
            column = RESUMABLE.seeds[9].index(told["seed"])
            assert reward == RESUMABLE.validation[-1, index_of(TEXT), column]
            drawn.add(told["seed"])
    assert drawn == {0, 1, 2}
    assert envs.stats.unique == 3
    assert envs.stats.cost == pytest.approx(cost_of(TEXT))
    assert "seed" not in one().step(0)[4]


def test_a_drawn_seed_is_a_request_of_its_own_and_is_saved_with_the_state():
    env, again = (one(seeds="random", horizon=100) for _ in range(2))
    state = json.loads(json.dumps(env.get_state()))
    rewards = [env.step(0)[1] for _ in range(30)]
    again.reset(seed=7)
    again.set_state(state)
    assert [again.step(0)[1] for _ in rewards] == rewards
    env.start_run(2)
    with pytest.raises(BudgetExhausted):
        env.evaluate([TEXT] * 30)
    assert len({each.seeds for each in env.ledger.history}) == len(env.ledger.history) == 2


def test_keeping_an_architecture_is_no_improvement_of_it_whatever_is_drawn():
    env = one(seeds="random", reward="improvement")
    assert {env.step(0)[1] for _ in range(15)} == {0.0}
    moved = one(seeds="random", reward="improvement")
    moved.step(action(moved, "swap activation of layer 1 to tanh"))
    assert moved.stats.unique == 2


def test_evaluate_draws_a_seed_for_each_architecture():
    env, envs = one(seeds="random"), make({"evaluator": TableEvaluator(RESUMABLE, seeds="random")}, 2)
    envs.reset(seed=0)
    found = env.evaluate([TEXT] * 20)
    assert [each.seeds for each in found] == [each.seeds for each in envs.evaluate([TEXT] * 20)]
    assert {each.seeds for each in found} == {(0,), (1,), (2,)}
    assert (env.stats.unique, env.stats.evaluations) == (3, 20)
    lacking = str(RESUMABLE.search_space.architecture(5))
    assert {env.evaluate(lacking).seeds for _ in range(30)} == {(0,), (1,)}


def test_a_promotion_of_the_same_seed_costs_the_difference():
    ledger = one(seeds="random").ledger
    architecture = RESUMABLE.search_space.parse(TEXT)
    for fidelity, seed in ((1, 0), (3, 0), (3, 1), (None, 0)):
        ledger.evaluate([architecture], fidelity, [seed])
    charged = [cost_of(TEXT, epochs, 1) for epochs in (1, 2, 3, 6)]
    assert ledger.charges == pytest.approx(charged)
