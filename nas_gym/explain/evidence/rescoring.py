"""Scores with training seeds that the search did not see: what a network is really worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.evaluators import Evaluator, Request
from nas_gym.explain.evidence.run import Evidence
from nas_gym.search_spaces import Architecture
from nas_gym.tables import Table

SEEDS = 3
MOST_TRAININGS = 200


@dataclass(frozen=True, slots=True)
class FreshScores:
    """Scores with training seeds that the search did not see.

    Attributes:
        scores: scores of each architecture by its text, float64 (seeds,), without failed trainings and
            without architectures that there was no time for.
        failed: number of trainings of an architecture that failed, by its text; without zeros.
        trainings: number of evaluations that were requested.
        source: origin of the scores, a clause: ``"retrained with seeds that the search did not see"``.
        unseen: whether the search saw none of these seeds.
        left_out: texts of the architectures that there was no time for.
    """

    scores: Mapping[str, np.ndarray]
    failed: Mapping[str, int]
    trainings: int
    source: str
    unseen: bool
    left_out: frozenset[str] = frozenset()

    def of(self, architecture: Architecture) -> np.ndarray:
        """Return the scores of an architecture, float64 (seeds,); empty where none was measured."""
        return self.scores.get(str(architecture), np.empty(0))


def control_seeds(neighbours: int) -> int:
    """Return the number of seeds of a network that so many neighbours are compared with."""
    return max(SEEDS, round(SEEDS * math.sqrt(neighbours)))


def affordable(neighbours: int, others: int, most: float) -> int:
    """Return how many neighbours `most` trainings can compare, of which `others` are needed elsewhere."""
    for count in range(neighbours, 0, -1):
        if count * SEEDS + control_seeds(count) + others <= most:
            return count
    return 0


def run_seed(evidence: Evidence) -> int:
    """Return the seed of the run; 0 where its config names none."""
    seed = (evidence.config.get("config") or {}).get("seed", 0)
    return seed if isinstance(seed, int) and seed >= 0 else 0


def measure(evidence: Evidence, wanted: Mapping[Any, int]) -> FreshScores:
    """Return scores of architectures at the full recipe, with seeds that the search did not see.

    All of them are trained as one batch. Under a limit by the clock they are trained in several, and those
    that there is no time for are left out, the last ones first. A table gives the seeds it recorded.

    Args:
        evidence: evidence of the run.
        wanted: number of seeds by architecture, the most important first; a table gives all it has.
    """
    evaluator = evidence.evaluator
    if evaluator.table is not None:
        return _recorded(evaluator, evaluator.table, list(wanted))
    seeds = evaluator.final_seeds(run_seed(evidence), max(wanted.values(), default=1))
    waiting = [[Request(one, seed) for seed in seeds[:count]] for one, count in wanted.items()]
    scores: dict[str, list[float]] = {}
    failed: dict[str, int] = {}
    trainings = 0
    while waiting and not evidence.clock.is_over:
        requests, waiting = _next_batch(waiting, evidence.clock.batch)
        trainings += len(requests)
        with evidence.clock.timing(len(requests)):
            evaluations = evaluator.evaluate(requests)
        for request, evaluation in zip(requests, evaluations, strict=True):
            text = str(request.architecture)
            known = scores.setdefault(text, [])
            if evaluation.failed:
                failed[text] = failed.get(text, 0) + 1
            else:
                known.append(evaluation.score)
    return FreshScores(
        {text: np.array(values) for text, values in scores.items()},
        failed,
        trainings,
        "retrained with seeds that the search did not see",
        True,
        frozenset(str(requests[0].architecture) for requests in waiting if requests),
    )


def _next_batch(waiting: list[list[Request]], most: int | None) -> tuple[list[Request], list[list[Request]]]:
    """Return the requests of the next architectures, each with all its seeds, and what is left."""
    count, requests = 0, list[Request]()
    while count < len(waiting) and (
        most is None or not requests or len(requests) + len(waiting[count]) <= most
    ):
        requests += waiting[count]
        count += 1
    return requests, waiting[count:]


def _recorded(evaluator: Evaluator, table: Table, architectures: list[Architecture]) -> FreshScores:
    """Return the scores that a table recorded at full fidelity, of seeds unknown to the search if any."""
    seeds = table.seeds[table.fidelities[-1]]
    columns, unseen = list(range(max(1, len(seeds)))), False
    kept = [column for column, seed in enumerate(seeds) if seed not in evaluator.seeds]
    if not evaluator.draws and len(kept) >= 2:
        columns, unseen = kept, True
    scores, failed = {}, {}
    for one in architectures:
        index = table.row(one)
        if index < 0:
            scores[str(one)], failed[str(one)] = np.empty(0), len(columns)
            continue
        values, broken = table.scores()[index, columns], table.failed[index, columns]
        scores[str(one)] = values[~broken & ~np.isnan(values)]
        if broken.any():
            failed[str(one)] = int(broken.sum())
    count = len(columns)
    which = "that the search did not see" if unseen else "recorded in the table, which the search saw too"
    source = f"with the {count} seeds {which}" if seeds else "the one number that the table recorded"
    return FreshScores(scores, failed, sum(map(len, scores.values())), source, unseen)
