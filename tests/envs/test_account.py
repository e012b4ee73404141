"""Environments on a table against a plain account of the rules: who pays what, when a run ends."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.envs import BudgetExhausted
from nas_gym.evaluators import Evaluator, TableEvaluator
from tests.helpers.data.tables import fake_table
from tests.helpers.vectors import make, same, sync

COUNT, HORIZON = 7, 4
TABLE = fake_table(failed=((3, 1), (40, 0)), missing=((5, 2),))
# None is not reached, 1 ends by `max_steps` or at the second request, the others in the middle.
BUDGETS = [None, 1, 9, 20, {"seconds": 20.0}, {"seconds": 90.0}]
REWARDS = ["score", "improvement", "final"]


class Hidden(Evaluator):
    """A table behind the methods that every evaluator has."""

    def __init__(self, table: TableEvaluator) -> None:
        self._table = table
        self.search_space, self.task, self.seeds = table.search_space, table.task, table.seeds
        self.draws, self.resumable = table.draws, table.resumable

    def stream(self, requests):
        return self._table.stream(requests)

    def evaluate_architectures(self, architectures, fidelity=None, drawn=None):
        return self._table.evaluate_architectures(architectures, fidelity, drawn)

    def draw(self, architecture, rng):
        return self._table.draw(architecture, rng)

    def test(self, architecture, seeds):
        raise AssertionError("a test score was asked for during a search")

    def config(self):
        return {"name": "hidden"}


@dataclass
class Plain:
    """The rules of DESIGN.md, step by step, on numbers read from the table."""

    reward: str
    budget: Any
    states: list[int]
    history: list[int] = field(default_factory=list)
    cost: float = 0.0
    steps: int = 0
    evaluations: int = 0

    def __post_init__(self):
        self.space = TABLE.search_space
        self.t, self.best = [0] * COUNT, [0.0] * COUNT
        self.starts = list(self.states)
        self.score = [self.score_of(index) for index in range(TABLE.size)]

    def score_of(self, index):
        values = [v for v in TABLE.validation[-1, index] if v == v]
        return 0.0 if TABLE.failed[index].any() else sum(values) / len(values)

    def ask(self, index):
        if index in self.history:
            return
        if isinstance(self.budget, int) and len(self.history) == self.budget:
            raise BudgetExhausted("budget")
        seconds = TABLE.seconds[index] * np.isfinite(TABLE.validation[-1, index]).sum()
        if isinstance(self.budget, dict) and self.cost + seconds > self.budget["seconds"]:
            raise BudgetExhausted("budget")
        self.history.append(index)
        self.cost += seconds

    def step(self, row, action):
        """(architecture, reward, score, best, done), or None where the step only resets."""
        if self.t[row] == HORIZON:
            self.states[row], self.t[row], self.best[row] = self.starts[row], 0, 0.0
            return None
        if self.budget is not None:
            distinct = self.budget if isinstance(self.budget, int) else max(1, len(self.history))
            if self.steps == 50 * distinct:
                raise BudgetExhausted("max_steps")
        self.steps += 1
        before = self.states[row]
        edited = self.space.edited(self.space.architecture(before), action)
        after = before if edited is None else self.space.index(edited)
        done = self.t[row] + 1 == HORIZON
        asked = {"score": [after], "improvement": [before, after], "final": [after] if done else []}
        self.evaluations += len(asked[self.reward])
        for index in asked[self.reward]:
            self.ask(index)
        score = self.score[after] if asked[self.reward] else 0.0
        paid = score - self.score[before] if self.reward == "improvement" else score
        self.states[row], self.t[row] = after, self.t[row] + 1
        self.best[row] = max(self.best[row], score)
        return str(self.space.architecture(after)), paid, score, self.best[row], done


def walk_of(seed, steps=120):
    rng = np.random.default_rng(seed)
    # Few different actions, so that walks revisit and `max_steps` is reached, too.
    return rng.integers(len(TABLE.search_space.actions), size=(steps, COUNT)) * (
        rng.random((steps, COUNT)) < 0.5
    )


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("reward", REWARDS)
def test_a_vector_environment_keeps_the_rules(reward, budget):
    rng = np.random.default_rng(5)
    starts = [TABLE.search_space.sample(rng) for _ in range(COUNT)]
    envs = make({"evaluator": TableEvaluator(TABLE)}, COUNT, reward=reward, horizon=HORIZON)
    envs.start_run(budget)
    plain = Plain(reward, budget, [TABLE.search_space.index(start) for start in starts])
    envs.reset(seed=0, options={"architecture": starts})
    ended = ""
    for actions in walk_of(1):
        try:
            expected = [plain.step(row, int(action)) for row, action in enumerate(actions)]
        except BudgetExhausted as exhausted:
            ended = exhausted.reason
            before = envs.get_state()
            with pytest.raises(BudgetExhausted) as raised:
                envs.step(actions)
            break
        _, rewards, terminated, truncated, info = envs.step(actions)
        for row, told in enumerate(expected):
            if told is None:
                assert rewards[row] == 0
                # The plain rules start again from the first start states, the environments from theirs.
                plain.states[row] = TABLE.search_space.index(envs.architectures[row])
                continue
            architecture, paid, score, best, done = told
            assert info["architecture"][row] == architecture
            found = rewards[row], info["score"][row], info["best_score"][row]
            assert found == pytest.approx((paid, score, best), abs=1e-12)
            assert bool((terminated | truncated)[row]) == done
    assert bool(ended) == (budget is not None)
    if ended:
        assert raised.value.reason == ended
        assert envs.get_state() == before
    history = [evaluation.architecture for evaluation in envs.ledger.history]
    assert history == [str(TABLE.search_space.architecture(index)) for index in plain.history]
    stats = envs.stats
    assert (stats.steps, stats.evaluations, stats.unique) == (plain.steps, plain.evaluations, len(history))
    assert stats.cost == pytest.approx(plain.cost) == sum(envs.ledger.charges)


@pytest.mark.parametrize("seeds", ["mean", "random", [0, 1]], ids=str)
@pytest.mark.parametrize("mode", ["next_step", "same_step", "disabled"])
@pytest.mark.parametrize("reward", REWARDS)
def test_one_and_many_and_any_evaluator_agree_to_the_end_of_every_budget(reward, mode, seeds):
    for budget in BUDGETS:
        table = TableEvaluator(TABLE, seeds=seeds)
        options = {"reward": reward, "horizon": HORIZON, "initial": "random"}
        envs = make({"evaluator": table}, COUNT, autoreset_mode=mode, **options)
        parts = {"evaluator": Hidden(table), "search_space": table.search_space, "task": table.task}
        hidden = make(parts, COUNT, autoreset_mode=mode, **options)
        singles = sync({"evaluator": table}, mode, COUNT, **options)
        ledgers = [shared_run(singles, budget)]
        for many in (envs, hidden):
            many.start_run(budget)
            ledgers.append(many.ledger)
        reasons = [outcome(each, walk_of(2, 60), mode) for each in (singles, envs, hidden)]
        for results, reason in reasons[1:]:
            assert reason == reasons[0][1]
            assert same(results, reasons[0][0])
        accounts = [account(ledger) for ledger in ledgers]
        assert accounts[0] == accounts[1] == accounts[2]


def shared_run(singles, budget):
    """One account for single environments."""
    first = singles.envs[0].unwrapped
    first.start_run(budget)
    for env in singles.envs:
        env.unwrapped.ledger = first.ledger
    return first.ledger


def outcome(envs, walk, mode):
    """All that a walk returns, and why it ended."""
    results = [envs.reset(seed=3)]
    try:
        for actions in walk:
            results.append(envs.step(actions))
            done = results[-1][2] | results[-1][3]
            if mode == "disabled" and done.any():
                results.append(envs.reset(options={"reset_mask": done}))
    except BudgetExhausted as exhausted:
        return tuple(results), exhausted.reason
    return tuple(results), "walked"


def account(ledger):
    counts = ledger.stats.as_dict()
    del counts["seconds"]
    return counts, ledger.history, ledger.charges


def test_only_revisiting_ends_in_the_middle_of_a_step():
    options = {"reward": "improvement", "initial": "relu-64"}
    envs = make({"evaluator": TableEvaluator(TABLE)}, COUNT, **options)
    singles = sync({"evaluator": TableEvaluator(TABLE)}, "next_step", COUNT, **options)
    accounts = []
    for many, ledger in ((singles, shared_run(singles, 1)), (envs, None)):
        if ledger is None:
            many.start_run(1)
        _, reason = outcome(many, np.zeros((10, COUNT), dtype=int), "next_step")
        assert reason == "max_steps"
        accounts.append(account(envs.ledger if ledger is None else ledger))
    assert accounts[0] == accounts[1]
    assert (envs.stats.steps, envs.stats.evaluations) == (50, 100)


def test_rewards_of_ones_own_are_asked_step_by_step():
    class Steep:
        needs_before, episodic = True, False

        def __call__(self, before, after, done):
            assert (type(before), type(after), type(done)) == (float, float, bool)
            return 2.0 * (after - before) + done

    table = TableEvaluator(TABLE)
    options = {"reward": Steep(), "horizon": HORIZON, "initial": "random"}
    results = [
        outcome(envs, walk_of(3, 30), "next_step")
        for envs in (
            make({"evaluator": table}, COUNT, **options),
            sync({"evaluator": table}, "next_step", COUNT, **options),
        )
    ]
    assert same(*results)


def test_environments_on_one_table_share_what_was_visited_and_no_account():
    table = TableEvaluator(TABLE)
    first, other = (gym.make("NAS-v0", evaluator=table).unwrapped for _ in range(2))
    assert first.search_space.edit_graph is other.search_space.edit_graph
    first.reset(seed=0)
    first.step(0)
    assert (first.stats.unique, other.stats.unique) == (1, 0)
    fork = first.fork()
    fork.step(0)
    assert (first.stats.unique, first.stats.evaluations) == (1, 2)
    other.ledger = first.ledger
    other.reset(seed=0)
    other.step(0)
    assert (first.stats.unique, first.stats.evaluations) == (1, 3)


def test_a_new_run_asks_again():
    envs = make({"evaluator": TableEvaluator(TABLE)}, COUNT)
    for _, budget in itertools.product(range(2), (None, 50)):
        envs.start_run(budget)
        envs.reset(seed=0)
        envs.step(np.zeros(COUNT, dtype=int))
        envs.step(np.zeros(COUNT, dtype=int))
        assert (envs.stats.unique, envs.stats.evaluations) == (1, 2 * COUNT)
