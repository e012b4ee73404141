"""From the runs of several agents on one task to a ranking with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from nas_agents.comparison.curves import (
    Curve,
    by_evaluations,
    by_seconds,
    regret_by_evaluations,
    regret_by_seconds,
)
from nas_agents.comparison.records import Run, by_agent
from nas_agents.comparison.significance import (
    ALPHA,
    holm,
    kruskal_wallis,
    permutation_test,
)
from nas_agents.comparison.statistics import Interval, improvement_interval, iqm_interval, mean_interval
from nas_agents.comparison.verdict import found, reach_of_runs

# The bootstrap is part of the report, so that the same runs always give the same report.
BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """One row of the ranking.

    Attributes:
        agent: label.
        access: ``"walk"`` or ``"query"``.
        runs: number of runs.
        score: interquartile mean of what the agents are ranked by, see `Run.score`.
        test: interquartile mean of the test accuracy of the chosen networks.
        validation: the same of their validation accuracy by seeds that the search did not choose by.
        seen: the same of the best accuracy that the searches saw (optimistic).
        evaluations: mean number of evaluations charged.
        seconds: mean recorded seconds.
        failed: failed evaluations of all runs.
        early: runs that ended before their budget was spent.
        architecture: the chosen network with the best fresh validation accuracy of all runs.
        architecture_validation: that accuracy.
        architecture_test: its test accuracy, which did not choose it.
        regret: mean regret of the chosen networks, None where the optimum is not known.
        optimal: share of the runs that chose an optimum.
        evaluations_to_optimum: median over the runs; None where most never came to it.
    """

    agent: str
    access: str
    runs: int
    score: Interval
    test: Interval
    validation: Interval
    seen: Interval
    evaluations: float
    seconds: float
    failed: int
    early: int
    architecture: str
    architecture_validation: float
    architecture_test: float
    regret: Interval | None = None
    optimal: float | None = None
    evaluations_to_optimum: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two agents compared.

    Attributes:
        first: label of the one ranked higher.
        second: label of the other.
        difference: mean score of the first minus that of the second.
        improvement: probability that a run of the first beats one of the second.
        p: p-value of the pair's test.
        adjusted: p-value after Holm's correction.
        significant: whether it is at most 0.05 after the correction.
        exact: whether the p-value is exact.
    """

    first: str
    second: str
    difference: float
    improvement: Interval
    p: float
    adjusted: float
    significant: bool
    exact: bool


@dataclass(frozen=True)
class Comparison:
    """All that a report of one task says.

    Attributes:
        agents: best first: by mean regret where the optimum is known, else by the interquartile
            mean of the test accuracy.
        pairs: every two agents, in the order of the ranking.
        omnibus: p-value of no difference between any of the agents (Kruskal-Wallis).
        verdict: what the tests found and what they could have found, in sentences.
        scores: per agent the score of each run, in order of the seeds.
        tests: per agent the test accuracy of each run, in order of the seeds.
        evaluation_curves: per agent the incumbent against evaluations.
        second_curves: per agent the incumbent against recorded seconds.
        evaluation_regrets: per agent its regret against evaluations; empty where it is not known.
        second_regrets: per agent its regret against recorded seconds; empty where it is not known.
    """

    agents: tuple[AgentSummary, ...]
    pairs: tuple[Pair, ...]
    omnibus: float
    verdict: tuple[str, ...]
    scores: Mapping[str, Sequence[float]]
    tests: Mapping[str, Sequence[float]]
    evaluation_curves: Mapping[str, Curve]
    second_curves: Mapping[str, Curve]
    evaluation_regrets: Mapping[str, Curve]
    second_regrets: Mapping[str, Curve]

    @property
    def has_regret(self) -> bool:
        """Whether the optimum is known, so that agents are ranked by their regret to it."""
        return bool(self.evaluation_regrets)

    @property
    def metric(self) -> str:
        """What the scores are, in words."""
        return "validation accuracy at full fidelity" if self.has_regret else "test accuracy"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able values of all attributes."""
        return {
            "metric": self.metric,
            "agents": [asdict(agent) for agent in self.agents],
            "pairs": [asdict(pair) for pair in self.pairs],
            "kruskal_wallis_p": self.omnibus,
            "verdict": list(self.verdict),
            "scores": {agent: list(scores) for agent, scores in self.scores.items()},
            "test_accuracies": {agent: list(scores) for agent, scores in self.tests.items()},
            "incumbent_by_evaluations": {a: curve.as_dict() for a, curve in self.evaluation_curves.items()},
            "incumbent_by_seconds": {a: curve.as_dict() for a, curve in self.second_curves.items()},
            "regret_by_evaluations": {a: curve.as_dict() for a, curve in self.evaluation_regrets.items()},
            "regret_by_seconds": {a: curve.as_dict() for a, curve in self.second_regrets.items()},
        }


def compare(runs: Sequence[Run]) -> Comparison:
    """Rank the agents of the runs of one task and test every two of them.

    Args:
        runs: at least one run of each of at least two agents.
    """
    summaries = [summarise(group) for group in by_agent(runs).values()]
    ranked = tuple(sorted(summaries, key=_rank))
    groups = {summary.agent: by_agent(runs)[summary.agent] for summary in ranked}
    scores = {agent: np.array([run.score for run in group]) for agent, group in groups.items()}
    with_regret = groups if all(run.regrets is not None for run in runs) else {}
    seed = BOOTSTRAP_SEED
    pairs = compare_pairs(scores)
    return Comparison(
        agents=ranked,
        pairs=pairs,
        omnibus=kruskal_wallis(list(scores.values())),
        verdict=(found(pairs), reach_of_runs([len(group) for group in groups.values()])),
        scores={agent: values.tolist() for agent, values in scores.items()},
        tests={agent: [run.test for run in group] for agent, group in groups.items()},
        evaluation_curves={agent: by_evaluations(group, seed) for agent, group in groups.items()},
        second_curves={agent: by_seconds(group, seed) for agent, group in groups.items()},
        evaluation_regrets={
            agent: regret_by_evaluations(group, seed) for agent, group in with_regret.items()
        },
        second_regrets={agent: regret_by_seconds(group, seed) for agent, group in with_regret.items()},
    )


def _rank(summary: AgentSummary) -> tuple[float, str]:
    """What sorts agents, the best first, those that are equal by name."""
    return summary.regret.value if summary.regret else -summary.test.value, summary.agent


def summarise(runs: Sequence[Run]) -> AgentSummary:
    """The row of one agent."""
    score, tests, validations, seen = (
        iqm_interval([np.array(values)], BOOTSTRAP_SEED)
        for values in zip(*((run.score, run.test, run.validation, run.seen) for run in runs), strict=True)
    )
    best = max(runs, key=lambda run: run.validation)
    regrets = np.array([run.regret for run in runs if run.regret is not None])
    reached = float(np.median([run.evaluations_to_optimum for run in runs]))
    return AgentSummary(
        agent=runs[0].agent,
        access=runs[0].access,
        runs=len(runs),
        score=score,
        test=tests,
        validation=validations,
        seen=seen,
        evaluations=float(np.mean([run.spent[-1] for run in runs])),
        seconds=float(np.mean([run.costs.sum() for run in runs])),
        failed=sum(run.failed for run in runs),
        early=sum(run.stopped != "budget" for run in runs),
        architecture=best.architecture,
        architecture_validation=best.validation,
        architecture_test=best.test,
        regret=mean_interval(regrets, BOOTSTRAP_SEED) if len(regrets) else None,
        optimal=float((regrets == 0).mean()) if len(regrets) else None,
        evaluations_to_optimum=reached if np.isfinite(reached) else None,
    )


def compare_pairs(scores: Mapping[str, np.ndarray]) -> tuple[Pair, ...]:
    """Every two agents by a permutation test, corrected for the number of tests."""
    names = list(combinations(scores, 2))
    tests = [permutation_test(scores[a], scores[b], BOOTSTRAP_SEED) for a, b in names]
    adjusted = holm([test.p for test in tests])
    return tuple(
        Pair(
            first=a,
            second=b,
            difference=test.difference,
            improvement=improvement_interval([scores[a]], [scores[b]], BOOTSTRAP_SEED),
            p=test.p,
            adjusted=float(corrected),
            significant=bool(corrected <= ALPHA),
            exact=test.exact,
        )
        for (a, b), test, corrected in zip(names, tests, adjusted, strict=True)
    )
