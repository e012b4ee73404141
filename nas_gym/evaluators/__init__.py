"""Evaluators: from requests to evaluations; adding one is adding a file and a line to `EVALUATORS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.evaluator import Evaluator
from nas_gym.registry import build, lookup, options_of
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.task import Task

if TYPE_CHECKING:
    from nas_gym.evaluators.store import Store

# Strings, since importing torch takes seconds.
EVALUATORS = {"train": "nas_gym.evaluators.train:TrainEvaluator"}

__all__ = ["EVALUATORS", "Evaluation", "Evaluator", "FinalScore", "Request", "make_evaluator"]


def make_evaluator(
    spec: str | Mapping[str, Any] | Evaluator,
    search_space: SearchSpace[Any],
    task: Task,
    *,
    device: str = "auto",
    store: str | Store = "user",
) -> Evaluator:
    """Build an evaluator from its name or a dict; an evaluator stays as it is.

    The store goes in front of one that says by ``key(request)`` what a result depends on; of
    others nothing can be stored.

    Raises:
        NASGymError: if the name or an option is unknown or does not fit.
    """
    if isinstance(spec, Evaluator):
        return spec
    from nas_gym.evaluators.store import make_store
    from nas_gym.evaluators.stored import Keyed, StoredEvaluator

    options = options_of("evaluator", spec)
    name = options.pop("name", None)
    factory = lookup("evaluator", name, EVALUATORS)
    built: Evaluator = build(factory, "evaluator", options, search_space, task, device)
    return StoredEvaluator(built, make_store(store)) if isinstance(built, Keyed) else built
