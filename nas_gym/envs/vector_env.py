"""Many environments as one: a step edits all of them and evaluates what is new in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

from nas_gym.envs.payment import Move, Payment, pay
from nas_gym.envs.problem import Problem
from nas_gym.envs.vector_calls import VectorCalls
from nas_gym.envs.vector_info import Steps, described
from nas_gym.envs.vector_options import check_actions, check_autoreset_mode, check_options, check_seeds
from nas_gym.errors import NASGymError
from nas_gym.search_spaces import Architecture

Result = tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]


class NASVectorEnv(VectorCalls, Problem, gym.vector.VectorEnv[Any, Any, np.ndarray]):
    """`NASEnv` `num_envs` times, stepped together.

    One step applies an edit to every environment, removes duplicates, and asks the evaluator for
    all architectures that the run has not seen in one batch: the store answers what it has, the
    rest is trained together. Spaces, rewards, starting states and information are those of
    `NASEnv`, batched as Gymnasium's `SyncVectorEnv` batches them; seed ``k`` of `reset` seeds
    environment ``i`` with ``k + i`` and gives the trajectories of as many single environments. One
    account (`stats`, `ledger`, `start_run`) is kept for all.

    ``info["action_mask"]`` is int8 (num_envs, n), `action_masks` gives bool (num_envs, n).

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
        **problem: the arguments of `NASEnv`.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    def __init__(
        self, num_envs: int = 1, autoreset_mode: str | AutoresetMode = "next_step", **problem: Any
    ) -> None:
        if not isinstance(num_envs, int) or isinstance(num_envs, bool) or num_envs < 1:
            raise NASGymError(f"num_envs must be a whole number of at least 1, not {num_envs!r}")
        self.autoreset_mode = check_autoreset_mode(autoreset_mode)
        super().__init__(**problem)
        self.metadata = Problem.metadata | {"autoreset_mode": self.autoreset_mode}
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = self.observation_space, self.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._architectures: list[Architecture] = []
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._best = np.zeros(num_envs)
        self._last_actions = np.zeros(num_envs, dtype=np.int64)
        self._generators: list[tuple[np.random.Generator, int]] = [
            seeding.np_random() for _ in range(num_envs)
        ]

    @property
    def architectures(self) -> list[Architecture]:
        """The current states, one an environment."""
        if not self._architectures:
            raise gym.error.ResetNeeded("the environments have no state yet: call reset() first")
        return list(self._architectures)

    @property  # type: ignore[misc]  # as in SyncVectorEnv, both are tuples and are not set
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The random number generators, one an environment."""
        return tuple(generator for generator, _ in self._generators)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seeds of the generators."""
        return tuple(seed for _, seed in self._generators)

    def config(self) -> dict[str, Any]:
        """The JSON-able keyword arguments that build these environments again, passwords masked."""
        mode = self.autoreset_mode.name.lower()
        return {"num_envs": self.num_envs, "autoreset_mode": mode} | super().config()

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes.

        Args:
            seed: environment i is seeded with seed + i, or with the i-th of a list.
            options: ``"architecture"``: start state, one or `num_envs`; ``"reset_mask"``: which
                environments to reset, bool (num_envs,), in every autoreset mode.
        """
        rows, initial = check_options(options, self.num_envs, self.search_space, self.initial)
        if not self._architectures and not rows.all():
            raise gym.error.ResetNeeded("the environments have no state yet: call reset() without reset_mask")
        for row, number in enumerate(check_seeds(seed, self.num_envs)):
            if rows[row] and number is not None:
                self._generators[row] = seeding.np_random(number)
        self._start(rows, initial)
        return self._observe(), self._describe(rows, Steps(self.num_envs))

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
        steps = Steps(self.num_envs)
        steps.actions = check_actions(actions, active, len(self.search_space.actions))
        moves = self._moves(active, steps)
        # Whatever stops a step raises up to here, before any state has changed.
        rewards = self._make(moves, pay(self.ledger, self.reward, list(moves.values())), steps)
        done = active & (self._steps == self.horizon)
        final = self._autoreset(active, done, steps)
        info = final | self._describe(np.ones_like(done), steps)
        never = np.zeros_like(done)
        ends = (done, never) if self.reward.episodic else (never, done)
        return self._observe(), rewards, *ends, info

    def action_masks(self) -> np.ndarray:
        """Which actions are legal: bool (num_envs, n), a fresh array; keep always is."""
        return np.stack([self.search_space.mask(architecture) for architecture in self.architectures])

    def get_state(self) -> list[dict[str, Any]]:
        """The states of the episodes as JSON-able values, each as `NASEnv.get_state` gives it."""
        return [
            {
                "architecture": str(architecture),
                "steps": int(self._steps[row]),
                "best_accuracy": float(self._best[row]),
                "last_action": int(self._last_actions[row]),
                "np_random": self._generators[row][0].bit_generator.state,
            }
            for row, architecture in enumerate(self.architectures)
        ]

    def set_state(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Restore states of `get_state`, or of as many single environments."""
        if len(states) != self.num_envs:
            raise NASGymError(f"set_state needs a list of {self.num_envs} states, not of {len(states)}")
        self._architectures = [self.search_space.parse(state["architecture"]) for state in states]
        self._steps = np.array([state["steps"] for state in states], dtype=np.int64)
        self._best = np.array([state["best_accuracy"] for state in states], dtype=np.float64)
        self._last_actions = np.array([state["last_action"] for state in states], dtype=np.int64)
        for (generator, _), state in zip(self._generators, states, strict=True):
            generator.bit_generator.state = state["np_random"]

    def render(self) -> tuple[Any, ...]:
        """A frame of each environment, as `NASEnv.render` gives it."""
        return tuple(
            self._frame(architecture, int(self._steps[row]), int(self._last_actions[row]))
            for row, architecture in enumerate(self.architectures)
        )

    def _active(self) -> np.ndarray:
        """Which environments make a step: bool (num_envs,)."""
        if not self._architectures:
            raise gym.error.ResetNeeded("the environments have no state yet: call reset() first")
        active = self._steps < self.horizon
        if self.autoreset_mode is not AutoresetMode.NEXT_STEP and not active.all():
            raise gym.error.ResetNeeded(
                f"the episode of environment {int(active.argmin())} ended after {self.horizon} steps: "
                "call reset(options={'reset_mask': terminations | truncations})"
            )
        return active

    def _moves(self, active: np.ndarray, steps: Steps) -> dict[int, Move]:
        """The move of each environment that makes a step; marks illegal actions in `steps`."""
        moves: dict[int, Move] = {}
        ends = self._steps + 1 == self.horizon
        for row in np.flatnonzero(active).tolist():
            before = self._architectures[row]
            edited = self.search_space.edited(before, int(steps.actions[row]))
            steps.illegal[row] = edited is None
            moves[row] = Move(before, before if edited is None else edited, bool(ends[row]))
        return moves

    def _make(self, moves: Mapping[int, Move], payments: Sequence[Payment], steps: Steps) -> np.ndarray:
        """Make moves that are paid for; gives the rewards, 0 where no step was made."""
        rewards = np.zeros(self.num_envs)
        for (row, move), (accuracy, reward, error) in zip(moves.items(), payments, strict=True):
            self._architectures[row] = move.after
            steps.accuracies[row], rewards[row], steps.errors[row] = accuracy, reward, error
        steps.made[list(moves)] = True
        self._steps += steps.made
        self._last_actions[steps.made] = np.where(steps.illegal, 0, steps.actions)[steps.made]
        np.maximum(self._best, steps.accuracies, out=self._best)
        return rewards

    def _autoreset(self, active: np.ndarray, done: np.ndarray, steps: Steps) -> dict[str, Any]:
        """Reset what the mode resets; gives the final observations and information of same_step."""
        final: dict[str, Any] = {}
        rows = ~active if self.autoreset_mode is AutoresetMode.NEXT_STEP else done
        if self.autoreset_mode is AutoresetMode.DISABLED or not rows.any():
            return final
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            final = self._final(done, steps)
        self._start(rows, [self.initial] * self.num_envs)
        steps.forget(rows)
        return final

    def _start(self, rows: np.ndarray, initial: Sequence[str | Architecture]) -> None:
        """Start episodes in some environments; `initial` has a start state for each of all."""
        started = [
            self._start_state(initial[row], self._generators[row][0]) if starts else self._architectures[row]
            for row, starts in enumerate(rows.tolist())
        ]
        self._architectures = started
        self._steps[rows] = self._last_actions[rows] = 0
        self._best[rows] = 0.0

    def _observation(self, row: int) -> Any:
        return self._observer(self._architectures[row], self.horizon - int(self._steps[row]))

    def _observe(self) -> Any:
        space = self.single_observation_space
        each = [self._observation(row) for row in range(self.num_envs)]
        empty: Any = create_empty_array(space, self.num_envs)
        return concatenate(space, each, empty)

    def _describe(self, rows: np.ndarray, steps: Steps) -> dict[str, Any]:
        return described(rows, steps, self._architectures, self._best, self.search_space)

    def _final(self, done: np.ndarray, steps: Steps) -> dict[str, Any]:
        """The last observations and information of episodes that ended."""
        observations = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(done).tolist():
            observations[row] = self._observation(row)
        information = self._describe(done, steps)
        final = {"final_obs": observations, "final_info": information}
        return final | {f"_{key}": done.copy() for key in final}
