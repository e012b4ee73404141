"""What holds for every agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from nas_gym.errors import ConfigError
from nas_gym.evaluators import FunctionFailed, incumbent
from nas_gym.testing.assertions import global_state_kept, require, require_json

if TYPE_CHECKING:
    from nas_agents import Agent, Result

# 14 architectures.
SPACE = {"name": "mlp", "max_layers": 3, "widths": [64], "activations": ["relu", "sigmoid"]}
STOPPED = ("budget", "minutes", "max_steps", "space exhausted", "agent returned")


def scattered(architecture: Any, seed: int) -> float:
    """Return a score of its own for every architecture, without structure."""
    return int.from_bytes(str(architecture).encode(), "big") % 9973 / 9973


def fails_with_sigmoid(architecture: Any, seed: int) -> float:
    """Return `scattered`, where an architecture has no sigmoid; a training with one fails."""
    if "sigmoid" in str(architecture):
        raise FunctionFailed("training diverged")
    return scattered(architecture, seed)


def fails(architecture: Any, seed: int) -> float:
    """Fail as every training fails."""
    raise FunctionFailed("training diverged")


def refuse_test(architecture: Any, seed: int) -> float:
    """Refuse to give a test score, which no search may ask for."""
    raise AssertionError("the agent asked for a test score during its search")


def check_agent(agent: Agent | type[Agent] | str, *, budget: int = 8) -> None:
    """Check an agent by searches of 14 networks, whose score is a function, so that nothing trains.

    It holds that a search

    - makes at least one evaluation and no more distinct ones than its budget;
    - gives the same result for the same seed, whatever the agent searched before;
    - chooses the best network it saw, survives trainings that fail, and does not choose a failed one;
    - ends where the space is smaller than the budget, and under every reward;
    - never asks for a test score, and leaves the global random generators alone.

    Args:
        agent: an agent, its class, its name, or its import path ``"module:Name"``.
        budget: distinct evaluations of a search, at most 13.

    Raises:
        AssertionError: for the first property that does not hold, in one sentence.
        NASGymError: for an agent with the access ``"gradient"``.
    """
    from nas_agents import make_agent

    built = make_agent(agent() if isinstance(agent, type) else agent)
    if built.access == "gradient":
        raise ConfigError(
            f"the agent {built.name!r} trains weights that architectures share, and check_agent trains "
            "nothing: search a small task with it"
        )
    require_json(built.hyperparameters(), f"hyperparameters of the agent {built.name!r}")
    _check_budget(built, budget)
    _check_repetition(built, budget)
    _check_choice(built, budget)
    _check_failures(built, budget)
    for reward in ("improvement", "final"):
        result = built.search(_environment(reward=reward, horizon=5), 4, 0)
        require(result.evaluations, f"{built.name!r} makes no evaluation under the reward {reward!r}")


def _environment(function: Callable[..., float] = scattered, **options: Any) -> Any:
    evaluator = {"name": "function", "function": function, "test": refuse_test}
    options = {"search_space": SPACE, "task": "breast_cancer", "store": "memory"} | options
    return gym.make("NAS-v0", evaluator=evaluator, **options)


def _check_budget(agent: Agent, budget: int) -> None:
    result = agent.search(_environment(), budget, 0)
    _check_result(agent, result, budget)
    asked = [(each.architecture, each.seeds, each.fidelity) for each in result.evaluations]
    require(len(set(asked)) == len(asked), f"the result of {agent.name!r} has an evaluation twice")
    # Epochs of trainings that are short or go on are a part of an evaluation.
    require(sum(result.shares) <= budget + 1e-9, f"{agent.name!r} spends {sum(result.shares)} of {budget}")
    env = _environment()
    with global_state_kept(f"a search of the agent {agent.name!r}"):  # not the first, which imports packages
        whole = agent.search(env, 14 + 2, 0)
    _check_result(agent, whole, 14 + 2)


def _check_result(agent: Agent, result: Result, budget: int) -> None:
    from nas_agents import Result

    require(result.evaluations, f"{agent.name!r} makes no evaluation within a budget of {budget}")
    require(result.stopped in STOPPED, f"a search of {agent.name!r} stopped by {result.stopped!r}")
    require(
        result.steps <= 50 * budget, f"{agent.name!r} takes {result.steps} steps for a budget of {budget}"
    )
    require_json(result.as_dict(), f"the result of {agent.name!r}")
    same = Result.from_dict(result.as_dict()) == result
    require(same, f"the result of {agent.name!r} must survive as_dict and from_dict")


def _check_repetition(agent: Agent, budget: int) -> None:
    first = agent.search(_environment(), budget, 0)
    agent.search(_environment(fails_with_sigmoid), budget, 1)
    again = agent.search(_environment(), budget, 0)
    require(
        first == again,
        f"{agent.name!r} finds something else with the same seed: draw from session.rng alone, and keep "
        "nothing from one search to the next",
    )


def _check_choice(agent: Agent, budget: int) -> None:
    result = agent.search(_environment(), budget, 2)
    best = incumbent(result.evaluations)
    chosen = (result.architecture, result.score)
    expected = (best.architecture, best.score)
    require(chosen == expected, f"{agent.name!r} chooses {chosen}, and the best it saw is {expected}")


def _check_failures(agent: Agent, budget: int) -> None:
    result = agent.search(_environment(fails_with_sigmoid), budget, 0)
    if any(not evaluation.failed for evaluation in result.evaluations):
        fine = "sigmoid" not in result.architecture
        require(fine, f"{agent.name!r} chooses {result.architecture!r}, whose training failed")
    result = agent.search(_environment(fails), 5, 0)
    require(result.score == 0.0, f"{agent.name!r} sees {result.score} where every training fails")
