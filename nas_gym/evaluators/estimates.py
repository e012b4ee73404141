"""The score on new examples: an estimate that nothing was chosen by, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from nas_gym.evaluators.evaluation import FinalScore

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class FinalEstimate:
    """How often a chosen network is right for examples like those of the test part.

    Attributes:
        score: on the test examples, in [0, 1]; the mean of the trainings.
        low, high: its 95% interval, see `score_interval`.
        examples: different test examples that it is counted over.
        seeds: seeds of the trainings: one of a network that is there to be used; all that a table recorded
            where no network was kept.
    """

    score: float
    low: float
    high: float
    examples: int
    seeds: tuple[int, ...]


def final_estimate(
    scores: Sequence[FinalScore], examples: tuple[int, int] | None, *, trained: bool
) -> FinalEstimate | None:
    """Estimate the score on new examples from the final scores of a chosen network.

    The estimate is of one network, the first of the scores that did not fail, where trainings are
    made for it: that is the network which is kept, so it is the one that a user asks about. Of
    recorded trainings it is the mean, since no network was kept.

    Args:
        scores: scores of the final report.
        examples: see `Evaluator.examples`.
        trained: whether the scores are of trainings made for the report, not of recorded ones.

    Returns:
        None where every training failed or the scores are not counted over known examples.
    """
    good = [score for score in scores if score.status == "ok"]
    used = good[:1] if trained else good
    if not used or examples is None:
        return None
    _, test = examples
    mean, low, high = score_interval([score.test_score for score in used], test)
    return FinalEstimate(mean, low, high, test, tuple(score.seed for score in used))


def score_interval(
    scores: Sequence[float], examples: float, level: float = LEVEL
) -> tuple[float, float, float]:
    """Return a mean score and its interval for new examples.

    The interval counts that the examples are a sample, by Clopper and Pearson (1934), which holds the
    truth of a network in at least 95 of 100 cases whatever its score, also where it made no
    mistake. Several trainings were tested on the same examples, so they do not make the examples
    more; how they differ, by Student's t, is added to it as an independent error, and the interval
    is then of the mean over all trainings of the architecture.

    Args:
        scores: of at least one training, in [0, 1], each counted over the same examples.
        examples: how many those are.
        level: level of the interval.

    Returns:
        Mean, lower and upper end.
    """
    from scipy.special import betaincinv, stdtrit  # much faster to import than scipy.stats

    mean, tail = fmean(scores), (1 - level) / 2
    right = mean * examples
    low = float(betaincinv(right, examples - right + 1, tail)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, examples - right, 1 - tail)) if right < examples else 1.0
    count = len(scores)
    if count > 1:
        seeds = float(stdtrit(count - 1, 1 - tail)) * stdev(scores) / math.sqrt(count)
        low, high = mean - math.hypot(mean - low, seeds), mean + math.hypot(high - mean, seeds)
    return mean, max(0.0, low), min(1.0, high)
