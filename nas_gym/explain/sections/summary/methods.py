"""The found network beside simple methods on the test examples: how much better, how large, how fast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nas_gym.explain.evidence.network import trained_network
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.simple_methods import Method, network_method, simple_methods
from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.significance.paired import (
    difference_of_r2,
    difference_of_shares,
    resampled_interval,
)
from nas_gym.tasks import Task, Tokens

LEVEL = 0.95


@dataclass(frozen=True)
class Rival:
    """A simple method beside the found network.

    Attributes:
        method: the method.
        gain: what the network's test score is above the method's.
    """

    method: Method
    gain: Fact


@dataclass(frozen=True)
class Beside:
    """The found network beside simple methods.

    Attributes:
        network: the found network.
        rivals: the simple methods, the constant answer first.
        low, high: 95% interval of the network's test score for new examples; None where a count gives it.
        no_time_for: names of methods that a limit by the clock left no time for.
    """

    network: Method
    rivals: tuple[Rival, ...]
    low: float | None
    high: float | None
    no_time_for: tuple[str, ...] = ()


@lru_cache(maxsize=4)  # under a limit by the clock they are the first that is asked for
def beside_simple_methods(evidence: Evidence, seed: int) -> Beside | None:
    """Return the found network beside simple methods; None where no data or no weights are at hand.

    The test examples choose nothing here. The differences to all methods hold at once with 95% confidence
    (Bonferroni).
    """
    trained = trained_network(evidence)
    if isinstance(trained, str):
        return None
    task = trained.task
    methods, no_time_for = simple_methods(task, seed)
    if not methods:
        return None
    parameters = evidence.search_space.network(trained.architecture).parameters
    network = network_method(task, trained.module, "the found network", parameters)
    level = 1 - (1 - LEVEL) / len(methods)
    rivals = tuple(Rival(one, _gain(task, network, one, level)) for one in methods)
    return Beside(network, rivals, *interval_of(task, network, seed), no_time_for)


def _gain(task: Task, network: Method, other: Method, level: float) -> Fact:
    truth = task.y_test
    if task.target.metric.share_of_examples:
        right = [task.target.right(one.outputs, truth) for one in (network, other)]
        found = difference_of_shares(right[0], right[1], level)
    elif task.target.metric.name == "r2":
        found = difference_of_r2(network.outputs, other.outputs, truth.astype(np.float64), level)
    else:
        found = _resampled_difference(task, network, other, level)
    over = f"{len(truth):,} test examples"
    return difference(
        f"gain over {other.key}", f"the found network over {other.name}", over, *found, len(truth)
    )


def interval_of(task: Task, network: Method, seed: int) -> tuple[float | None, float | None]:
    """Return the 95% interval of a test score for new examples; None where a count of examples gives it."""
    if task.target.metric.share_of_examples:
        return None, None
    if isinstance(task.target, Tokens):  # whose outputs are many
        parts = task.target.parts(network.outputs, task.y_test)
        return resampled_interval(parts, task.target.score_of_parts, seed)
    count = task.outputs
    both = np.concatenate([network.outputs, _columns(task.y_test)], axis=1)
    return resampled_interval(
        both, lambda drawn: task.target.measure(drawn[:, :count], _truth(task, drawn[:, count:]))[0], seed
    )


def _resampled_difference(
    task: Task, network: Method, other: Method, level: float
) -> tuple[float, float, float]:
    """Return the difference of two scores of the same test examples, with its bootstrap interval."""
    if isinstance(task.target, Tokens):
        return _difference_of_tokens(task.target, task.y_test, network, other, level)
    count = task.outputs

    def difference_of(drawn: np.ndarray) -> float:
        truth = _truth(task, drawn[:, 2 * count :])
        own, others = (task.target.measure(drawn[:, at : at + count], truth)[0] for at in (0, count))
        return own - others

    both = np.concatenate([network.outputs, other.outputs, _columns(task.y_test)], axis=1)
    return difference_of(both), *resampled_interval(both, difference_of, seed=0, level=level)


def _difference_of_tokens(
    target: Tokens, truth: np.ndarray, network: Method, other: Method, level: float
) -> tuple[float, float, float]:
    """Return the same of answers that are tokens, from what the scores are made of."""
    parts = [target.parts(one.outputs, truth) for one in (network, other)]
    width = parts[0].shape[1]

    def difference_of(drawn: np.ndarray) -> float:
        return target.score_of_parts(drawn[:, :width]) - target.score_of_parts(drawn[:, width:])

    both = np.concatenate(parts, axis=1)
    return difference_of(both), *resampled_interval(both, difference_of, seed=0, level=level)


def _columns(y: np.ndarray) -> np.ndarray:
    """Return labels or values as columns beside outputs."""
    return y[:, None] if y.ndim == 1 else y


def _truth(task: Task, columns: np.ndarray) -> np.ndarray:
    """Return columns as labels or values again."""
    return columns[:, 0].astype(np.int64) if task.target.kind == "classes" else columns
