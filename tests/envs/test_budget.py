"""What a run may ask for, and where its budget ends it."""

from __future__ import annotations

import pytest

from nas_gym import NASGymError
from nas_gym.envs import BudgetExhausted, NASEnv
from nas_gym.evaluators import TableEvaluator
from tests.helpers.clock import fake_clock
from tests.helpers.data.tables import fake_table
from tests.helpers.fakes import action, fake_env

BAD_LIMITS = [
    {"seconds": 0},
    {"seconds": "5"},
    {"minutes": -1},
    {"minutes": float("inf")},
    {"hours": 1},
    {"seconds": 5, "hours": 1},
    {"evaluations": 1.5, "minutes": 1},
]


def test_the_budget_stops_the_request_that_would_exceed_it():
    env = fake_env()
    env.unwrapped.start_run(2)
    env.reset(seed=0)
    env.step(0)
    env.step(action(env, "add relu-64 after layer 1"))
    with pytest.raises(BudgetExhausted, match="budget"):
        env.step(action(env, "add relu-64 after layer 1"))
    assert str(env.unwrapped.architecture) == "relu-64 > relu-64"
    assert [evaluation.architecture for evaluation in env.unwrapped.ledger.history] == [
        "relu-64",
        "relu-64 > relu-64",
    ]


def test_an_agent_that_only_revisits_is_stopped_at_fifty_steps_a_request():
    env = fake_env(horizon=1000)
    env.unwrapped.start_run(2)
    env.reset(seed=0)
    for _ in range(100):
        env.step(0)
    with pytest.raises(BudgetExhausted) as raised:
        env.step(0)
    assert raised.value.reason == "max_steps"


def test_a_batch_that_crosses_the_budget_is_trimmed():
    env = fake_env()
    env.unwrapped.start_run(3)
    with pytest.raises(BudgetExhausted):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    assert env.unwrapped.stats.unique == 3
    assert env.unwrapped.ledger.remaining == 0


def test_a_budget_in_seconds_limits_the_recorded_cost():
    env = fake_env()
    env.unwrapped.start_run({"seconds": 4.5})
    with pytest.raises(BudgetExhausted):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    assert env.unwrapped.stats.cost == 4.0


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, in seconds."""
    return fake_clock(monkeypatch)


def test_a_limit_by_the_clock_ends_the_run_at_the_next_request(clock):
    env = fake_env(horizon=1000)
    env.unwrapped.start_run({"minutes": 2})
    env.reset(seed=0)
    env.step(0)
    clock.time += 60
    assert env.unwrapped.ledger.progress == 0.5
    clock.time += 60
    with pytest.raises(BudgetExhausted) as raised:
        env.step(action(env, "add relu-64 after layer 1"))
    assert raised.value.reason == "minutes"
    with pytest.raises(BudgetExhausted):
        env.step(0)
    assert env.unwrapped.stats.unique == 1


@pytest.mark.parametrize(
    ("seconds", "batches"),
    # Twice as many each time, then as many as the rest of the minute has room for.
    [(31, [1, 1]), (7, [1, 2, 4, 1, 1]), (1, [1, 2, 4, 8, 16, 16, 13])],
)
def test_under_a_limit_by_the_clock_requests_are_made_in_batches_that_end_near_it(clock, seconds, batches):
    env = fake_env(space={"name": "mlp", "max_layers": 2})
    env.unwrapped.start_run({"minutes": 1})
    space = env.unwrapped.search_space
    made, evaluate = [], env.unwrapped.evaluator.evaluate_architectures

    def slow(architectures, *arguments):
        made.append(len(architectures))
        clock.time += seconds * len(architectures)
        return evaluate(architectures, *arguments)

    env.unwrapped.evaluator.evaluate_architectures = slow
    with pytest.raises(BudgetExhausted, match="minutes"):
        env.unwrapped.evaluate([str(space.architecture(number)) for number in range(space.size)])
    assert made == batches
    assert env.unwrapped.stats.unique == sum(batches)


def test_beside_another_limit_the_clock_is_no_progress(clock):
    env = fake_env()
    env.unwrapped.start_run({"evaluations": 4, "minutes": 1})
    env.unwrapped.evaluate("relu-64")
    clock.time += 50
    assert env.unwrapped.ledger.progress == 0.25


def test_an_agent_that_only_revisits_does_not_wait_for_the_clock(clock):
    env = fake_env(horizon=10_000)
    env.unwrapped.start_run({"minutes": 10})
    env.reset(seed=0)
    for _ in range(5_000):
        env.step(0)
    with pytest.raises(BudgetExhausted, match="max_steps"):
        env.step(0)


def test_of_several_limits_the_first_that_is_reached_ends_the_run(clock):
    env = fake_env()
    env.unwrapped.start_run({"evaluations": 3, "minutes": 1})
    with pytest.raises(BudgetExhausted, match="budget"):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    assert env.unwrapped.stats.unique == 3
    assert env.unwrapped.ledger.progress == 1.0
    assert env.unwrapped.ledger.remaining == 0


def test_a_repeat_costs_nothing():
    env = fake_env()
    env.unwrapped.start_run(1)
    assert env.unwrapped.evaluate("relu-64") == env.unwrapped.evaluate(["relu-64", "relu-64"])[1]
    assert env.unwrapped.stats.evaluations == 3
    assert env.unwrapped.stats.unique == 1


@pytest.mark.parametrize("budget", [0, -1, 1.5, True, "many", {}, *BAD_LIMITS])
def test_a_budget_that_is_none_gives_one_sentence(budget):
    with pytest.raises(NASGymError, match="budget must be a whole number of evaluations"):
        fake_env().unwrapped.start_run(budget)


def on_table(budget, **options):
    """An environment on a table of 1, 3 and 9 epochs, with a run begun."""
    env = NASEnv(evaluator=TableEvaluator(fake_table(**options)))
    env.start_run(budget)
    return env, list(env.search_space)


def test_a_shorter_training_counts_its_share_of_the_epochs():
    env, networks = on_table(2, resumable=False)
    env.evaluate(networks[:9], 1)
    assert env.ledger.spent == 1
    env.evaluate(networks[:2], 3)
    with pytest.raises(BudgetExhausted):
        env.evaluate(networks[0])
    assert env.ledger.shares == [1 / 9] * 9 + [1 / 3] * 2
    assert env.stats.unique == 11


def test_a_training_that_goes_on_counts_the_difference():
    env, (network, *_) = on_table(2, resumable=True)
    for fidelity in (1, 9, 3, 1, None):
        env.evaluate(network, fidelity)
    assert env.ledger.shares == [1 / 9, 8 / 9, 0]
    assert (env.ledger.spent, env.ledger.remaining, env.ledger.progress) == (1, 1, 0.5)


def test_thirds_add_up_to_what_a_budget_pays_for():
    env, networks = on_table(5, resumable=False)
    for network in networks[:15]:
        env.evaluate(network, 3)
    assert (env.ledger.spent, env.ledger.remaining) == (5, 0)
    with pytest.raises(BudgetExhausted, match="budget"):
        env.evaluate(networks[15], 1)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_how_requests_are_batched_changes_nothing_of_what_is_paid(size):
    env, networks = on_table(3, resumable=True)
    asked = [(network, fidelity) for fidelity in (1, 3, 9) for network in networks[:12]]
    batches = [
        (networks[start : min(12, start + size)], fidelity)
        for fidelity in (1, 3, 9)
        for start in range(0, 12, size)
    ]
    with pytest.raises(BudgetExhausted):
        [env.evaluate(*batch) for batch in batches]
    made = [(each.architecture, each.fidelity) for each in env.ledger.history]
    assert made == [(str(network), fidelity) for network, fidelity in asked[: len(made)]]
    # 12 ninths, then 2 more ninths for each of 7.
    assert len(made) == 19
    assert env.ledger.spent == pytest.approx(26 / 9)


def test_many_short_trainings_are_no_revisits():
    env, networks = on_table(1, resumable=False, fidelities=(1, 81), counts=False)
    for start in (0, 27, 54):
        env.evaluate(networks[start : start + 27], 1)
    assert env.stats.unique == 81
    assert env.ledger.max_steps == 50 * 81


def test_a_budget_of_full_trainings_is_as_ever():
    env, networks = on_table(4)
    with pytest.raises(BudgetExhausted):
        env.evaluate(networks[:9])
    assert env.ledger.shares == [1.0] * 4
    assert (env.ledger.spent, env.stats.unique, env.ledger.max_steps) == (4, 4, 200)


def test_what_is_advanced_counts_towards_the_budget_and_is_charged_with_the_next_evaluation():
    env = fake_env().unwrapped
    env.start_run(4)
    ledger = env.ledger
    for share in (0.7, 0.8, 0.5):  # 2, but for rounding
        ledger.advance(share, 0.25)
    assert ledger.spent == pytest.approx(2)
    assert ledger.progress == pytest.approx(0.5)
    assert ledger.remaining == 2
    env.evaluate(["relu-64", "sigmoid-64"])
    assert ledger.shares == pytest.approx([3, 1])
    assert ledger.charges == pytest.approx([1.75, 1.0])
    assert ledger.stats.cost == sum(ledger.charges)
    assert ledger.remaining == 0
    with pytest.raises(BudgetExhausted, match="budget"):
        env.evaluate("relu-64 > relu-64")


def test_what_is_advanced_leaves_less_for_evaluations():
    env = fake_env().unwrapped
    env.start_run(3)
    env.ledger.advance(1.5, 0.0)
    with pytest.raises(BudgetExhausted, match="budget"):
        env.evaluate(["relu-64", "sigmoid-64"])
    assert env.ledger.spent == 2.5
    assert [each.architecture for each in env.ledger.history] == ["relu-64"]


def test_an_agent_that_walks_advances_nothing():
    env = fake_env().unwrapped
    env.start_run(3)
    with env.walking("mine"), pytest.raises(NASGymError, match="cannot train shared weights"):
        env.ledger.advance(1.0, 0.0)
