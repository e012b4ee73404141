"""Rewards: the pay of a step, from the scores or the evaluations before and after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, cast, runtime_checkable

import numpy as np

from nas_gym._checks import listed, number
from nas_gym.envs.objectives.objective import Objectives
from nas_gym.envs.objectives.scalarisations import (
    Chebyshev,
    Constraint,
    Linear,
    MnasNet,
    Scalarisation,
    TuNAS,
)
from nas_gym.envs.objectives.vector_reward import VectorReward
from nas_gym.envs.own_reward import RECORDED, OwnReward, own_reward
from nas_gym.envs.recorded_reward import RecordedReward, recorded_reward
from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation, Evaluator
from nas_gym.registry import build, lookup, options_of
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Target


@runtime_checkable
class Reward(Protocol):
    """A reward, as the environment asks it; `OwnReward` says what a user may pass.

    Attributes:
        needs_before: whether the score before the step is needed, so that the start state is
            evaluated at the first step; without it `before` is 0.0.
        episodic: whether only the last step of an episode is evaluated; then the horizon terminates,
            the observation gains ``steps_left``, and steps before the last have scores 0.0.
        sees: ``"scores"``: it is called with scores; ``"evaluations"``: with an `Evaluation` before
            and after the step, None where it does not need the one before. An episodic reward that sees
            evaluations is asked at the last step alone; the others pay 0.
        slope: how far it moves at most with a score, a factor.
        shape: () of one number, (objectives,) of a vector of several.
    """

    @property
    def needs_before(self) -> bool: ...

    @property
    def episodic(self) -> bool: ...

    @property
    def sees(self) -> Literal["scores", "evaluations"]: ...

    @property
    def slope(self) -> float: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __call__(self, before: Any, after: Any, done: bool) -> float:
        """Return the reward of a step from what it `sees` before and after it."""
        ...

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Return the rewards of several steps, float64 (steps,), each as that step alone would be paid.

        Args:
            before: what it sees before the steps, float64 (steps,), or object (steps,) of evaluations.
            after: what it sees after them.
            done: whether a step is the last of its episode, bool (steps,).
        """
        ...

    def parts(self) -> dict[str, object]:
        """Return the objects whose code decides what it pays, by what each is in words."""
        ...

    def config(self) -> dict[str, Any]:
        """Return the JSON-able keyword arguments that build this reward again, with its name."""
        ...


class _Scaled:
    """Maps the score from ``scale = [low, high]`` to [0, 1], so that small differences weigh more."""

    name: ClassVar[str]
    needs_before: ClassVar[bool] = False
    episodic: ClassVar[bool] = False
    sees: ClassVar[Literal["scores"]] = "scores"
    shape: ClassVar[tuple[int, ...]] = ()

    def __init__(self, *, scale: Sequence[float] = (0.0, 1.0)) -> None:
        ends = [end for end in map(number, listed(scale) or ()) if end is not None and math.isfinite(end)]
        if len(ends) != 2 or len(listed(scale) or ()) != 2 or ends[0] >= ends[1]:
            raise ConfigError(f"scale of a reward must be [low, high] with low < high, not {scale!r}")
        self.low, self.high = map(float, ends)

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that build this reward again, with its name."""
        return {"name": self.name, "scale": [self.low, self.high]}

    def parts(self) -> dict[str, object]:
        """Return this reward."""
        return {"reward": self}

    @property
    def slope(self) -> float:
        """How far the reward moves at most with a score: a narrow scale magnifies differences."""
        return (2.0 if self.needs_before else 1.0) / float(self.high - self.low)

    def scaled(self, score: Any) -> Any:
        """Return the score, or each of an array, on the scale."""
        return (score - self.low) / (self.high - self.low)


class Score(_Scaled):
    """The score after the step."""

    name = "score"

    def __call__(self, before: Any, after: Any, done: Any) -> Any:
        return self.scaled(after)

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        return np.asarray(self.scaled(after))


class Improvement(_Scaled):
    """The gain in score; the sum over an episode is its total gain."""

    name = "improvement"
    needs_before = True

    def __call__(self, before: Any, after: Any, done: Any) -> Any:
        return self.scaled(after) - self.scaled(before)

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        return np.asarray(self.scaled(after) - self.scaled(before))


class Final(_Scaled):
    """0 until the last step, then the score of the last network."""

    name = "final"
    episodic = True

    def __call__(self, before: float, after: float, done: bool) -> float:
        return self.scaled(after) if done else 0.0

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        return np.where(done, self.scaled(after), 0.0)


_REWARDS: tuple[type[_Scaled] | type[Scalarisation], ...] = (
    Score,
    Improvement,
    Final,
    Linear,
    Chebyshev,
    MnasNet,
    TuNAS,
    Constraint,
)
REWARDS: dict[str, type[Any]] = {reward.name: reward for reward in _REWARDS}


def bound(reward: Reward, space: SearchSpace[Any], evaluator: Evaluator) -> Reward:
    """Return a reward for a search of a space: of several objectives with the scales of its costs.

    Raises:
        NASGymError: for a reward of latencies, which the evaluator does not give.
    """
    return reward.bound(space, evaluator) if isinstance(reward, Scalarisation) else reward


def worth_of(reward: Reward, evaluation: Evaluation, first: Evaluation) -> float:
    """Return what a network is worth to a search: what its choice and a ranking go by.

    Under a reward of scores it is the score. Under one of evaluations it is what is paid for the network
    at the end of an episode; where that needs the one before, `first` stands for it, so that gains are
    compared from one network on. Under a vector it is the gain of its first objective.

    Args:
        reward: the reward.
        evaluation: that of the network.
        first: the first evaluation of the search.
    """
    if reward.sees == "scores":
        return evaluation.score
    if isinstance(reward, Scalarisation):
        return reward.worth(evaluation)
    return float(reward(first if reward.needs_before else None, evaluation, True))


def objectives_of(reward: Reward) -> Objectives | None:
    """Return the objectives that a reward is made of, as one number or a vector; None of other rewards."""
    return reward.objectives if isinstance(reward, Scalarisation) else None


def nothing_paid(reward: Reward, steps: int) -> np.ndarray:
    """Return the rewards of steps that are paid nothing, (steps, *shape of the reward)."""
    return np.zeros((steps, *reward.shape), dtype=np.float32 if reward.shape else np.float64)


def rewards_of(reward: Reward, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
    """Return the rewards of several steps, asking for those alone that are evaluated.

    They are float64 (steps,), of a vector float32 (steps, objectives).

    Args:
        reward: the reward.
        before: scores before the steps, float64 (steps,), or evaluations, object (steps,), as the
            reward `sees`.
        after: those after them.
        done: whether a step is the last of its episode, bool (steps,).
    """
    if reward.sees == "scores":
        return reward.batch(before, after, done)
    if not reward.needs_before:
        before = np.full(len(after), None, dtype=object)
    if not reward.episodic:
        return reward.batch(before, after, done)
    rewards = nothing_paid(reward, len(done))
    if done.any():
        rewards[done] = reward.batch(before[done], after[done], done[done])
    return rewards


def single_rewards_of(reward: Reward, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
    """Return the rewards of several steps as one number each, float64 (steps,), see `rewards_of`.

    Of a vector it is the first entry, by which the choice of a search goes and which a trace records.
    """
    rewards = rewards_of(reward, before, after, done)
    return rewards if rewards.ndim == 1 else rewards[:, 0].astype(np.float64)


def make_reward(
    spec: str | Mapping[str, Any] | Reward | Callable[..., Any], target: Target | None = None
) -> Reward:
    """Build a reward.

    Args:
        spec: a name of `REWARDS`; ``"module:Name"`` of one's own; a dict of either, as ``"name"``, and
            options; or a function, an object or a class (see `OwnReward`).
        target: target of the task, so that a reward of one's own may read its metrics; None for none.

    Raises:
        NASGymError: if the name or an option is unknown, or it is not a reward.
    """
    reward: Any = spec
    if isinstance(spec, str | Mapping):
        options = options_of("reward", spec)
        if options.get("name") == RECORDED:
            return recorded_reward(options, target)
        part = lookup("reward", options.get("name"), REWARDS)
        if part not in REWARDS.values():
            return own_reward(options, part, target)
        reward = build(part, "reward", {key: value for key, value in options.items() if key != "name"})
    elif isinstance(spec, type) and spec in REWARDS.values():
        reward = spec()
    if type(reward) in (*REWARDS.values(), OwnReward, RecordedReward, VectorReward):
        return cast("Reward", reward)
    return OwnReward(reward, target=target)
