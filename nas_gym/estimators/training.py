"""One task from its plan to a network to use: search, finalists, refit, an honest score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.deploy import SavedNetwork, load_network, save_network
from nas_gym.estimators.plan import Plan
from nas_gym.evaluators import score_interval
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

    Raises:
        NASGymError: for data that does not fit, or if every network failed to train.
    """
    from nas_agents import RunSpec, make_env, run

    options = {"task": task, "search_space": dict(plan.search_space), "store": store}
    limits: dict[str, float] = {"minutes": plan.minutes}
    spec = RunSpec(
        plan.agent,
        limits if budget is None else limits | {"evaluations": budget},
        str(folder),
        seed,
        env=options,
        finalists=plan.finalists,
        margin=plan.margin,
    )
    result = run(spec, on_progress, keep_network=True)
    with closing(make_env("NAS-v0", options)) as env:
        unwrapped: Any = env.unwrapped
        space, evaluator, data = unwrapped.search_space, unwrapped.evaluator, unwrapped.task
        architecture = space.parse(result["architecture"])
        trained_seed = result["final"][0]["seed"]
        module = evaluator.refit(architecture, trained_seed)
        about = {
            "seed": trained_seed,
            "evaluator": evaluator.config(),
            "trained_on": "all but the test examples",
        }
        score, metrics = _measured(data, module)
        about |= {"metric": data.target.metric.name, "test_score": score}
        save_network(folder / NETWORK, space, data, architecture, module, about)
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


def _measured(task: Task, module: Any) -> tuple[float, dict[str, float]]:
    import torch

    with torch.no_grad():
        outputs = module.cpu()(torch.as_tensor(np.array(task.x_test)))
    return task.target.measure(outputs.numpy(), task.y_test)


def _constant(task: Task) -> float:
    """Return the test score of the answer that is best for all known examples."""
    _, answer = task.target.best_constant(task.known[1])
    return task.target.measure(np.tile(answer, (len(task.y_test), 1)), task.y_test)[0]
