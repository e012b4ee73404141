"""The environment: an episode edits a network, a step is paid by the score of what it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsIndex

import gymnasium as gym
import numpy as np

from nas_gym._checks import plain
from nas_gym.envs.base import OF_MAKE_VEC, Problem
from nas_gym.envs.run.payments import NO_ERROR, NOTHING_PAID, Payment
from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces import Architecture, Text, let_torch_stack_texts

WHOLE = (int, np.integer)
STATE = ("architecture", "steps", "best_score", "last_action", "np_random")


class NASEnv(Problem, gym.Env[Any, Any]):
    """Neural architecture search as a decision process.

    ## Description
    An episode starts at one architecture of a search space. A step edits it (add, remove, swap a
    part) and is paid by the validation score of the edited network, trained for real. Every
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
    ``Discrete(size)`` for tabular agents; ``"flat"``, the Dict one-hot in one float32 ``Box``, for
    libraries that take arrays alone (CleanRL, Tianshou, RLlib, ``VecNormalize``); ``"graph"``,
    ``spaces.Graph``. Under an episodic reward it has ``steps_left`` too.

    ## Rewards
    ``"score"``: validation score of the network after the step, in [0, 1]; of classes it is the
    accuracy, of values R², 0 where that is negative.
    ``"improvement"``: its gain over the network before; the start state is evaluated at the first
    step and counts. ``"final"``: 0 until the last step, then the score of the last network, the
    only one evaluated. ``{"name": ..., "scale": [low, high]}`` maps the score first. Or a function,
    object or class of one's own, ``(before, after, done) -> float`` (see `OwnReward`).
    A network that diverges, or has more parameters than the recipe allows, has score 0.0 and a
    reason in ``info["error"]``.

    ## Starting State
    ``initial``: ``"smallest"``, ``"random"`` (uniform, by the seed of reset), the text of an
    architecture, or the name of a member of the search space. ``reset(options={"architecture":
    text})`` overrides it once. Reset never trains.

    ## Episode End
    After ``horizon`` steps: truncation under a continuing reward (bootstrap there), termination
    under an episodic one.

    ## Information
    After reset and after every step the same keys, each of one type: ``architecture``, ``edit``: str;
    ``score``, ``best_score`` (of the episode): float, 0.0 where nothing was evaluated yet, so
    after reset; ``illegal_action``: bool; ``error``: str, "" where no training failed;
    ``action_mask``: int8 (n,), a fresh array. Where a step is paid by one recorded seed, drawn by this
    environment's generator (tables with ``"seeds": "random"``), also ``seed``: int, -1 where none was
    drawn. Where TorchRL makes tensors of a vector environment's information, a text becomes the number
    of the state or action that it names, an error 1, "" 0.

    ## Arguments
    ```python
    import gymnasium as gym
    import nas_gym

    env = gym.make("NAS-v0", search_space="mlp", task="mnist1d", reward="score", horizon=20,
                   evaluator={"name": "train", "recipe": {"epochs": 10}, "seeds": [0]},
                   initial="smallest", observation="dict", device="auto", store="user")
    ```

    ## Version History
    * v0: initial version.

    Args:
        search_space: name, dict with ``"name"`` and options, or a `SearchSpace`; None for
            ``"mlp"``, or for the table's where the evaluator is a table.
        task: name, dict, path of a file, or a `Task`; None for ``"mnist1d"``. Of a table its label.
        reward: name, ``"module:Name"``, dict of either with options, or a function, object or class.
        horizon: steps per episode, at least 1.
        evaluator: name, dict, or an `Evaluator`.
        initial: start state.
        observation: kind of observation.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a torch device; ``"cuda"`` is every visible card.
        store: ``"user"``, ``"memory"``, a path, a ``postgresql://`` URL, or a `Store`.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        executor: where networks are trained, other than in this process: ``"ray"`` or a dict of its options
            (see `nas_gym.executors`). It changes no result.

    Raises:
        NASGymError: for an argument that does not fit, in one sentence.
    """

    # The number of the state in the edit graph of the search space; None before the first reset.
    _state: int | None = None
    _steps = 0
    _best = 0.0
    _last_action = 0

    @property
    def architecture(self) -> Architecture:
        """The current state."""
        architecture: Architecture = self.search_space.edit_graph.architecture(self._number())
        return architecture

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; ``options={"architecture": text}`` chooses its start state."""
        super().reset(seed=plain(seed))
        let_torch_stack_texts()
        options = dict(options or {})
        initial = options.pop("architecture", self.initial)
        if options:
            raise unknown("reset option", next(iter(options)), ["architecture"])
        self._state = self.search_space.edit_graph.number(self._start_state(initial, self.np_random))
        self._steps, self._best, self._last_action = 0, 0.0, 0
        return self._observer.one(self._state, self.horizon), self._info(self._state, 0, False)

    def step(self, action: SupportsIndex) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply an edit and pay for the network it makes.

        Raises:
            BudgetExhausted: if the run has a budget (`start_run`) and this step would exceed it;
                the state is then unchanged.
        """
        before, chosen = self._number(), self._check_action(action)
        after, legal = self.search_space.edit_graph.follow(before, chosen)
        done = self._steps + 1 == self.horizon
        payment = self._ledger.pay_one(self.reward, before, after, done, self.np_random)
        self._state, self._last_action = after, chosen if legal else 0
        self._steps += 1
        if payment.score > self._best:
            self._best = payment.score
        info = self._info(after, chosen, not legal, payment)
        episodic = self.reward.episodic
        observation = self._observer.one(after, self.horizon - self._steps)
        return observation, payment.reward, done and episodic, done and not episodic, info

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal: bool (n,), a fresh array; keep always is."""
        mask: np.ndarray = self.search_space.edit_graph.masks[self._number()].astype(bool)
        return mask

    def get_state(self) -> dict[str, Any]:
        """Return the state of the episode as JSON-able values; `set_state` restores it."""
        return {
            "architecture": str(self.architecture),
            "steps": self._steps,
            "best_score": self._best,
            "last_action": self._last_action,
            "np_random": self.np_random.bit_generator.state,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `get_state`, also of another process.

        Raises:
            NASGymError: if it is not such a state, or in a walk (see `walking`).
        """
        self._check_no_walk("set its state")
        if missing := set(STATE) - set(state):
            raise ConfigError(f"the state lacks {', '.join(sorted(missing))}: pass what get_state() gave")
        self._state = self.search_space.edit_graph.number(self.search_space.parse(state["architecture"]))
        self._steps = int(state["steps"])
        self._best = float(state["best_score"])
        self._last_action = int(state["last_action"])
        self.np_random.bit_generator.state = state["np_random"]

    def fork(self) -> NASEnv:
        """Return a second environment in the same state, to look ahead.

        It shares evaluator, store and ledger.
        """
        self._check_no_walk("fork the environment")
        fork = type(self)(
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

    def close(self) -> None:
        """Close the store that this environment opened, unless a fork or a copy still uses it.

        Closing twice does no harm; an environment that steps on opens it again.
        """
        self._release()

    def render(self) -> str | np.ndarray | None:
        """Return the state and the last edit.

        ``"ansi"``: in words; ``"rgb_array"``: a drawing, uint8 (height, width, 3), the edit marked, of
        one size for all architectures of the search space.
        """
        return self._frame(self.architecture, self._steps, self._last_action)

    @classmethod
    def _unknown_argument(cls, name: str) -> ConfigError:
        if name == "autoreset_mode":
            return ConfigError(
                "autoreset_mode is of vector environments: leave vectorization_mode out of gym.make_vec, or "
                "pass vector_kwargs={'autoreset_mode': ...} beside it"
            )
        if name in OF_MAKE_VEC:
            return ConfigError(f"{name} is of vector environments: use gym.make_vec, not gym.make")
        return super()._unknown_argument(name)

    def _number(self) -> int:
        """Return the number of the current state."""
        if self._state is None:
            raise gym.error.ResetNeeded("the environment has no state yet: call reset() first")
        return self._state

    def _generator(self) -> np.random.Generator:
        return self.np_random

    def _check_action(self, action: SupportsIndex) -> int:
        if self._steps >= self.horizon:
            raise gym.error.ResetNeeded(f"the episode ended after {self.horizon} steps: call reset()")
        actions = len(self.search_space.actions)
        # Most actions are plain numbers; what else the space contains it is slow to tell.
        number = int(action) if isinstance(action, WHOLE) else -1
        if 0 <= number < actions or self.action_space.contains(action):
            return int(action)
        raise ConfigError(f"action must be a whole number from 0 to {actions - 1}, not {action!r}")

    def _info(
        self, number: int, action: int, illegal: bool, payment: Payment = NOTHING_PAID
    ) -> dict[str, Any]:
        graph = self.search_space.edit_graph
        info = {
            "architecture": graph.texts[number],
            "edit": graph.words[action],
            "score": payment.score,
            "best_score": self._best,
            "illegal_action": illegal,
            "error": Text(payment.error, 1) if payment.error else NO_ERROR,
            "action_mask": graph.masks[number].copy(),
        }
        if self._ledger.ledger.draws:
            info["seed"] = payment.seed
        return info
