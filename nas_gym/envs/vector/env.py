"""Many environments as one: a step edits all of them and evaluates what is new in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space, iterate

from nas_gym._checks import whole
from nas_gym.envs.base import OF_MAKE_VEC, Problem
from nas_gym.envs.vector.calls import VectorCalls
from nas_gym.envs.vector.checks import (
    check_actions,
    check_autoreset_mode,
    check_max_episode_steps,
    check_options,
    check_seeds,
)
from nas_gym.envs.vector.info import Steps, described
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, let_torch_stack_texts

Result = tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]


class NASVectorEnv(VectorCalls, Problem, gym.vector.VectorEnv[Any, Any, np.ndarray]):
    """`NASEnv` `num_envs` times, stepped together.

    One step applies an edit to every environment, removes duplicates, and asks the evaluator for
    all architectures that the run has not seen in one batch: the store answers what it has, the
    rest is trained together. Spaces, rewards, starting states and information are those of
    `NASEnv`, batched as Gymnasium's `SyncVectorEnv` batches them; seed ``k`` of `reset` seeds
    environment ``i`` with ``k + i`` and gives the trajectories of as many single environments. One
    ledger (`stats`, `ledger`, `start_run`) is kept for all.

    ``info["action_mask"]`` is int8 (num_envs, n), `action_masks` gives bool (num_envs, n). Seeds of a
    table that draws them are drawn by each environment's own generator, for `evaluate` by the first's.

    A budget is spent as if the environments stepped in order. A step that crosses it is trimmed:
    the requests of environments 0, 1, ... are made until the budget is reached and are in
    ``ledger.history``; then `BudgetExhausted` is raised and the states are those before the step.

    ```python
    import gymnasium as gym
    import nas_gym

    envs = gym.make_vec("NAS-v0", num_envs=64, autoreset_mode="next_step")
    observations, infos = envs.reset(seed=0, options={"architecture": "relu-64"})  # one, or 64
    ```

    Args:
        num_envs: how many, at least 1.
        autoreset_mode: ``"next_step"``: the step after the last one of an episode resets that
            environment, ignores its action, pays 0 and counts as no step. ``"same_step"``: the last
            step resets, its own observation and information are in ``info["final_obs"]`` and
            ``info["final_info"]``. ``"disabled"``: ``reset(options={"reset_mask": mask})`` with
            bool (num_envs,) resets. Or Gymnasium's `AutoresetMode`.
        max_episode_steps: after how many steps an episode is truncated, at least 1, as by Gymnasium's
            `TimeLimit`: an episode that it cuts short has no last step in the sense of the horizon, so
            an episodic reward pays nothing for it. None or -1 for no such limit.
        **problem: the arguments of `NASEnv`.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = "next_step",
        max_episode_steps: int | None = None,
        **problem: Any,
    ) -> None:
        count = whole(num_envs)
        if count is None or count < 1:
            raise ConfigError(f"num_envs must be a whole number of at least 1, not {num_envs!r}")
        num_envs = count
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        self.max_episode_steps = check_max_episode_steps(max_episode_steps)
        super().__init__(**problem)
        self.metadata = Problem.metadata | {"autoreset_mode": self.autoreset_mode}
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = self.observation_space, self.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        # The numbers of the states in the edit graph of the search space.
        self._states = np.zeros(num_envs, dtype=np.int64)
        self._started = False
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._best = np.zeros(num_envs)
        self._last_actions = np.zeros(num_envs, dtype=np.int64)
        seeded = [seeding.np_random() for _ in range(num_envs)]
        self._rngs, self._seeds = [rng for rng, _ in seeded], [seed for _, seed in seeded]

    @property
    def architectures(self) -> list[Architecture]:
        """The current states, one an environment."""
        graph = self.search_space.edit_graph
        return [graph.architecture(number) for number in self._numbers().tolist()]

    @property  # type: ignore[misc]  # as in SyncVectorEnv, both are tuples and are not set
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The random number generators, one an environment."""
        return tuple(self._rngs)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seeds of the generators."""
        return tuple(self._seeds)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able keyword arguments that build these environments again, passwords masked."""
        own: dict[str, Any] = {"num_envs": self.num_envs, "autoreset_mode": self.autoreset_mode.name.lower()}
        if self.max_episode_steps is not None:
            own["max_episode_steps"] = self.max_episode_steps
        return own | super().config()

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes.

        Args:
            seed: environment i is seeded with seed + i, or with the i-th of a list.
            options: ``"architecture"``: start state, one or `num_envs`; ``"reset_mask"``: which
                environments to reset, bool (num_envs,), in every autoreset mode.
        """
        let_torch_stack_texts()
        rows, initial = check_options(options, self.num_envs, self.search_space, self.initial)
        if not self._started and not rows.all():
            raise gym.error.ResetNeeded("the environments have no state yet: call reset() without reset_mask")
        for row, number in enumerate(check_seeds(seed, self.num_envs)):
            if rows[row] and number is not None:
                self._rngs[row], self._seeds[row] = seeding.np_random(number)
        self._start(rows, initial)
        self._started = True
        return self._observe(), self._describe(rows, Steps.none(self.num_envs))

    def step(self, actions: Any) -> Result:
        """Apply an edit to each environment and pay for the networks they make.

        Args:
            actions: whole numbers (num_envs,).

        Raises:
            BudgetExhausted: if the run has a budget (`start_run`) and this step would exceed it;
                the states are then unchanged.
            gymnasium.error.ResetNeeded: without autoreset, if an episode has ended.
        """
        active = self._active()
        checked = check_actions(actions, active, len(self.search_space.actions))
        if np.count_nonzero(active) == self.num_envs:
            steps = self._make(slice(None), checked, self._rngs)
        else:
            rows = np.flatnonzero(active)
            made = self._make(rows, checked[rows], [self._rngs[row] for row in rows.tolist()])
            steps = made.among(rows, self.num_envs)
        over = active & (self._steps == self.horizon)
        terminated = over if self.reward.episodic else np.zeros(self.num_envs, dtype=bool)
        truncated = over & ~terminated
        if self.max_episode_steps is not None:
            truncated |= active & (self._steps >= self.max_episode_steps)
        final = self._autoreset(active, terminated | truncated, steps)
        info = final | self._describe(np.ones(self.num_envs, dtype=bool), steps)
        return self._observe(), steps.rewards, terminated, truncated, info

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal: bool (num_envs, n), a fresh array; keep always is."""
        return self.search_space.edit_graph.masks.take(self._numbers(), axis=0).astype(bool)

    def get_state(self) -> list[dict[str, Any]]:
        """Return the states of the episodes as JSON-able values, each as `NASEnv.get_state` gives it."""
        return [
            {
                "architecture": str(architecture),
                "steps": int(self._steps[row]),
                "best_score": float(self._best[row]),
                "last_action": int(self._last_actions[row]),
                "np_random": self._rngs[row].bit_generator.state,
            }
            for row, architecture in enumerate(self.architectures)
        ]

    def set_state(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Restore states of `get_state`, or of as many single environments."""
        self._check_no_walk("set its state")
        if len(states) != self.num_envs:
            raise ConfigError(f"set_state needs a list of {self.num_envs} states, not of {len(states)}")
        parse, number = self.search_space.parse, self.search_space.edit_graph.number
        self._states = np.array([number(parse(state["architecture"])) for state in states], dtype=np.int64)
        self._started = True
        self._steps = np.array([state["steps"] for state in states], dtype=np.int64)
        self._best = np.array([state["best_score"] for state in states], dtype=np.float64)
        self._last_actions = np.array([state["last_action"] for state in states], dtype=np.int64)
        for rng, state in zip(self._rngs, states, strict=True):
            rng.bit_generator.state = state["np_random"]

    def render(self) -> tuple[Any, ...]:
        """Return a frame of each environment, as `NASEnv.render` gives it."""
        return tuple(
            self._frame(architecture, int(self._steps[row]), int(self._last_actions[row]))
            for row, architecture in enumerate(self.architectures)
        )

    @classmethod
    def _unknown_argument(cls, name: str) -> ConfigError:
        if name in OF_MAKE_VEC:
            return ConfigError(
                f"{name} is an argument of gym.make_vec and not of {cls.__name__}: make it by "
                "gym.make_vec('NAS-v0', ...), with vectorization_mode='sync' where environments are wrapped"
            )
        return super()._unknown_argument(name)

    def _numbers(self) -> np.ndarray:
        """Return the numbers of the current states, int64 (num_envs,)."""
        if not self._started:
            raise gym.error.ResetNeeded("the environments have no state yet: call reset() first")
        return self._states

    def _generator(self) -> np.random.Generator:
        return self._rngs[0]

    def _active(self) -> np.ndarray:
        """Return which environments make a step: bool (num_envs,)."""
        self._numbers()
        length = self.horizon if self.max_episode_steps is None else min(self.horizon, self.max_episode_steps)
        active = self._steps < length
        if self.autoreset_mode is not AutoresetMode.NEXT_STEP and not active.all():
            raise gym.error.ResetNeeded(
                f"the episode of environment {int(active.argmin())} ended after {length} steps: "
                "call reset(options={'reset_mask': terminations | truncations})"
            )
        return active

    def _make(self, rows: Any, actions: np.ndarray, rngs: Sequence[np.random.Generator]) -> Steps:
        """Make and pay the steps of some environments, and say what they did."""
        before, ends = self._states[rows], self._steps[rows] == self.horizon - 1
        after, legal = self.search_space.edit_graph.follow_all(before, actions)
        payments = self._ledger.pay(self.reward, before, after, ends, rngs)
        # Whatever stops a step has raised by here, before any state has changed.
        self._states[rows], self._last_actions[rows] = after, np.where(legal, actions, 0)
        self._steps[rows] += 1
        self._best[rows] = np.maximum(self._best[rows], payments.scores)
        return Steps(actions, ~legal, *payments)

    def _autoreset(self, active: np.ndarray, done: np.ndarray, steps: Steps) -> dict[str, Any]:
        """Reset what the mode resets; gives the final observations and information of same_step."""
        final: dict[str, Any] = {}
        rows = ~active if self.autoreset_mode is AutoresetMode.NEXT_STEP else done
        if self.autoreset_mode is AutoresetMode.DISABLED or not np.count_nonzero(rows):
            return final
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            final = self._final(done, steps)
        self._start(rows, [self.initial] * self.num_envs)
        steps.forget(rows)
        return final

    def _start(self, rows: np.ndarray, initial: Sequence[str | Architecture]) -> None:
        """Start episodes in some environments; `initial` has a start state for each of all."""
        number, chosen = self.search_space.edit_graph.number, dict[str | Architecture, int]()
        started = []
        for row in np.flatnonzero(rows).tolist():
            start = initial[row]
            if start == "random" or start not in chosen:
                chosen[start] = number(self._start_state(start, self._rngs[row]))
            started.append(chosen[start])
        self._states[rows] = started
        self._steps[rows] = self._last_actions[rows] = 0
        self._best[rows] = 0.0

    def close_extras(self, **kwargs: Any) -> None:
        """Close the store that these environments opened, unless a copy still uses it."""
        self._release()

    def _observe(self) -> Any:
        return self._observer.many(self._states, self.horizon - self._steps)

    def _describe(self, rows: np.ndarray, steps: Steps) -> dict[str, Any]:
        graph, draws = self.search_space.edit_graph, self.evaluator.draws
        return described(rows, steps, self._states, self._best, graph, draws=draws)

    def _final(self, done: np.ndarray, steps: Steps) -> dict[str, Any]:
        """Return the last observations and information of episodes that ended."""
        rows = np.flatnonzero(done)
        batch = self._observer.many(self._states[rows], self.horizon - self._steps[rows])
        observations = np.full(self.num_envs, None, dtype=object)
        for row, observation in zip(rows.tolist(), iterate(self.observation_space, batch), strict=True):
            observations[row] = observation
        information = self._describe(done, steps)
        final = {"final_obs": observations, "final_info": information}
        return final | {f"_{key}": done.copy() for key in final}
