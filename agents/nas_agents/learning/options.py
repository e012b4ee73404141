"""Checks of the options that agents which learn from nothing share."""

from __future__ import annotations

from typing import Any

from nas_agents.agent import whole_number, within
from nas_agents.warm_start import check_warm_start
from nas_gym.errors import ConfigError


def check_learning(agent: Any) -> None:
    """Check `episode`, `novelty`, `normalise`, `demonstrations` and `warm_start` of an agent with `outputs`.

    Raises:
        NASGymError: if one of them does not fit.
    """
    if agent.episode is not None:
        whole_number("episode", agent.episode, at_least=1)
    within("novelty", agent.novelty, 0, 100)
    check_flag("normalise", agent.normalise)
    check_demonstrations(agent.demonstrations, agent.warm_start)
    if agent.outputs == "actions" and agent.warm_start is not None:
        raise ConfigError("warm_start is of outputs='successors': leave one of the two out")


def check_demonstrations(demonstrations: object, warm_start: object) -> None:
    """Check the options `demonstrations` and `warm_start`.

    Raises:
        NASGymError: if one of them does not fit, or a warm start has no demonstrations that go to it.
    """
    count = whole_number("demonstrations", demonstrations, at_least=0)
    check_warm_start(warm_start)
    if warm_start is not None and count < 2:
        raise ConfigError(
            "warm_start needs demonstrations, half of which are of its networks: "
            "set demonstrations to at least 2"
        )


def check_flag(name: str, value: object) -> None:
    """Check a hyperparameter that is on or off.

    Raises:
        NASGymError: if it is not a bool.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, not {value!r}")
