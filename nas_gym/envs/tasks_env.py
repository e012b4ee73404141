"""One environment over several tasks, a task an episode: for policies that are to carry over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from nas_gym._checks import plain
from nas_gym.envs.nas_env import NASEnv
from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture, Text
from nas_gym.tasks import Task

FEWEST = 2


class NASTasksEnv(gym.Env[Any, Any]):
    """Several tasks searched in one environment; every episode is of one task.

    ## Description
    Each task has a `NASEnv` of its own, so that a reward stays what it is there: a pure function of the
    architecture, the task and how it is trained. At a reset a task is drawn, each as likely, by the seed of
    reset, or chosen by ``reset(options={"task": name})`` or its number. Whoever learns over episodes meets
    all of them; whoever wants to know whether a policy carries over makes a second environment of the tasks
    that it has not seen.

    ## Action Space, Observation Space, Rewards, Episode End
    Those of `NASEnv`. The tasks must give one list of edits and one observation space: tasks of one kind of
    input do, with a search space whose choices do not follow from their shapes.

    ## Information
    That of `NASEnv`, and ``task``: str, the name of the task of the episode.

    ## Arguments
    ```python
    import gymnasium as gym
    import nas_gym

    env = gym.make("NASTasks-v0", tasks=["mnist1d", "digits"], search_space="mlp")
    observation, info = env.reset(seed=0, options={"task": "digits"})
    ```

    ## Version History
    * v0: initial version.

    Args:
        tasks: at least two, each a name, dict, path of a file or `Task`, of different names (``"title"``
            gives one).
        **options: keyword arguments of `NASEnv`, but the task, for all of them.

    Attributes:
        environments: the environment of each task, by its name, in order.

    Raises:
        NASGymError: for fewer than two tasks, two of one name, or tasks that do not have the same edits and
            observations.
    """

    metadata: dict[str, Any] = NASEnv.metadata
    _current: str | None = None

    def __init__(
        self, tasks: Sequence[str | Mapping[str, Any] | Task] = ("mnist1d", "digits"), **options: Any
    ) -> None:
        if isinstance(tasks, str | Mapping | Task) or len(tasks) < FEWEST:
            raise ConfigError(
                f"tasks must be a list of at least {FEWEST} tasks, not {tasks!r}: pass their names"
            )
        if "task" in options:
            raise ConfigError("task is an argument of NAS-v0, here it is tasks: pass a list of them")
        made = [NASEnv(task=task, **options) for task in tasks]
        names = Counter(env.task.name for env in made)
        for name, count in names.items():
            if count > 1:
                raise ConfigError(f"{count} tasks are named {name!r}: give each a title of its own")
        for env in made[1:]:
            _check_alike(made[0], env)
        self.environments = dict(zip(names, made, strict=True))
        self.action_space: spaces.Space[Any] = made[0].action_space
        self.observation_space: spaces.Space[Any] = made[0].observation_space
        self.render_mode = made[0].render_mode

    @property
    def current(self) -> NASEnv:
        """The environment of the task of this episode."""
        if self._current is None:
            raise gym.error.ResetNeeded("the environment has no task yet: call reset() first")
        return self.environments[self._current]

    @property
    def architecture(self) -> Architecture:
        """The current state."""
        return self.current.architecture

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode of a task that is drawn, or that ``options={"task": name or number}`` chooses.

        Other options are those of `NASEnv.reset`.
        """
        super().reset(seed=plain(seed))
        options = dict(options or {})
        self._current = self._chosen(options.pop("task", None))
        self.current.np_random = self.np_random  # all that is drawn follows from the seed of this environment
        observation, info = self.current.reset(options=options)
        return observation, self._told(info)

    def step(self, action: SupportsIndex) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply an edit, as `NASEnv.step` of the task of this episode does."""
        observation, reward, terminated, truncated, info = self.current.step(action)
        return observation, reward, terminated, truncated, self._told(info)

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal: bool (n,), a fresh array; keep always is."""
        return self.current.action_masks()

    def evaluate(self, architecture: str | int | Architecture) -> dict[str, Evaluation]:
        """Return the evaluation of an architecture on every task, by its name."""
        return {name: env.evaluate(architecture) for name, env in self.environments.items()}

    def get_state(self) -> dict[str, Any]:
        """Return the state of the episode as JSON-able values; `set_state` restores it."""
        return {"task": self._current, **self.current.get_state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `get_state`.

        Raises:
            NASGymError: if it is not such a state.
        """
        self._current = self._chosen(state.get("task", ""))
        self.current.np_random = self.np_random
        self.current.set_state(state)

    def render(self) -> str | np.ndarray | None:
        """Return the state and the last edit, as `NASEnv.render` does."""
        return self.current.render()

    def close(self) -> None:
        """Close what the environments of all tasks opened."""
        for env in self.environments.values():
            env.close()

    def _chosen(self, task: object) -> str:
        """Return the name of a task that was asked for; a drawn one for None."""
        names = list(self.environments)
        if task is None:
            return names[int(self.np_random.integers(len(names)))]
        number = plain(task)
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(names):
            return names[number]
        if task not in names:
            raise unknown("task of this environment", task, names)
        return str(task)

    def _told(self, info: dict[str, Any]) -> dict[str, Any]:
        name = str(self._current)
        return {**info, "task": Text(name, list(self.environments).index(name))}


def _check_alike(one: NASEnv, other: NASEnv) -> None:
    """Check that two tasks have the same edits and observations."""
    same = [str(edit) for edit in one.search_space.actions] == [
        str(edit) for edit in other.search_space.actions
    ]
    if not same or one.observation_space != other.observation_space:
        raise ConfigError(
            f"the tasks {one.task.name!r} and {other.task.name!r} give the {one.search_space.name} space "
            "other edits or observations: pass tasks of one kind of input, or another search space"
        )
