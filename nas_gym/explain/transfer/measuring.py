"""How well architectures found on one task do on others of the same kind of input."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, NASGymError
from nas_gym.evaluators import Evaluation, Evaluator, Request, make_evaluator
from nas_gym.explain.methods.agreement import agreement
from nas_gym.explain.methods.ranking import Interval
from nas_gym.explain.transfer.record import Retrained, TaskAgreement, Transfer
from nas_gym.explain.transfer.sample import (
    LEAST_ARCHITECTURES,
    check_tasks,
    labels_of,
    shared_architectures,
)
from nas_gym.registry import options_of
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tasks import Task
from nas_gym.training import Progress

Told = Callable[[str, float], None]
Makes = Callable[[SearchSpace[Any], Task], Evaluator]


def measure_transfer(
    search_space: str | Mapping[str, Any],
    tasks: Sequence[Task],
    *,
    evaluator: str | Mapping[str, Any] | Makes = "train",
    architectures: int = 60,
    retrainings: int = 3,
    draw: int = 0,
    device: str = "auto",
    store: Any = "user",
    progress: Told = lambda *_: None,
) -> Transfer:
    """Evaluate a sample of architectures on every task, and the best network of each on all the others.

    Everything goes through the store, so that a measurement that was broken off goes on where it was.

    Args:
        search_space: name of a space, or a dict with its options; it is built anew for each task.
        tasks: at least two, of one kind of input.
        evaluator: see `make_evaluator`, or what makes one of a space and a task. With two seeds and more
            the agreement of a task with itself is known; by default they are 0 and 1.
        architectures: how many, drawn uniformly from those that fit every task; all if there are fewer.
        retrainings: training seeds of a task's best network, none of which the sample used; 0 to rank the
            sample alone.
        draw: seed of the draw.
        device: where networks are trained.
        store: where results are kept.
        progress: told what is under way and the share of it that is done.

    Raises:
        NASGymError: if the tasks are too few or of different inputs, or the space does not fit one of them.
    """
    if whole(architectures) is None or architectures < LEAST_ARCHITECTURES:
        raise ConfigError(
            f"architectures must be a whole number of at least {LEAST_ARCHITECTURES}, not {architectures!r}"
        )
    if whole(retrainings) is None or retrainings < 0 or retrainings == 1:
        raise ConfigError(
            f"retrainings must be a whole number of at least 2, or 0 for none, not {retrainings!r}"
        )
    check_tasks(tasks)
    labels = labels_of(tasks)
    spaces = [_space_for(search_space, task) for task in tasks]
    make = evaluator if callable(evaluator) else _making(evaluator, device, store)
    evaluators = dict(zip(labels, (make(*pair) for pair in zip(spaces, tasks, strict=True)), strict=True))
    texts = shared_architectures(spaces, architectures, draw)
    evaluated = {label: _evaluated(label, each, texts, progress) for label, each in evaluators.items()}
    scores = {
        label: np.array([[-np.inf if one.failed else one.score for one in row] for row in rows])
        for label, rows in evaluated.items()
    }
    return Transfer(
        search_space=spaces[0].config(),
        tasks=labels,
        metrics={label: each.task.target.metric.label for label, each in evaluators.items()},
        architectures=tuple(texts),
        size=spaces[0].size,
        seeds=next(iter(evaluators.values())).seeds,
        scores=scores,
        agreements=_agreements(scores, draw),
        retrained=_retrained(evaluators, texts, scores, retrainings, progress) if retrainings else (),
        seconds={
            label: float(np.mean([one.seconds for row in rows for one in row]))
            for label, rows in evaluated.items()
        },
    )


def _space_for(spec: str | Mapping[str, Any], task: Task) -> SearchSpace[Any]:
    try:
        return make_search_space(spec, task.input_shape, task.outputs, task.facts)
    except NASGymError as error:
        raise ConfigError(f"for the task {task.name!r}, {error}") from error


def _making(spec: str | Mapping[str, Any], device: str, store: Any) -> Makes:
    options = options_of("evaluator", spec)
    if options.get("name") == "table":
        raise ConfigError(
            "a table answers for one task alone, and transfer is between several: pass the evaluator train"
        )
    options.setdefault("seeds", [0, 1])

    def make(space: SearchSpace[Any], task: Task) -> Evaluator:
        return make_evaluator(options, space, task, device=device, store=store)

    return make


def _evaluated(
    label: str, evaluator: Evaluator, texts: Sequence[str], progress: Told
) -> list[list[Evaluation]]:
    """Return the evaluation of each architecture with each seed."""
    if evaluator.trains:
        evaluator.progress = lambda at: progress(label, at.share)
    space, seeds = evaluator.search_space, evaluator.seeds
    parsed: list[Architecture] = [space.parse(text) for text in texts]
    found = evaluator.evaluate([Request(architecture, seed) for architecture in parsed for seed in seeds])
    return [found[start : start + len(seeds)] for start in range(0, len(found), len(seeds))]


def _agreements(scores: Mapping[str, np.ndarray], draw: int) -> tuple[TaskAgreement, ...]:
    labels = list(scores)
    return tuple(
        TaskAgreement(one, other, *agreement(scores[one], scores[other], same=one == other, seed=draw))
        for place, one in enumerate(labels)
        for other in labels[place:]
    )


def _retrained(
    evaluators: Mapping[str, Evaluator],
    texts: Sequence[str],
    scores: Mapping[str, np.ndarray],
    count: int,
    progress: Told,
) -> tuple[Retrained, ...]:
    """Return the best network of each task, by its mean validation score, on every task."""
    best = {label: int(found.mean(axis=1).argmax()) for label, found in scores.items()}
    tested: dict[tuple[str, int], np.ndarray] = {}
    everything = [(label, number) for label in evaluators for number in dict.fromkeys(best.values())]
    for done, (label, number) in enumerate(everything):
        evaluator = evaluators[label]
        if evaluator.trains:
            evaluator.progress = _later(progress, done, len(everything))
        architecture = evaluator.search_space.parse(texts[number])
        final = evaluator.test(architecture, evaluator.final_seeds(0, count))
        tested[label, number] = np.array([each.test_score for each in final])
    found = []
    for target, own in best.items():
        means = scores[target].mean(axis=1)
        for source, number in best.items():
            reached = tested[target, number]
            found.append(
                Retrained(
                    found_on=source,
                    trained_on=target,
                    architecture=texts[number],
                    scores=tuple(reached.tolist()),
                    regret=_regret(tested[target, own], reached, same=number == own),
                    place=float((means >= means[number]).mean()),
                )
            )
    return tuple(found)


def _later(progress: Told, done: int, count: int) -> Callable[[Progress], None]:
    """Return what tells the progress of one of `count` trainings of best networks, after those done."""
    return lambda at: progress("best networks again", (done + at.share) / count)


def _regret(best: np.ndarray, reached: np.ndarray, *, same: bool) -> Interval:
    """Return the mean of paired differences with Student's interval over training seeds."""
    if same:
        return Interval(0.0, 0.0, 0.0)
    differences = best - reached
    mean = float(differences.mean())
    if (differences == differences[0]).all():  # too much alike to say how far others may lie
        return Interval(mean, math.nan, math.nan)
    half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / math.sqrt(len(differences))
    return Interval(mean, mean - float(half), mean + float(half))
