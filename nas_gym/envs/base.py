"""The problem of a search: all that one environment and many have in common."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from nas_gym._checks import plain, whole
from nas_gym.envs.objectives.objective import Objectives
from nas_gym.envs.observations import make_observer
from nas_gym.envs.rewards import Reward, bound, make_reward
from nas_gym.envs.run.budget import Budget, Stats
from nas_gym.envs.run.ledger import Ledger
from nas_gym.envs.run.payments import StepLedger
from nas_gym.envs.run.walking import Walk
from nas_gym.errors import ConfigError, NASGymError, unknown
from nas_gym.evaluators import Evaluation, Evaluator, make_evaluator, table_of
from nas_gym.executors import Executor
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tables import check_search_space, table_task
from nas_gym.tasks import Task, make_task

if TYPE_CHECKING:
    from nas_gym.envs.rendering import Room
    from nas_gym.evaluators import Store

INITIAL = ("smallest", "random")
# What `gym.make` itself takes and keeps, so that a mistyped one is recognised.
OF_MAKE = ("max_episode_steps", "disable_env_checker")
OF_MAKE_VEC = ("num_envs", "vectorization_mode", "vector_kwargs", "wrappers")


class Problem:
    """The parts of a search and the ledger of its run; the states of episodes are elsewhere.

    The arguments, and what they raise, are documented at `NASEnv`.
    """

    objectives: Objectives | None = None  # of an environment of several
    _spec: EnvSpec | None = None
    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's form

    # The room of its drawings, from the first of them on.
    _room: Room | None = None

    def __init__(
        self,
        search_space: str | Mapping[str, Any] | SearchSpace[Any] | None = None,
        task: str | Mapping[str, Any] | Task | None = None,
        reward: str | Mapping[str, Any] | Reward = "score",
        horizon: int = 20,
        evaluator: str | Mapping[str, Any] | Evaluator = "train",
        initial: str | Architecture = "smallest",
        observation: str = "dict",
        device: str = "auto",
        store: str | Path | Store = "user",
        render_mode: str | None = None,
        executor: str | Mapping[str, Any] | Executor | None = None,
        **others: Any,
    ) -> None:
        if others:
            raise self._unknown_argument(next(iter(others)))
        steps = whole(horizon)
        if steps is None or steps < 1:
            raise ConfigError(f"horizon must be a whole number of steps of at least 1, not {horizon!r}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise unknown("render mode", render_mode, self.metadata["render_modes"])
        self.search_space, self.task = _searched(search_space, task, evaluator)
        asked = make_reward(reward, self.task.target)
        made = make_evaluator(
            evaluator, self.search_space, self.task, device=device, store=store, executor=executor
        )
        # A store that came as an object is the caller's, also within an evaluator.
        self._built = isinstance(store, str | Path) and not isinstance(evaluator, Evaluator)
        self.reward = bound(asked, self.search_space, made)
        made.opened_by(self, built=self._built)
        self.horizon = steps
        self.initial = self._checked_initial(initial)
        self.observation = observation
        self.device = device
        self.render_mode = render_mode
        self._ledger = StepLedger(Ledger(made, reward=self.reward), self.search_space.edit_graph)
        countdown = steps if self.reward.episodic else None
        self._observer = make_observer(observation, self.search_space, countdown)
        self.observation_space: spaces.Space[Any] = self._observer.space
        self.action_space: spaces.Space[Any] = spaces.Discrete(len(self.search_space.actions))

    @classmethod
    def _unknown_argument(cls, name: str) -> ConfigError:
        """Return the error for a keyword argument that there is not; the nearest may be one of `gym.make`."""
        if name in OF_MAKE:
            return ConfigError(f"{name} is an argument of gym.make, not of {cls.__name__}: leave it out")
        taken = [*inspect.signature(cls).parameters.values(), *inspect.signature(Problem).parameters.values()]
        names = {one.name for one in taken if one.kind is not one.VAR_KEYWORD}
        return unknown("argument", name, names.union(OF_MAKE, OF_MAKE_VEC if "num_envs" in names else ()))

    @property
    def ledger(self) -> Ledger:
        """The ledger of the run; environments that are given the same one share it."""
        return self._ledger.ledger

    @ledger.setter
    def ledger(self, ledger: Ledger) -> None:
        self._check_no_walk("take another ledger")
        self._ledger = StepLedger(ledger, self.search_space.edit_graph)

    @property
    def evaluator(self) -> Evaluator:
        """From requests to evaluations; in a walk a view of it that evaluates nothing."""
        return self.ledger.evaluator

    @property
    def stats(self) -> Stats:
        """Counts of the run: steps, evaluations, unique, stored, cost, seconds."""
        return self.ledger.stats

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.evaluator.opened_by(self, built=self._built)

    @property
    def spec(self) -> EnvSpec | None:
        """How Gymnasium makes this environment; arrays that came as a task are in it as a `Task`.

        Wrappers copy a spec deeply, and copies share a task.
        """
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        task = {} if spec is None else spec.kwargs.get("task")
        if spec is not None and isinstance(task, Mapping) and "x" in task:
            spec.kwargs["task"] = self.task
        self._spec = spec

    def config(self) -> dict[str, Any]:
        """Return the JSON-able keyword arguments that build this environment again, passwords masked."""
        executor = self.evaluator.executor
        return {
            "search_space": self.search_space.config(),
            "task": self.task.spec,
            "reward": self.reward.config(),
            "horizon": self.horizon,
            "evaluator": self.evaluator.config(),
            "initial": self.initial,
            "observation": self.observation,
            "device": self.device,
        } | ({} if executor is None else {"executor": executor.config()})

    def start_run(self, budget: Budget | None = None) -> None:
        """Start a new ledger: forget counts and answers, and limit what may be asked.

        Args:
            budget: most distinct requests, or ``{"seconds": s}`` of recorded cost; None for no limit.

        Raises:
            NASGymError: for a budget below 1.
        """
        self._check_no_walk("start a run")
        self.ledger = Ledger(self.evaluator, budget, self.reward)

    @contextmanager
    def walking(self, agent: str) -> Iterator[None]:
        """Hold an agent to a walk: until the context ends, the run allows steps and plain resets alone.

        A reset starts where the environment starts its episodes. Whatever else leads to the
        evaluation of an architecture is refused, by whichever way it is reached: `evaluate`, the
        ledger, the evaluator, ``reset(options={"architecture": ...})``, another `initial`,
        `set_state`, `fork`, a copy of the environment, whose steps would cost nothing, and
        `start_run`.

        Args:
            agent: name of the agent, for the sentence that refuses.
        """
        ledger = self.ledger
        ledger.walk = Walk(agent, self.initial, self.evaluator)
        try:
            yield
        finally:
            ledger.walk = None

    @overload
    def evaluate(  # type: ignore[overload-overlap]  # a list is no architecture
        self, architectures: list[Any] | tuple[Any, ...] | np.ndarray, fidelity: int | None = None
    ) -> list[Evaluation]: ...

    @overload
    def evaluate(
        self, architectures: str | int | Architecture, fidelity: int | None = None
    ) -> Evaluation: ...

    def evaluate(
        self,
        architectures: str | int | Architecture | list[Any] | tuple[Any, ...] | np.ndarray,
        fidelity: int | None = None,
    ) -> Evaluation | list[Evaluation]:
        """Evaluate an architecture, or several in one batch, without a step; counted in `stats`.

        Each is an architecture, its text, the name of a member, or a number: the official index of
        NAS-Bench-201 in the cell space, the index of the space in others (`SearchSpace.numbered`).

        Raises:
            BudgetExhausted: if the run has a budget and this would exceed it.
            NASGymError: in a walk (see `walking`).
        """
        self._check_no_walk("ask for architectures")
        fidelity = plain(fidelity)
        several = isinstance(architectures, list | tuple | np.ndarray)
        asked: Any = architectures if several else [architectures]
        resolved = [self.search_space.resolve(one) for one in asked]
        self.ledger.count_steps(len(resolved))
        drawn = None
        if self.evaluator.draws:
            drawn = [self.evaluator.draw(one, self._generator()) for one in resolved]
        evaluations = self.ledger.evaluate(resolved, fidelity, drawn)
        return evaluations if several else evaluations[0]

    def _release(self) -> None:
        """Close what this environment opened, unless another one still uses it."""
        self.evaluator.closed_by(self)

    def __getstate__(self) -> Any:
        self._check_no_walk("copy the environment")
        return super().__getstate__()

    def _check_no_walk(self, what: str) -> None:
        """Refuse what is not a step in a walk."""
        if (walk := self.ledger.walk) is not None:
            walk.refuse(what)

    def _generator(self) -> np.random.Generator:
        """Return the generator that draws the seeds of `evaluate`."""
        raise NotImplementedError

    def _checked_initial(self, initial: str | Architecture) -> str:
        if initial in INITIAL:
            return str(initial)
        try:
            return str(self.search_space.resolve(initial))
        except NASGymError:
            names = [*INITIAL, *self.search_space.members()]
            if str(initial).isidentifier() and get_close_matches(str(initial), names):
                raise unknown("initial", initial, names) from None
            raise

    def _start_state(self, initial: str | Architecture, rng: np.random.Generator) -> Architecture:
        """Return the architecture that an episode starts at; a random one is drawn by `rng`."""
        if (walk := self.ledger.walk) is not None and str(initial) != walk.initial:
            walk.refuse("start an episode elsewhere")
        space: SearchSpace[Architecture] = self.search_space
        if initial == "random":
            return space.sample(rng)
        return space.smallest() if initial == "smallest" else space.resolve(initial)

    def _frame(self, architecture: Architecture, steps: int, last_action: int) -> str | np.ndarray | None:
        """Return a state and the edit that led to it, as the render mode asks."""
        edit = self.search_space.actions[last_action]
        if self.render_mode == "ansi":
            return f"step {steps}/{self.horizon}: {edit}\n{architecture}\n"
        if self.render_mode == "rgb_array":
            from nas_gym.envs.rendering import draw, figure_to_array, room_of

            if self._room is None:
                self._room = room_of(self.search_space)
            return figure_to_array(draw(self.search_space, architecture, edit, self._room))
        return None


def _searched(
    search_space: str | Mapping[str, Any] | SearchSpace[Any] | None,
    task: str | Mapping[str, Any] | Task | None,
    evaluator: str | Mapping[str, Any] | Evaluator,
) -> tuple[SearchSpace[Any], Task]:
    """Return the search space and the task: what was asked for, else those of the table, else the usual ones.

    Raises:
        NASGymError: if they do not fit, each other or the table.
    """
    table = table_of(evaluator, task)
    if table is None:
        made = make_task("mnist1d" if task is None else task)
        spec = "mlp" if search_space is None else search_space
        return make_search_space(spec, made.input_shape, made.outputs, made.facts), made
    if search_space is not None:
        check_search_space(table, search_space)
    return table.search_space, table_task(table)
