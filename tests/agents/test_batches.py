"""Population agents evaluate their batch in one call, so that it trains as one computation."""

from __future__ import annotations

import pytest
from nas_agents import NSGA2, TPE, Evolution, OptunaRandom, RandomSearch, Reinforce

from tests.helpers.environments import environment, scattered
from tests.helpers.fakes import FakeEvaluator


class BatchCounter(FakeEvaluator):
    """Notes how many trainings each call asked for."""

    calls: list[int]

    def stream(self, requests):
        self.calls = [*getattr(self, "calls", []), len(requests)]
        yield from super().stream(requests)


@pytest.mark.parametrize(
    ("agent", "largest"),
    [
        (RandomSearch(batch=8), 8),
        (Evolution(population=8, batch=4), 8),
        (OptunaRandom(batch=8), 8),
        (NSGA2(population=8, batch=8), 8),
        (TPE(batch=8), 8),
        (Reinforce(batch=8), 8),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_batch_is_one_call(agent, largest):
    env = environment(scattered, {"name": "mlp", "max_layers": 4}, BatchCounter)
    result = agent.search(env, budget=40, seed=0)
    calls = env.unwrapped.evaluator.calls
    assert len(result.evaluations) == sum(calls) == 40
    assert largest // 2 < max(calls) <= largest  # repeats in a batch are asked once
    assert len(calls) < 40


def test_children_of_a_batch_come_from_one_population():
    env = environment(scattered, {"name": "mlp", "max_layers": 4}, BatchCounter)
    Evolution(population=8, batch=4).search(env, budget=40, seed=0)
    assert max(env.unwrapped.evaluator.calls[1:]) == 4
