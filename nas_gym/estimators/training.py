"""One task from its plan to a network to use: search, finalists, refit, an honest score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.deploy import SavedNetwork, averaged, load_network, save_network
from nas_gym.errors import ConfigError
from nas_gym.estimators.plan import Plan
from nas_gym.evaluators import score_interval
from nas_gym.networks import NetworkModule, ensemble_module
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from nas_agents import Progress

NETWORK = "network.pt"


@dataclass(frozen=True)
class Fitted:
    """A network to use, and how good it is.

    Attributes:
        network: trained on all but the test examples, ready to predict.
        file: where it is saved.
        folder: of the run, with its trace.
        result: what the search gave, see `nas_agents.run`.
        task: the data.
        test_score: score on the test examples, which nothing was chosen by and nothing learned from.
        interval: its 95% interval for new examples, of a score that is a share of examples; else None.
        metrics: other metrics on the test examples, in the units of the data.
        constant_score: test score of the best constant answer.
    """

    network: SavedNetwork
    file: Path
    folder: Path
    result: Mapping[str, Any]
    task: Task
    test_score: float
    interval: tuple[float, float] | None
    metrics: Mapping[str, float]
    constant_score: float


def fit_task(
    task: Mapping[str, Any] | Task,
    plan: Plan,
    folder: Path,
    *,
    seed: int = 0,
    store: Any = "user",
    budget: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    trace: bool = True,
) -> Fitted:
    """Search a task as planned, choose among the best networks, and train the choice for use.

    Args:
        task: spec of the data with the plan's folds, or the task itself.
        plan: how to search.
        folder: folder of the run, as of `nas_agents.RunSpec`.
        seed: seed of the agent.
        store: place where trainings are kept, as of `gym.make("NAS-v0", store=...)`.
        budget: evaluations at most, beside the plan's minutes; None for no such limit.
        on_progress: see `nas_agents.run`.
        trace: whether all is recorded that an explanation of the run needs.

    Raises:
        NASGymError: for data that does not fit, or if every network failed to train.
    """
    from nas_agents import NoEvaluationError, RunSpec, make_env, run

    evaluator_options: dict[str, Any] = {"name": "train", "recipe": dict(plan.recipe)}
    if plan.seeds is not None:
        evaluator_options["seeds"] = list(plan.seeds)
    options = {
        "task": task,
        "search_space": dict(plan.search_space),
        "evaluator": evaluator_options,
        "store": store,
    }
    limits: dict[str, float] = {"minutes": plan.minutes}
    spec = RunSpec(
        plan.agent,
        limits if budget is None else limits | {"evaluations": budget},
        str(folder),
        seed,
        env=options,
        finalists=plan.finalists,
        margin=plan.margin,
        trace=trace,
        finalist_seconds=plan.finalist_seconds if budget is None else None,
    )
    try:
        result = run(spec, on_progress, keep_network=trace)
    except NoEvaluationError:  # in so little time one network is better than none
        result = run(replace(spec, budget={"evaluations": 1}), on_progress, keep_network=trace)
    with closing(make_env("NAS-v0", options)) as env:
        unwrapped: Any = env.unwrapped
        space, evaluator, data = unwrapped.search_space, unwrapped.evaluator, unwrapped.task
        members = _members(result, plan.ensemble)
        kept = _trained(evaluator, [(space.parse(text), seed) for text, seed in members])
        architectures = [architecture for architecture, _ in kept]
        module = ensemble_module([module for _, module in kept], averaged(data.target))
        about = {
            "seed": members[0][1],
            "evaluator": evaluator.config(),
            "trained_on": "all but the test examples",
        }
        score, metrics = _measured(data, module)
        about |= {"metric": data.target.metric.name, "test_score": score}
        several = architectures if len(architectures) > 1 else architectures[0]
        save_network(folder / NETWORK, space, data, several, module, about)
    interval = score_interval([score], len(data.y_test))[1:] if data.target.metric.share_of_examples else None
    return Fitted(
        load_network(folder / NETWORK),
        folder / NETWORK,
        folder,
        result,
        data,
        score,
        interval,
        metrics,
        _constant(data),
    )


def _members(result: Mapping[str, Any], count: int) -> list[tuple[str, int]]:
    """Return the architectures of the networks to use, the best first, and a training seed for each.

    Of fewer different ones than are asked for each is trained several times.
    """
    seed = result["final"][0]["seed"]
    if count == 1:
        return [(result["architecture"], seed)]
    again = result.get("finalists")
    scored = [
        one for one in again or result["evaluations"] if again or (not one["error"] and not one["fidelity"])
    ]
    ranked = [one["architecture"] for one in sorted(scored, key=lambda one: -one["score"])]
    best = list(dict.fromkeys(ranked))[:count]
    return [(best[number % len(best)], seed + number) for number in range(count)]


def _trained(evaluator: Any, members: list[tuple[Any, int]]) -> list[tuple[Any, NetworkModule]]:
    """Return networks trained on all but the test examples; of several, those whose training did not fail."""
    if len(members) == 1:
        return [(members[0][0], evaluator.refit(*members[0]))]
    made = evaluator.refit_all(members)
    kept = [(architecture, module) for architecture, module in made if not isinstance(module, str)]
    if not kept:
        raise ConfigError(
            f"training the {len(made)} best networks on all but the test examples failed ({made[0][1]}): "
            "lower the learning_rate of the recipe"
        )
    return kept


def _measured(task: Task, module: Any) -> tuple[float, dict[str, float]]:
    import torch

    with torch.no_grad():
        outputs = module.cpu()(torch.as_tensor(np.array(task.x_test)))
    return task.target.measure(outputs.numpy(), task.y_test)


def _constant(task: Task) -> float:
    """Return the test score of the answer that is best for all known examples."""
    _, answer = task.target.best_constant(task.known[1])
    return task.target.measure(np.tile(answer, (len(task.y_test), 1)), task.y_test)[0]
