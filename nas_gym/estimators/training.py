"""One task from its plan to a network to use: search, finalists, refit, an honest score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.deploy import REFITTED, SavedNetwork, averaged, load_network, save_network
from nas_gym.errors import ConfigError
from nas_gym.estimators.comparison import Search
from nas_gym.estimators.plan import PERCEPTRON, Plan
from nas_gym.estimators.searches import searches_of
from nas_gym.evaluators import FinalEstimate, score_interval
from nas_gym.explain import last_rise
from nas_gym.networks import NetworkModule, ensemble_module
from nas_gym.search_spaces import Architecture
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from nas_agents import Progress

CLOSE = 0.08
"""Score that the best convolutions may lack where perceptrons were chosen and an ensemble has both.

Perceptrons err alike, convolutions do not: on the signals of `benchmarks/quality/data_sets`, by validation
examples of split 0, convolutions among perceptrons helped while they lacked less than this, and perceptrons
among better convolutions hurt."""


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
        reasons: what was found out on the way, a sentence each.
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
    reasons: tuple[str, ...] = ()


def fit_task(
    task: Mapping[str, Any] | Task,
    plan: Plan,
    folder: Path,
    *,
    seed: int = 0,
    store: Any = "user",
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
        on_progress: see `nas_agents.run`.
        trace: whether all is recorded that an explanation of the run needs.

    Raises:
        NASGymError: for data that does not fit, or if every network failed to train.
    """
    from nas_agents import make_env

    searches = searches_of(task, plan, folder, seed=seed, store=store, on_progress=on_progress, trace=trace)
    result = searches[0].result
    members = _members(searches, plan.ensemble)
    with ExitStack() as stack:
        envs: list[Any] = [
            stack.enter_context(closing(make_env("NAS-v0", one.options))).unwrapped
            for one in (searches if plan.ensemble > 1 else searches[:1])
        ]
        data, kept = envs[0].task, _trained(envs, members)
        module = ensemble_module([module for *_, module in kept], averaged(data.target))
        about: dict[str, Any] = {
            "seed": members[0].seed,
            "evaluator": _evaluators([env for env, *_ in kept]),
            "trained_on": "all but the test examples",
        }
        score, metrics = _measured(data, module)
        interval = (
            score_interval([score], len(data.y_test))[1:] if data.target.metric.share_of_examples else None
        )
        about |= {
            "metric": data.target.metric.name,
            "test_score": score,
            "on_new_examples": None
            if interval is None
            else _estimate(score, interval, data, members[0].seed),
        }
        spaces, architectures = [env.search_space for env, *_ in kept], [each for _, each, _ in kept]
        several = (spaces, architectures) if len(kept) > 1 else (spaces[0], architectures[0])
        save_network(folder / REFITTED, several[0], data, several[1], module, about)
    return Fitted(
        load_network(folder / REFITTED),
        folder / REFITTED,
        folder,
        result,
        data,
        score,
        interval,
        metrics,
        _constant(data),
        (*([result["kinds"]["words"]] if "kinds" in result else []), *_rising(envs[0], result)),
    )


def _estimate(score: float, interval: tuple[float, float], data: Task, seed: int) -> dict[str, Any]:
    """Return the score with its interval as the network that a search keeps has it, JSON-able."""
    return asdict(FinalEstimate(score, *interval, len(data.y_test), (seed,))) | {"seeds": [seed]}


def _rising(env: Any, result: Mapping[str, Any]) -> list[str]:
    """Return what is to be said where the found network was trained too shortly."""
    rise = last_rise(result, result["architecture"])
    if rise is None:
        return []
    epochs = env.evaluator.config()["recipe"]["epochs"]
    return [
        f"the learning curve of the found network still rose by {100 * rise:.1f} points in the last fifth of "
        f"its {epochs} epochs: training longer may help, in Python by recipe={{'epochs': {2 * epochs}}}"
    ]


@dataclass(frozen=True)
class Member:
    """A network to use.

    Attributes:
        search: number of the search that found it.
        architecture: its text.
        seed: training seed.
    """

    search: int
    architecture: str
    seed: int


def _members(searches: Sequence[Search], count: int) -> list[Member]:
    """Return the networks to use, the best first, with a training seed for each.

    Of fewer different ones than are asked for each is trained several times. Where perceptrons were chosen
    and convolutions are about as good, the best of both come in turn. Where none could be trained it is the
    one that the search names.
    """
    result = searches[0].result
    seed = result["final"][0]["seed"]
    close = (0, 1) if _are_close(searches) else (0,)
    rankings = [[(number, text) for text in _ranking(searches[number])] for number in close]
    turns = zip_longest(*rankings)
    best: list[tuple[int, str]] = [one for turn in turns for one in turn if one is not None][:count]
    if count == 1 or not best:
        return [Member(0, result["architecture"], seed)]
    chosen = [best[number % len(best)] for number in range(count)]
    return [Member(found_by, text, seed + number) for number, (found_by, text) in enumerate(chosen)]


def _are_close(searches: Sequence[Search]) -> bool:
    """Return whether perceptrons were chosen and convolutions are about as good."""
    levels = [one.level for one in searches if one.level is not None]
    return searches[0].plan.kind == PERCEPTRON and len(levels) == 2 and levels[1] >= levels[0] - CLOSE


def _ranking(search: Search) -> list[str]:
    """Return the networks of a search, the best first; of one of several all, the finalists before others."""
    result = search.result
    again = result.get("finalists", ())
    scored = [one for one in result["evaluations"] if not one["error"] and not one["fidelity"]]
    groups = [again or scored] if search.level is None else [again, scored]
    ranked = [one for group in groups for one in sorted(group, key=lambda one: -one["score"])]
    return list(dict.fromkeys(one["architecture"] for one in ranked))


def _trained(envs: Sequence[Any], members: Sequence[Member]) -> list[tuple[Any, Architecture, NetworkModule]]:
    """Return networks trained on all but the test examples, with their environments.

    Of several they are those whose training did not fail.
    """
    made: dict[int, Any] = {}
    for number, env in enumerate(envs):
        places = [place for place, one in enumerate(members) if one.search == number]
        if not places:
            continue
        asked = [(env.search_space.parse(members[at].architecture), members[at].seed) for at in places]
        if len(members) == 1:
            return [(env, asked[0][0], env.evaluator.refit(*asked[0]))]
        trained = env.evaluator.refit_all(asked)
        made |= {at: (env, *one) for at, one in zip(places, trained, strict=True)}
    kept = [made[at] for at in sorted(made) if not isinstance(made[at][-1], str)]
    if not kept:
        raise ConfigError(
            f"training the {len(made)} best networks on all but the test examples failed ({made[0][-1]}): "
            "lower the learning_rate of the recipe"
        )
    return kept


def _evaluators(envs: Sequence[Any]) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the config of the evaluator that trained all networks, or of several one for each network."""
    configs = [env.evaluator.config() for env in envs]
    return configs if any(env is not envs[0] for env in envs) else configs[0]


def _measured(task: Task, module: Any) -> tuple[float, dict[str, float]]:
    import torch

    with torch.no_grad():
        outputs = module.cpu()(torch.as_tensor(np.array(task.x_test)))
    return task.target.measure(outputs.numpy(), task.y_test)


def _constant(task: Task) -> float:
    """Return the test score of the answer that is best for all known examples."""
    _, answer = task.target.best_constant(task.known[1])
    return task.target.measure(np.tile(answer, (len(task.y_test), 1)), task.y_test)[0]
