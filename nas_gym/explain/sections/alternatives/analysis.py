"""Every network one edit away from the found one: what each edit would have changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.evidence.rescoring import (
    MOST_TRAININGS,
    SEEDS,
    FreshScores,
    affordable,
    control_seeds,
    measure,
)
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import standing_of
from nas_gym.explain.methods.significance.dunnett import Comparisons, against_control
from nas_gym.explain.sections.alternatives.costs import Undoing, by_choice
from nas_gym.search_spaces import Architecture, EditPath

RANDOM_TRAINED, RANDOM_ASKED = 20, 200
MARGIN = 0.01
KINDS = ("remove", "swap", "add")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A network one edit away, beside the chosen one.

    Attributes:
        architecture: the network.
        edit: the edit that leads there, in words.
        kind: kind of the edit.
        seen: score that the search saw, None if it did not evaluate the network.
        score: mean score with fresh seeds, NaN if all its trainings failed.
        change: `score` of this network minus that of the chosen one.
        low, high: simultaneous interval of the change; NaN where nothing was repeated.
        failed: number of its trainings that failed.
        verdict: ``"fails"``, or a `Standing`.
    """

    architecture: Architecture
    edit: str
    kind: str
    seen: float | None
    score: float
    change: float
    low: float
    high: float
    failed: int
    verdict: str


@dataclass(frozen=True)
class Alternatives:
    """The alternatives to the chosen network.

    Attributes:
        chosen: the chosen network.
        seen: score that the search chose it for.
        start: the state that the episode began at in which the search found it.
        scores: fresh scores of all networks involved.
        neighbours: the neighbours that were evaluated, the best change first.
        left_out: (edit, network) of the neighbours that were not affordable, or that there was no time for.
        undoing: what the edits that undo each choice of the chosen network cost.
        comparisons: comparisons of the neighbours in the order of `compared`, then of the start.
        compared: texts of the networks that `comparisons` compares.
        random: scores of networks drawn at random, or of the whole table; failed ones are 0.
        random_is_all: whether those are all networks of the space.
        path: the shortest way from the start; None if not found.
        steps_taken: number of steps of the episode until it found the network; None where there were no
            steps.
        margin: size of changes of the score that do not matter.
    """

    chosen: Architecture
    seen: float
    start: Architecture
    scores: FreshScores
    neighbours: tuple[Neighbour, ...]
    left_out: tuple[tuple[str, Architecture], ...]
    undoing: tuple[Undoing, ...]
    comparisons: Comparisons
    compared: tuple[str, ...]
    random: np.ndarray
    random_is_all: bool
    path: EditPath | None
    steps_taken: int | None
    margin: float


def find_alternatives(
    evidence: Evidence, *, budget: int | None = None, seed: int = 0, margin: float = MARGIN
) -> Alternatives:
    """Evaluate the chosen network, its neighbours, the start and random networks in one batch.

    Each neighbour has 3 seeds. The chosen network, which all are compared with, has sqrt(neighbours)
    times as many, the best division of trainings (Dunnett 1955).

    Args:
        evidence: evidence of a run in which not everything failed.
        budget: number of trainings at most; None for as many as the neighbours need, 200 at most. What is
            looked up or computed is not counted.
        seed: seed of the draw of random networks, and of neighbours where not all are affordable.
        margin: size of changes of the score that do not matter.
    """
    rng = np.random.default_rng(seed)
    plan = _plan(evidence, budget, rng)
    scores = measure(evidence, plan.wanted | {one: 1 for one in plan.drawn if one not in plan.wanted})
    drawn = [one for one in plan.drawn if str(one) not in scores.left_out]
    tested = [one for one in plan.order[: plan.count] if str(one) not in scores.left_out]
    chosen, start, actions = plan.chosen, plan.start, plan.actions
    compared = [*tested, *([start] if start != chosen and start not in tested else [])]
    compared = [one for one in compared if len(scores.of(one))] if len(scores.of(chosen)) else []
    comparisons, undoing = _compared(evidence, compared, len(set(compared) & set(tested)), scores)
    results = dict(
        zip(
            map(str, compared),
            zip(comparisons.differences, comparisons.low, comparisons.high, strict=True),
            strict=True,
        )
    )
    neighbours = [_neighbour(evidence, one, actions[one], scores, results, margin) for one in tested]
    everyone, is_all = _random_scores(evidence, drawn, scores)
    return Alternatives(
        chosen,
        evidence.chosen.score,
        start,
        scores,
        tuple(sorted(neighbours, key=_standing, reverse=True)),
        tuple(
            (str(evidence.search_space.actions[actions[one]]), one) for one in plan.order if one not in tested
        ),
        undoing,
        comparisons,
        tuple(map(str, compared)),
        everyone,
        is_all,
        plan.path,
        plan.steps_taken,
        margin,
    )


@dataclass(frozen=True)
class _Plan:
    """What is trained to tell the alternatives.

    Attributes:
        chosen, start, path, steps_taken: see `Alternatives`.
        actions: the neighbours of the chosen network, and the edit that leads to each.
        order: the neighbours in the order of training.
        count: number of neighbours that are affordable.
        wanted: number of seeds by architecture, the most important first.
        drawn: networks drawn at random.
    """

    chosen: Architecture
    start: Architecture
    path: EditPath | None
    steps_taken: int | None
    actions: Mapping[Any, int]
    order: list[Any]
    count: int
    wanted: dict[Any, int]
    drawn: list[Any]


def _plan(evidence: Evidence, budget: int | None, rng: np.random.Generator) -> _Plan:
    """Return what is to be trained within a budget."""
    space = evidence.search_space
    chosen, start, steps_taken = evidence.chosen.architecture, *_start(evidence)
    actions, path = space.neighbours(chosen), space.shortest_path(start, chosen)
    most = math.inf if evidence.evaluator.free else MOST_TRAININGS if budget is None else budget
    order = _order(evidence, list(actions), rng)
    count = affordable(len(order), SEEDS if start != chosen else 0, most)
    wanted: dict[Any, int] = {chosen: control_seeds(count)} | dict.fromkeys(order[:count], SEEDS)
    if not most >= SEEDS:
        wanted = {}
    for one in (start, *(path.architectures if path else ())):
        if one not in wanted and sum(wanted.values()) + SEEDS <= most and wanted:
            wanted[one] = SEEDS
    drawn = _random(evidence, rng, most - sum(wanted.values())) if wanted else []
    return _Plan(chosen, start, path, steps_taken, actions, order, count, wanted, drawn)


def _compared(
    evidence: Evidence, compared: Sequence[Architecture], neighbours: int, scores: FreshScores
) -> tuple[Comparisons, tuple[Undoing, ...]]:
    """Return the comparisons with the chosen network, and of the edits that undo each of its choices.

    Args:
        evidence: the run.
        compared: networks with scores, the neighbours first.
        neighbours: number of those that are neighbours.
        scores: their scores and those of the chosen network.
    """
    chosen = evidence.chosen.architecture
    groups = by_choice(evidence.search_space, chosen, compared[:neighbours])
    comparisons = against_control(
        [scores.of(one) for one in compared],
        scores.of(chosen) if compared else np.zeros(1),
        sets=list(groups.values()),
    )
    undoing = [
        Undoing(choice, len(numbers), -float(change), -float(high), -float(low))
        for (choice, numbers), (change, low, high) in zip(groups.items(), comparisons.means, strict=True)
    ]
    return comparisons, tuple(undoing)


def seen_scores(evidence: Evidence) -> Mapping[str, float]:
    """Return the scores that the search saw at the fidelity it chose by, by the text of the architecture."""
    fidelity = evidence.chosen.fidelity
    return {str(one.architecture): one.score for one in evidence.succeeded if one.fidelity == fidelity}


def _start(evidence: Evidence) -> tuple[Architecture, int | None]:
    """Return the start of the episode that first came to the chosen network, and its steps until then."""
    chosen, first = str(evidence.chosen.architecture), ""
    for step in evidence.steps:
        first = step.architecture if step.t == 0 or not first else first
        if step.next == chosen:
            return evidence.search_space.parse(first), step.t + 1
    initial = evidence.problem.initial
    space = evidence.search_space
    return (space.smallest() if initial in ("smallest", "random") else space.resolve(initial)), None


def _order(evidence: Evidence, neighbours: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Return neighbours in the order of training: removals, swaps, then additions, each shuffled."""
    actions = evidence.search_space.neighbours(evidence.chosen.architecture)
    shuffled = [neighbours[number] for number in rng.permutation(len(neighbours))]
    return sorted(shuffled, key=lambda one: KINDS.index(evidence.search_space.actions[actions[one]].kind))


def _random(evidence: Evidence, rng: np.random.Generator, left: float) -> list[Any]:
    """Return networks drawn at random, as many as the budget allows; none where a table has all."""
    if evidence.evaluator.table is not None:
        return []
    count = RANDOM_ASKED if evidence.evaluator.free else int(min(RANDOM_TRAINED, left))
    return list(dict.fromkeys(evidence.search_space.sample(rng) for _ in range(count)))


def _random_scores(
    evidence: Evidence, drawn: Sequence[Architecture], scores: FreshScores
) -> tuple[np.ndarray, bool]:
    """Return the first score of each drawn network, or of a table the mean score of every network."""
    if (table := evidence.evaluator.table) is not None:
        return table.mean_score(), True
    firsts = [scores.of(one)[:1] for one in drawn]
    return np.array([first[0] if len(first) else 0.0 for first in firsts]), False


def _neighbour(
    evidence: Evidence,
    architecture: Architecture,
    action: int,
    scores: FreshScores,
    results: Mapping[str, tuple[float, float, float]],
    margin: float,
) -> Neighbour:
    text, edit = str(architecture), evidence.search_space.actions[action]
    change, low, high = map(float, results.get(text, (math.nan,) * 3))
    failed = scores.failed.get(text, 0)
    fresh = scores.of(architecture)
    return Neighbour(
        architecture,
        str(edit),
        edit.kind,
        seen_scores(evidence).get(text),
        float(fresh.mean()) if len(fresh) else math.nan,
        change,
        low,
        high,
        failed,
        "fails" if failed else str(standing_of(low, high, margin)),
    )


def _standing(neighbour: Neighbour) -> float:
    return -math.inf if math.isnan(neighbour.change) else neighbour.change
