"""How well architectures found on one task do on others of the same kind of input."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, NASGymError
from nas_gym.evaluators import Evaluation, Evaluator, Request, make_evaluator
from nas_gym.explain.methods.ranking import Interval, spearman, tau_b
from nas_gym.registry import options_of
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tasks import Task
from nas_gym.training import Progress

LEAST_ARCHITECTURES = 10
TRIES = 50
"""Draws for each architecture that is needed, of which some fit no other task."""
RESAMPLES = 200
Told = Callable[[str, float], None]
Makes = Callable[[SearchSpace[Any], Task], Evaluator]


@dataclass(frozen=True)
class TaskAgreement:
    """How alike two tasks rank the architectures; of a task and itself, how alike two trainings do.

    Attributes:
        one, other: labels of the tasks, equal for a task and itself.
        tau: Kendall's tau-b of single trainings, with an interval over architectures.
        rho: Spearman's correlation of the same.
    """

    one: str
    other: str
    tau: Interval
    rho: Interval


@dataclass(frozen=True)
class Retrained:
    """The best network of one task, trained again on another, or on the same one.

    Attributes:
        found_on: label of the task that chose it.
        trained_on: label of the task that it is trained on.
        architecture: its text.
        scores: test score of each training seed, 0.0 where training failed.
        regret: how far its mean is below that of the task's own best network, with Student's interval over
            training seeds, which are the same for both; exactly 0 for that network itself, and without ends
            where all differences are equal.
        place: the share of the sample that is at least as good on this task, by validation scores.
    """

    found_on: str
    trained_on: str
    architecture: str
    scores: tuple[float, ...]
    regret: Interval
    place: float

    @property
    def score(self) -> float:
        """The mean test score."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Transfer:
    """How architectures carry over between tasks.

    Attributes:
        search_space: what describes the space.
        tasks: labels of the tasks.
        metrics: what each task is scored by, in words.
        architectures: texts of the sample.
        size: architectures of the space of the first task.
        seeds: training seeds of the sample.
        scores: validation scores of the sample by task, (architectures, seeds); minus infinity where
            training failed.
        agreements: of every task with itself and every later one.
        retrained: the best network of every task on every task; () where none was trained again.
        seconds: recorded seconds of a training, on average, by task.
    """

    search_space: Mapping[str, Any]
    tasks: tuple[str, ...]
    metrics: Mapping[str, str]
    architectures: tuple[str, ...]
    size: int
    seeds: tuple[int, ...]
    scores: Mapping[str, np.ndarray] = field(repr=False)
    agreements: tuple[TaskAgreement, ...]
    retrained: tuple[Retrained, ...]
    seconds: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict, with None where there is no number."""
        return {
            "search_space": dict(self.search_space),
            "size": self.size,
            "tasks": list(self.tasks),
            "metrics": dict(self.metrics),
            "seeds": list(self.seeds),
            "seconds": dict(self.seconds),
            "agreements": [
                {"one": each.one, "other": each.other, "tau": _ends(each.tau), "rho": _ends(each.rho)}
                for each in self.agreements
            ],
            "retrained": [
                {
                    "found_on": each.found_on,
                    "trained_on": each.trained_on,
                    "architecture": each.architecture,
                    "score": each.score,
                    "scores": list(each.scores),
                    "regret": _ends(each.regret),
                    "place": each.place,
                }
                for each in self.retrained
            ],
            "architectures": list(self.architectures),
            "scores": {
                task: [[_number(score) for score in row] for row in scores.tolist()]
                for task, scores in self.scores.items()
            },
        }


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
    _check_tasks(tasks)
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


def labels_of(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Return a name for each task, with the options in which those of one name differ."""
    seen, labels = Counter[str](), []
    for task in tasks:
        alike = [other.spec for other in tasks if other.name == task.name]
        options = ", ".join(
            f"{name} {value}"
            for name, value in task.spec.items()
            if any(spec.get(name) != value for spec in alike)
        )
        label = f"{task.name} ({options})" if options else task.name
        seen[label] += 1
        labels.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return tuple(labels)


def shared_architectures(spaces: Sequence[SearchSpace[Any]], count: int, draw: int) -> list[str]:
    """Return architectures that every one of the spaces has, drawn uniformly without replacement.

    Args:
        spaces: the same space, built for several tasks.
        count: how many; all of them where there are no more.
        draw: seed of the draw.

    Raises:
        NASGymError: if there are hardly any.
    """
    smallest = min(spaces, key=lambda space: space.size)
    others = [space for space in spaces if space is not smallest]
    if smallest.size <= count:
        found = [text for text in map(str, smallest) if _fits(text, others)]
    else:
        rng, drawn = np.random.default_rng(draw), dict[str, bool]()
        for _ in range(TRIES * count):
            text = str(smallest.sample(rng))
            if text not in drawn:
                drawn[text] = _fits(text, others)
            if sum(drawn.values()) == count:
                break
        found = [text for text, fits in drawn.items() if fits]
    if len(found) < min(LEAST_ARCHITECTURES, smallest.size):
        raise ConfigError(
            f"the {smallest.name} spaces of these tasks have hardly any architecture in common, {len(found)} "
            f"of those drawn: choose another space, or tasks of more alike inputs than "
            f"{' and '.join(str(space.input_shape) for space in spaces)}"
        )
    return found


def _fits(text: str, spaces: Sequence[SearchSpace[Any]]) -> bool:
    try:
        return all(str(space.parse(text)) == text for space in spaces)
    except NASGymError:
        return False


def _check_tasks(tasks: Sequence[Task]) -> None:
    if len(tasks) < 2:
        raise ConfigError(
            f"transfer is measured between at least two tasks, not {len(tasks)}: pass --task twice or more"
        )
    first = tasks[0]
    for task in tasks[1:]:
        if task.inputs != first.inputs:
            raise ConfigError(
                f"transfer is measured between tasks of one kind of input, and {first.name!r} has "
                f"{first.inputs} where {task.name!r} has {task.inputs}: leave one of them out"
            )
    seen: dict[str, str] = {}
    for task in tasks:
        if task.fingerprint in seen:
            raise ConfigError(f"the task {task.name!r} is given twice: pass different tasks")
        seen[task.fingerprint] = task.name


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


def agreement(
    one: np.ndarray, other: np.ndarray, *, same: bool, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, Interval]:
    """Return tau-b and Spearman's correlation of single trainings on two tasks, or two on the same one.

    Both are means over the pairs of different training seeds, so that two trainings of one task, which
    differ by noise alone, can be set beside them. With one seed, two tasks are compared by it, and for the
    same task there is nothing to compare. The interval is a percentile bootstrap over architectures.

    Args:
        one: (architectures, seeds).
        other: the same, on the other task.
        same: whether both are of the same task.
        resamples: bootstrap samples.
        seed: seed of them.
    """
    seeds = one.shape[1]
    pairs = [(a, b) for a in range(seeds) for b in range(seeds) if a != b and not (same and a > b)]
    if not pairs and not same:
        pairs = [(0, 0)]
    if not pairs:
        unknown = Interval(math.nan, math.nan, math.nan)
        return unknown, unknown

    def measured(rows: np.ndarray) -> tuple[float, float]:
        columns = [(one[rows, a], other[rows, b]) for a, b in pairs]
        taus, rhos = ([measure(*each) for each in columns] for measure in (tau_b, spearman))
        return float(np.mean(taus)), float(np.mean(rhos))

    rng, count = np.random.default_rng(seed), len(one)
    found = measured(np.arange(count))
    drawn = np.array([measured(rng.integers(count, size=count)) for _ in range(resamples)])
    tau, rho = (_interval(value, column) for value, column in zip(found, drawn.T, strict=True))
    return tau, rho


def _interval(value: float, drawn: np.ndarray) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not len(known):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(value, float(low), float(high))


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


def _ends(interval: Interval) -> dict[str, float | None]:
    return {name: _number(getattr(interval, name)) for name in ("value", "low", "high")}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
