"""What searches on shared weights have in common: the data, the cost, and a choice that is trained alone."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_agents.agent import Agent, SearchOver, Session
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    from nas_gym.training import Recipe, TrainingData

COUNTED = 100
"""Architectures whose mean arithmetic is that of a training, as of the evaluator ``"supernet"``."""


@dataclass(kw_only=True)
class OneShot(Agent):
    """A search on shared weights, within the arithmetic of the trainings that the budget pays for.

    A budget of N evaluations pays for the floating-point operations of N full trainings of networks of the
    space, by the recipe of the environment. What is chosen is trained alone, one evaluation each, like the
    choice of any other agent; the shared weights are trained for the rest.
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
        shown = {f"one_shot/{name}": value for name, value in values.items() if math.isfinite(value)}
        self.session.trace.scalars(shown, epoch)

    def pay(self, flops: float) -> None:
        """Charge the run for what the search has cost so far, up to its limit.

        A last step may go beyond the limit, by less than a training step of all candidates.
        """
        spent, now = min(flops, self.limit), time.perf_counter()
        share = (spent - self._paid) / self.training
        self.session.unwrapped.ledger.advance(share, now - self._since)
        self._paid, self._since = spent, now
