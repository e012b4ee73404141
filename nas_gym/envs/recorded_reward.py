"""The reward of a run that is read again: a record, or the script's own reward where it has not changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from nas_gym.envs.own_reward import RECORDED, OwnReward, own_reward
from nas_gym.envs.reward_identity import source
from nas_gym.errors import ConfigError, NASGymError
from nas_gym.tasks import Target


class RecordedReward:
    """The record of a reward that cannot be built from a run's config: all but what it pays.

    So a run with such a reward can be read and explained; where its reward itself is needed, as in a
    replay, the environment has to be passed.

    Args:
        config: what `OwnReward.config` gave.

    Raises:
        NASGymError: if it lacks something, and whenever the reward is asked.
    """

    shape: tuple[int, ...] = ()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        try:
            self.name = str(config["reward"])
            self.needs_before, self.episodic = bool(config["needs_before"]), bool(config["episodic"])
            sees = config.get("sees", "scores")
        except KeyError as error:
            raise ConfigError(
                f"the reward {RECORDED!r} is written by a run and lacks {error}: pass a reward"
            ) from error
        self.sees: Literal["scores", "evaluations"] = "evaluations" if sees == "evaluations" else "scores"
        self.slope = 2.0 if self.needs_before else 1.0

    def __call__(self, before: Any, after: Any, done: bool) -> float:
        raise self._unknown()

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Refuse, as a call of one step does."""
        raise self._unknown()

    def parts(self) -> dict[str, object]:
        """Return this record, since the reward itself is not at hand."""
        return {"reward": self}

    def _unknown(self) -> ConfigError:
        return ConfigError(
            f"{self.why}: pass env=..., the environment it was recorded in, or write the reward in a module "
            "and name it 'module:Name'"
        )

    @property
    def why(self) -> str:
        """Why it cannot be asked, for an explanation that needs it."""
        return f"the run's reward, {self.name}, cannot be built from its config.json"

    def config(self) -> dict[str, Any]:
        """Return the config that it was read from."""
        return dict(self._config)


def recorded_reward(config: Mapping[str, Any], target: Target | None = None) -> OwnReward | RecordedReward:
    """Return the reward of a run's record: the script's that runs, if it has not changed, else the record.

    Raises:
        NASGymError: as `RecordedReward`.
    """
    recorded = RecordedReward(config)
    if isinstance(built_by := config.get("built_by"), Mapping) and config.get("source"):
        try:
            reward = own_reward(built_by, target=target)
        except NASGymError:
            return recorded
        if source(reward.function) == config["source"]:
            return OwnReward(reward.function, config, target)
    return recorded
