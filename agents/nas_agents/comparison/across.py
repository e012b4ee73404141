"""Several tasks together: stratified intervals, and rank tests where there are six tasks or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from nas_agents.comparison.analysis import BOOTSTRAP_SEED
from nas_agents.comparison.records import Run, by_agent
from nas_agents.comparison.significance import (
    ALPHA,
    TASKS_FOR_RANK_TESTS,
    friedman,
    holm,
    signed_rank,
)
from nas_agents.comparison.statistics import Interval, improvement_interval, iqm_interval
from nas_agents.comparison.verdict import found, reach_of_tasks, too_few_tasks


@dataclass(frozen=True, slots=True)
class AgentAcross:
    """One row of the ranking over tasks.

    Attributes:
        agent: label.
        access: ``"walk"`` or ``"query"``.
        score: interquartile mean over the runs of all tasks of the normalised score.
        rank: mean rank of the agent's per-task mean, 1 the best.
    """

    agent: str
    access: str
    score: Interval
    rank: float


@dataclass(frozen=True, slots=True)
class PairAcross:
    """Two agents over all tasks.

    Attributes:
        first: label of the one ranked higher.
        second: label of the other.
        difference: mean over tasks of the difference of their per-task means.
        improvement: probability that a run of the first beats one of the second on the same task.
        p: p-value of the signed-rank test, None below six tasks.
        adjusted: the same after Holm's correction.
        significant: whether it is at most 0.05 after the correction.
    """

    first: str
    second: str
    difference: float
    improvement: Interval
    p: float | None
    adjusted: float | None
    significant: bool


@dataclass(frozen=True)
class Across:
    """What a report over several tasks says.

    Attributes:
        tasks: the tasks.
        agents: best first.
        pairs: every two agents.
        omnibus: p-value of Friedman's test, None below six tasks or three agents.
        verdict: what the tests found and what they could have found, in sentences.
    """

    tasks: tuple[str, ...]
    agents: tuple[AgentAcross, ...]
    pairs: tuple[PairAcross, ...]
    omnibus: float | None
    verdict: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able values of all attributes."""
        return {
            "tasks": list(self.tasks),
            "agents": [asdict(agent) for agent in self.agents],
            "pairs": [asdict(pair) for pair in self.pairs],
            "friedman_p": self.omnibus,
            "verdict": list(self.verdict),
        }


def compare_across(runs: Mapping[str, Sequence[Run]]) -> Across:
    """Rank agents over tasks by their score above guessing, (accuracy - chance) / (1 - chance).

    Args:
        runs: per task the runs of the same agents, at least two.
    """
    scores = normalised(runs)
    means = np.array([[values.mean() for values in agent] for agent in scores.values()]).T
    ranks = stats.rankdata(-means, axis=1).mean(axis=0)
    access = {run.agent: run.access for group in runs.values() for run in group}
    rows = [
        AgentAcross(agent, access[agent], iqm_interval(values, BOOTSTRAP_SEED), float(rank))
        for (agent, values), rank in zip(scores.items(), ranks, strict=True)
    ]
    ranked = tuple(sorted(rows, key=lambda row: (-row.score.value, row.agent)))
    tested = len(runs) >= TASKS_FOR_RANK_TESTS
    pairs = _pairs({row.agent: scores[row.agent] for row in ranked}, tested=tested)
    return Across(
        tasks=tuple(runs),
        agents=ranked,
        pairs=pairs,
        omnibus=friedman(means) if tested and len(rows) > 2 else None,
        verdict=(found(pairs), reach_of_tasks(len(runs), len(pairs)))
        if tested
        else (too_few_tasks(len(runs)),),
    )


def normalised(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[np.ndarray]]:
    """Per agent and task the scores of its runs, 0 for guessing and 1 for perfect."""
    scores: dict[str, list[np.ndarray]] = {}
    for group in runs.values():
        for agent, its_runs in by_agent(group).items():
            values = [(run.score - run.chance) / (1 - run.chance) for run in its_runs]
            scores.setdefault(agent, []).append(np.array(values))
    return scores


def _pairs(scores: Mapping[str, list[np.ndarray]], *, tested: bool) -> tuple[PairAcross, ...]:
    names = list(combinations(scores, 2))
    means = {agent: np.array([task.mean() for task in tasks]) for agent, tasks in scores.items()}
    p = [signed_rank(means[a], means[b]) if tested else None for a, b in names]
    adjusted = [float(value) for value in holm([x for x in p if x is not None])] if tested else p
    return tuple(
        PairAcross(
            first=a,
            second=b,
            difference=float((means[a] - means[b]).mean()),
            improvement=improvement_interval(scores[a], scores[b], BOOTSTRAP_SEED),
            p=own,
            adjusted=corrected,
            significant=corrected is not None and corrected <= ALPHA,
        )
        for (a, b), own, corrected in zip(names, p, adjusted, strict=True)
    )
