"""The environment: an episode edits a network, a step is paid by the accuracy of what it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import gymnasium as gym
import numpy as np

from nas_gym.envs.ledger import Budget, Ledger, Stats
from nas_gym.envs.observations import make_observer
from nas_gym.envs.rewards import Reward, make_reward
from nas_gym.errors import NASGymError, unknown
from nas_gym.evaluators import Evaluation, Evaluator, make_evaluator
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tasks import Task, make_task

if TYPE_CHECKING:
    from nas_gym.evaluators.store import Store

INITIAL = ("smallest", "random")


class NASEnv(gym.Env[Any, Any]):
    """Neural architecture search as a decision process.

    ## Description
    An episode starts at one architecture of a search space. A step edits it (add, remove, swap a
    part) and is paid by the validation accuracy of the edited network, trained for real. Every
    result is kept in a store and never computed twice.

    ## Action Space
    ``Discrete(n)``, one action per edit of the search space, `search_space.actions[i]` in words.
    Action 0 is ``keep``: always legal, changes nothing, paid like any step. An illegal action has
    exactly the effect and the reward of keep and sets ``info["illegal_action"]``.
    ``info["action_mask"]`` is int8 (n,), for ``action_space.sample(mask)``; `action_masks` gives
    bool (n,), for sb3-contrib's MaskablePPO.

    ## Observation Space
    By ``observation``: ``"dict"`` (default), a flat Dict of one-dimensional arrays that
    stable-baselines3's ``MultiInputPolicy`` takes as it is; ``"dict+mask"``; ``"index"``,
    ``Discrete(size)`` for tabular agents; ``"graph"``, ``spaces.Graph``. Under an episodic reward
    it has ``steps_left`` too.

    ## Rewards
    ``"accuracy"``: validation accuracy of the network after the step, in [0, 1].
    ``"improvement"``: its gain over the network before; the start state is evaluated at the first
    step and counts. ``"final"``: 0 until the last step, then the accuracy of the last network, the
    only one evaluated. ``{"name": ..., "scale": [low, high]}`` maps accuracy first. Or an object
    with ``needs_before``, ``episodic`` and ``__call__(before, after, done) -> float``.
    A network that diverges, or has more parameters than the recipe allows, has accuracy 0.0 and a
    reason in ``info["error"]``.

    ## Starting State
    ``initial``: ``"smallest"``, ``"random"`` (uniform, by the seed of reset), the text of an
    architecture, or the name of a member of the search space. ``reset(options={"architecture":
    text})`` overrides it once. Reset never trains.

    ## Episode End
    After ``horizon`` steps: truncation under a continuing reward (bootstrap there), termination
    under an episodic one.

    ## Information
    After a step ``architecture``, ``edit``: str; ``accuracy``, ``best_accuracy`` (of the episode):
    float, 0.0 where nothing was evaluated yet; ``illegal_action``: bool; ``error``: str;
    ``action_mask``: int8 (n,). After reset the same without the accuracies.

    ## Arguments
    ```python
    import gymnasium as gym
    import nas_gym

    env = gym.make("NAS-v0", search_space="mlp", task="mnist1d", reward="accuracy", horizon=20,
                   evaluator={"name": "train", "recipe": {"epochs": 10}, "seeds": [0]},
                   initial="smallest", observation="dict", device="auto", store="user")
    ```

    ## Version History
    * v0: initial version.

    Args:
        search_space: name, dict with ``"name"`` and options, or a `SearchSpace`.
        task: name, dict, path of a file, or a `Task`.
        reward: name, dict, or a `Reward`.
        horizon: steps per episode, at least 1.
        evaluator: name, dict, or an `Evaluator`.
        initial: start state.
        observation: kind of observation.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a torch device.
        store: ``"user"``, ``"memory"``, a path, an SQLAlchemy URL, or a `Store`.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's form

    def __init__(
        self,
        search_space: str | Mapping[str, Any] | SearchSpace[Any] = "mlp",
        task: str | Mapping[str, Any] | Task = "mnist1d",
        reward: str | Mapping[str, Any] | Reward = "accuracy",
        horizon: int = 20,
        evaluator: str | Mapping[str, Any] | Evaluator = "train",
        initial: str | Architecture = "smallest",
        observation: str = "dict",
        device: str = "auto",
        store: str | Store = "user",
        render_mode: str | None = None,
    ) -> None:
        if not isinstance(horizon, int) or isinstance(horizon, bool) or horizon < 1:
            raise NASGymError(f"horizon must be a whole number of steps of at least 1, not {horizon!r}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise unknown("render mode", render_mode, self.metadata["render_modes"])
        self.reward = make_reward(reward)
        self.task = make_task(task)
        self.search_space = make_search_space(search_space, self.task.input_shape, self.task.num_classes)
        self.evaluator = make_evaluator(evaluator, self.search_space, self.task, device=device, store=store)
        self.horizon = horizon
        self.initial = initial if initial in INITIAL else str(self.search_space.resolve(initial))
        self.observation = observation
        self.device = device
        self.render_mode = render_mode
        self.ledger = Ledger(self.evaluator)
        countdown = horizon if self.reward.episodic else None
        self._observer = make_observer(observation, self.search_space, countdown)
        self.observation_space = self._observer.space
        self.action_space = gym.spaces.Discrete(len(self.search_space.actions))
        self._architecture: Architecture | None = None
        self._steps = 0
        self._best = 0.0
        self._last_action = 0

    @property
    def stats(self) -> Stats:
        """Counts of the run: steps, evaluations, unique, stored, cost, seconds."""
        return self.ledger.stats

    @property
    def architecture(self) -> Architecture:
        """The current state."""
        if self._architecture is None:
            raise gym.error.ResetNeeded("the environment has no state yet: call reset() first")
        return self._architecture

    def config(self) -> dict[str, Any]:
        """The JSON-able keyword arguments that build this environment again, passwords masked."""
        reward = self.reward.config() if hasattr(self.reward, "config") else type(self.reward).__name__
        return {
            "search_space": self.search_space.config(),
            "task": self.task.spec,
            "reward": reward,
            "horizon": self.horizon,
            "evaluator": self.evaluator.config(),
            "initial": self.initial,
            "observation": self.observation,
            "device": self.device,
        }

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; ``options={"architecture": text}`` chooses its start state."""
        super().reset(seed=seed)
        options = dict(options or {})
        initial = options.pop("architecture", self.initial)
        if options:
            raise unknown("reset option", next(iter(options)), ["architecture"])
        space = self.search_space
        if initial == "random":
            self._architecture = space.sample(self.np_random)
        else:
            self._architecture = space.smallest() if initial == "smallest" else space.resolve(initial)
        self._steps, self._best, self._last_action = 0, 0.0, 0
        return self._observe(), self._info(action=0, illegal=False, error="")

    def step(self, action: SupportsIndex) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply an edit and pay for the network it makes.

        Raises:
            BudgetExhausted: if the run has a budget (`start_run`) and this step would exceed it;
                the state is then unchanged.
        """
        chosen = self._check_action(action)
        before = self.architecture
        edited = self.search_space.edited(before, chosen)
        after = before if edited is None else edited
        done = self._steps + 1 == self.horizon
        self.ledger.count_steps()
        accuracy, reward, error = self._pay(before, after, done)
        self._architecture, self._last_action = after, chosen if edited is not None else 0
        self._steps += 1
        self._best = max(self._best, accuracy)
        info = self._info(action=chosen, illegal=edited is None, error=error)
        info |= {"accuracy": accuracy, "best_accuracy": self._best}
        episodic = self.reward.episodic
        return self._observe(), reward, done and episodic, done and not episodic, info

    def action_masks(self) -> np.ndarray:
        """Which actions are legal: bool (n,), a fresh array; keep always is."""
        return self.search_space.mask(self.architecture)

    def start_run(self, budget: Budget | None = None) -> None:
        """Start a new account: forget counts and answers, and limit what may be asked.

        Args:
            budget: most distinct requests, or ``{"seconds": s}`` of recorded cost; None for no limit.

        Raises:
            NASGymError: for a budget below 1.
        """
        self.ledger = Ledger(self.evaluator, budget)

    @overload
    def evaluate(  # type: ignore[overload-overlap]  # a list is no architecture
        self, architectures: list[Any] | tuple[Any, ...], fidelity: int | None = None
    ) -> list[Evaluation]: ...

    @overload
    def evaluate(self, architectures: str | Architecture, fidelity: int | None = None) -> Evaluation: ...

    def evaluate(
        self, architectures: str | Architecture | list[Any] | tuple[Any, ...], fidelity: int | None = None
    ) -> Evaluation | list[Evaluation]:
        """Evaluate an architecture, or several in one batch, without a step; counted in `stats`.

        Raises:
            BudgetExhausted: if the run has a budget and this would exceed it.
        """
        several = isinstance(architectures, list | tuple)
        asked = architectures if isinstance(architectures, list | tuple) else [architectures]
        resolved = [self.search_space.resolve(one) for one in asked]
        self.ledger.count_steps(len(resolved))
        evaluations = self.ledger.evaluate(resolved, fidelity)
        return evaluations if several else evaluations[0]

    def get_state(self) -> dict[str, Any]:
        """The state of the episode as JSON-able values; `set_state` restores it."""
        return {
            "architecture": str(self.architecture),
            "steps": self._steps,
            "best_accuracy": self._best,
            "last_action": self._last_action,
            "np_random": self.np_random.bit_generator.state,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `get_state`, also of another process."""
        self._architecture = self.search_space.parse(state["architecture"])
        self._steps = int(state["steps"])
        self._best = float(state["best_accuracy"])
        self._last_action = int(state["last_action"])
        self.np_random.bit_generator.state = state["np_random"]

    def fork(self) -> NASEnv:
        """A second environment in the same state, to look ahead; it shares evaluator, store and account."""
        fork = NASEnv(
            search_space=self.search_space,
            task=self.task,
            reward=self.reward,
            horizon=self.horizon,
            evaluator=self.evaluator,
            initial=self.initial,
            observation=self.observation,
            device=self.device,
            render_mode=self.render_mode,
        )
        fork.ledger = self.ledger
        fork.set_state(self.get_state())
        return fork

    def render(self) -> str | np.ndarray | None:
        """The state and the last edit.

        ``"ansi"``: in words; ``"rgb_array"``: a drawing, uint8 (height, width, 3), the edit marked.
        """
        edit = self.search_space.actions[self._last_action]
        if self.render_mode == "ansi":
            return f"step {self._steps}/{self.horizon}: {edit}\n{self.architecture}\n"
        if self.render_mode == "rgb_array":
            from nas_gym.envs.drawing import draw, figure_to_array

            return figure_to_array(draw(self.search_space, self.architecture, edit))
        return None

    def _pay(self, before: Architecture, after: Architecture, done: bool) -> tuple[float, float, str]:
        """Accuracy after the step, its reward, and the error of a failed training."""
        if self.reward.episodic and not done:
            return 0.0, float(self.reward(0.0, 0.0, done)), ""
        asked = [before, after] if self.reward.needs_before else [after]
        evaluations = self.ledger.evaluate(asked)
        accuracy = evaluations[-1].accuracy
        accuracy_before = evaluations[0].accuracy if self.reward.needs_before else 0.0
        return accuracy, float(self.reward(accuracy_before, accuracy, done)), evaluations[-1].error

    def _check_action(self, action: SupportsIndex) -> int:
        if self._steps >= self.horizon:
            raise gym.error.ResetNeeded(f"the episode ended after {self.horizon} steps: call reset()")
        if not self.action_space.contains(action):
            raise NASGymError(
                "action must be a whole number from"
                f" 0 to {len(self.search_space.actions) - 1}, not {action!r}"
            )
        return int(action)

    def _observe(self) -> Any:
        return self._observer(self.architecture, self.horizon - self._steps)

    def _info(self, *, action: int, illegal: bool, error: str) -> dict[str, Any]:
        return {
            "architecture": str(self.architecture),
            "edit": str(self.search_space.actions[action]),
            "illegal_action": illegal,
            "error": error,
            "action_mask": self.search_space.mask(self.architecture).astype(np.int8),
        }
