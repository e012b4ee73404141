"""What searches on shared weights have in common: the data, the cost, and a choice that is trained alone."""

from __future__ import annotations

import json
import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_agents.agent import Agent, SearchOver, Session
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    from nas_gym.training import Recipe, TrainingData

KEPT_EVERY = 20.0  # seconds
STATE = ("search", "rng", "told", "paid")
COUNTED = 100
"""Architectures whose mean arithmetic is that of a training, as of the evaluator ``"supernet"``."""


@dataclass(kw_only=True)
class OneShot(Agent):
    """A search on shared weights, within the arithmetic of the trainings that the budget pays for.

    A budget of N evaluations pays for the floating-point operations of N full trainings of networks of the
    space, by the recipe of the environment. What is chosen is trained alone, one evaluation each, like the
    choice of any other agent; the shared weights are trained for the rest. Where the run is traced,
    its state is kept in the run folder now and then, and a search that was interrupted goes on from there.
    """

    access = "gradient"
    under_objectives = "refused"

    def run(self, session: Session) -> None:
        from nas_gym.training import apart

        shared = SharedSearch(session, self.chosen)
        # In a thread of the engine's own, so that nothing that the process has set changes a number.
        session.ask(apart(self.choices)(shared))
        if not shared.stopped:
            raise SearchOver("budget")

    @property
    def chosen(self) -> int:
        """The number of architectures that are trained alone at the end."""
        return 1

    @abstractmethod
    def choices(self, shared: SharedSearch) -> Sequence[Architecture]:
        """Search until the cost is spent, and return what to train alone, best first."""


class SharedSearch:
    """The data of a search on shared weights, how networks are trained, and what it may cost.

    Args:
        session: the search.
        alone: evaluations that are left for what is chosen.

    Attributes:
        session: as passed in.
        space: the search space.
        data: the training part and the validation part, on the device.
        recipe: how a network is trained alone.
        outputs: numbers that a network gives for one example.
        seed: seed of the search.
        rng: generator of all draws.
        training: floating-point operations of a training.
        limit: floating-point operations of the search.
        stopped: whether the agent ended the search before they were spent.

    Raises:
        NASGymError: if the budget is no number of evaluations or pays for nothing but the choice, or if the
            task has no examples or has folds, or the reward looks at more than scores.
    """

    def __init__(self, session: Session, alone: int) -> None:
        from nas_gym.training import PASSES, recipe_for, resolve_device, training_data

        env = session.unwrapped
        limits = env.ledger.limits
        if limits.evaluations is None or limits.seconds is not None or limits.minutes is not None:
            raise ConfigError(
                "a search on shared weights spends the arithmetic of so many trainings: "
                "pass a budget in evaluations alone"
            )
        if limits.evaluations <= alone:
            raise ConfigError(
                f"a budget of {limits.evaluations} leaves nothing to train shared weights for, after the "
                f"{alone} that are trained alone: raise the budget"
            )
        task = env.task
        if not len(task.y_train):
            raise ConfigError(
                "shared weights are trained on the examples of the task, and this environment looks networks "
                "up in a table without them: search NAS-v0 with the task"
            )
        if env.evaluator.cheap:
            raise ConfigError(
                "a search on shared weights trains weights of its own, and its choice alone, and this "
                f"environment scores networks by {env.evaluator.config()['name']!r}: search with the "
                "evaluator 'train'"
            )
        if env.objectives is not None or env.reward.sees != "scores":
            raise ConfigError(
                "a search on shared weights knows the score of networks alone, and the reward looks at more: "
                "search with another agent, or for the reward 'score'"
            )
        if task.folds:
            raise ConfigError("shared weights are trained on a single split: leave folds out of the task")
        self.session, self.rng, self.seed = session, session.rng, session.seed
        self.space: SearchSpace[Any] = env.search_space
        self.outputs: int = task.outputs
        self.recipe = self._recipe(env.evaluator.config().get("recipe"), recipe_for, len(task.y_train))
        parts = (task.x_train, task.y_train, task.x_validation, task.y_validation)
        self.data: TrainingData = training_data(resolve_device(env.device), *parts, loss=task.target.loss)[0]
        rng = np.random.default_rng(0)
        drawn = [self.space.network(self.space.sample(rng)).flops for _ in range(COUNTED)]
        self.examples = len(task.y_train)
        self.pass_of_mean = float(np.mean(drawn))
        self.training = self.recipe.epochs * self.examples * PASSES * self.pass_of_mean
        self.limit = (limits.evaluations - alone) * self.training
        self.stopped = False
        self._paid, self._since = 0.0, time.perf_counter()
        self._told: list[dict[str, Any]] = []
        self._kept_at = time.monotonic()

    @staticmethod
    def _recipe(options: Any, recipe_for: Any, examples: int) -> Recipe:
        recipe: Recipe = recipe_for(options or {}, examples)
        return recipe

    def check_epoch(self, flops: float) -> None:
        """Check that the cost is at least that of an epoch.

        Raises:
            NASGymError: if it is not.
        """
        if self.limit < flops:
            raise ConfigError(
                f"one epoch of the shared weights costs as much as {flops / self.training:.2g} trainings, "
                f"and the budget leaves {self.limit / self.training:.2g} for them: raise the budget"
            )

    def show(self, values: Mapping[str, float], epoch: int) -> None:
        """Show in TensorBoard what is known of an epoch, by name; what is not finite is left out."""
        shown = {f"one_shot/{name}": float(value) for name, value in values.items() if math.isfinite(value)}
        self._tell({"scalars": shown, "epoch": epoch})

    def read(self, values: Mapping[str, Any], scalars: Mapping[str, float], epoch: int) -> None:
        """Record a reading of the search, and show its scalars, by tag."""
        self._tell({"reading": dict(values), "scalars": dict(scalars), "epoch": epoch})

    def pay(self, flops: float) -> None:
        """Charge the run for what the search has cost so far, up to its limit.

        A last step may go beyond the limit, by less than a training step of all candidates.
        """
        spent, now = min(flops, self.limit), time.perf_counter()
        self._tell({"share": (spent - self._paid) / self.training, "seconds": now - self._since})
        self._paid, self._since = spent, now

    def keep(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Keep the state of the search in the run folder, if the last time is a while ago.

        Args:
            state: returns it, without what is known here: the draws, the cost, and what was shown.
        """
        if time.monotonic() - self._kept_at < KEPT_EVERY:
            return
        rng, told = json.dumps(self.rng.bit_generator.state), json.dumps(self._told)
        self.session.trace.keep_state({"search": state(), "rng": rng, "told": told, "paid": self._paid})
        self._kept_at = time.monotonic()

    def kept(self) -> Mapping[str, Any] | None:
        """Return the state that an interrupted search kept, and go on from it; None where there is none.

        What it had shown and paid is shown and paid again.
        """
        state = self.session.trace.kept_state(STATE)
        if state is None:
            return None
        for event in json.loads(state["told"]):
            self._tell(event)
        self.rng.bit_generator.state = json.loads(state["rng"])
        self._paid, self._since = state["paid"], time.perf_counter()
        found: Mapping[str, Any] = state["search"]
        return found

    def _tell(self, event: dict[str, Any]) -> None:
        self._told.append(event)
        if "share" in event:
            self.session.unwrapped.ledger.advance(event["share"], event["seconds"])
        elif "reading" in event:
            self.session.trace.reading(event["reading"], event["scalars"], event["epoch"])
        else:
            self.session.trace.scalars(event["scalars"], event["epoch"])
