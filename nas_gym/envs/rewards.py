"""Rewards: what a step is paid, from the accuracies before and after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np

from nas_gym._checks import listed, number
from nas_gym.envs.own_reward import RECORDED, OwnReward, RecordedReward, own_reward, recorded_reward
from nas_gym.errors import ConfigError
from nas_gym.registry import build, lookup, options_of


@runtime_checkable
class Reward(Protocol):
    """A reward, as the environment asks it; `OwnReward` says what a user may pass.

    Attributes:
        needs_before: whether the accuracy before the step is needed, so that the start state is
            evaluated at the first step; without it `before` is 0.0.
        episodic: whether only the last step of an episode is evaluated; then the horizon terminates,
            the observation gains ``steps_left``, and steps before the last have accuracies 0.0.
    """

    @property
    def needs_before(self) -> bool: ...

    @property
    def episodic(self) -> bool: ...

    def __call__(self, before: float, after: float, done: bool) -> float:
        """The reward of a step from the accuracies, in [0, 1], before and after it."""
        ...

    def config(self) -> dict[str, Any]:
        """The JSON-able keyword arguments that build this reward again, with its name."""
        ...


class _Scaled:
    """Maps accuracy from ``scale = [low, high]`` to [0, 1], so that small differences weigh more."""

    name: ClassVar[str]

    def __init__(self, *, scale: Sequence[float] = (0.0, 1.0)) -> None:
        ends = [end for end in map(number, listed(scale) or ()) if end is not None and math.isfinite(end)]
        if len(ends) != 2 or len(listed(scale) or ()) != 2 or ends[0] >= ends[1]:
            raise ConfigError(f"scale of a reward must be [low, high] with low < high, not {scale!r}")
        self.low, self.high = map(float, ends)

    def config(self) -> dict[str, Any]:
        """The keyword arguments that build this reward again, with its name."""
        return {"name": self.name, "scale": [self.low, self.high]}

    def scaled(self, accuracy: Any) -> Any:
        """The accuracy, or each of an array, on the scale."""
        return (accuracy - self.low) / (self.high - self.low)


class Accuracy(_Scaled):
    """The accuracy after the step."""

    name = "accuracy"
    needs_before = False
    episodic = False

    def __call__(self, before: Any, after: Any, done: Any) -> Any:
        return self.scaled(after)


class Improvement(_Scaled):
    """The gain in accuracy; the sum over an episode is its total gain."""

    name = "improvement"
    needs_before = True
    episodic = False

    def __call__(self, before: Any, after: Any, done: Any) -> Any:
        return self.scaled(after) - self.scaled(before)


class Final(_Scaled):
    """0 until the last step, then the accuracy of the last network."""

    name = "final"
    needs_before = False
    episodic = True

    def __call__(self, before: float, after: float, done: bool) -> float:
        return self.scaled(after) if done else 0.0


REWARDS: dict[str, type[_Scaled]] = {reward.name: reward for reward in (Accuracy, Improvement, Final)}


def rewards_of(reward: Reward, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
    """The rewards of several steps, float64 (steps,): of each what the reward gives for it alone."""
    if type(reward) in (Accuracy, Improvement):
        return np.array(reward(before, after, done))  # type: ignore[arg-type]  # arithmetic, of arrays too
    if type(reward) is Final:
        return np.where(done, reward.scaled(after), 0.0)
    steps = zip(before.tolist(), after.tolist(), done.tolist(), strict=True)
    return np.array([float(reward(*step)) for step in steps])


def make_reward(spec: str | Mapping[str, Any] | Reward | Callable[..., Any]) -> Reward:
    """Build a reward.

    Args:
        spec: a name of `REWARDS`; ``"module:Name"`` of one's own; a dict of either, as ``"name"``, and
            options; or a function, an object or a class (see `OwnReward`).

    Raises:
        NASGymError: if the name or an option is unknown, or it is no reward.
    """
    reward: Any = spec
    if isinstance(spec, str | Mapping):
        options = options_of("reward", spec)
        if options.get("name") == RECORDED:
            return recorded_reward(options)
        part = lookup("reward", options.get("name"), REWARDS)
        if part not in REWARDS.values():
            return own_reward(options, part)
        reward = build(part, "reward", {key: value for key, value in options.items() if key != "name"})
    elif isinstance(spec, type) and spec in REWARDS.values():
        reward = spec()
    if type(reward) in (*REWARDS.values(), OwnReward, RecordedReward):
        return cast("Reward", reward)
    return OwnReward(reward)
