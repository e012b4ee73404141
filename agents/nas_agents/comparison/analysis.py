"""From the runs of several agents on one task to a ranking with intervals and tests.

A comparison has one estimand: agents are ranked by it, it has the interval, and it is what is tested.

- Where the optimum is known it is the mean regret. Good agents have no regret in most runs, so that the
  middle half would be 0 for all of them; what tells them apart is how often and how far the others miss.
- Of several objectives it is the mean share of the hypervolume of a reference front, see
  `nas_agents.comparison.fronts.quality`: failed trainings do not enter it, and good agents agree in the
  middle half.
- Elsewhere it is the interquartile mean of the test scores, which a few failed trainings do not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from nas_agents.comparison.curves import by_evaluations, by_seconds, regret_by_evaluations, regret_by_seconds
from nas_agents.comparison.fronts.summary import Fronts
from nas_agents.comparison.ranking import AgentSummary, Analysis, Pair
from nas_agents.comparison.records import Run, by_agent, metric_of
from nas_agents.comparison.significance import (
    ALPHA,
    holm,
    kruskal_wallis,
    pairs_seeds,
    permutation_test,
)
from nas_agents.comparison.statistics import IQM, MEAN, Estimand, improvement_interval, share_interval
from nas_agents.comparison.verdict import found, more_often, notes_on, reach_of_runs

# The bootstrap is part of the report, so that the same runs always give the same report.
BOOTSTRAP_SEED = 0


def analyse(runs: Sequence[Run], *, selects_on_test: bool = False, fronts: Fronts | None = None) -> Analysis:
    """Rank the agents of the runs of one task and test every two of them.

    Args:
        runs: at least one run of each of at least two agents.
        selects_on_test: whether the scores that the searches saw are test scores.
        fronts: what the runs found of several objectives, each of which then has a front.

    Raises:
        NASGymError: if the runs are scored by different metrics.
    """
    metric, estimand = metric_of(runs), estimand_of(runs)
    worth = worths(runs)
    summaries = [summarise(group, estimand) for group in by_agent(runs).values()]
    ranked = tuple(sorted(summaries, key=lambda row: (-float(estimand.of(worth[row.agent])), row.agent)))
    groups = {summary.agent: by_agent(runs)[summary.agent] for summary in ranked}
    with_regret = groups if has_regret(runs) else {}
    seed = BOOTSTRAP_SEED
    pairs = compare_pairs(
        {agent: worth[agent] for agent in groups},
        {agent: [run.seed for run in group] for agent, group in groups.items()},
        estimand,
    )
    scores = {agent: [run.score for run in group] for agent, group in groups.items()}
    return Analysis(
        metric=metric,
        estimand=estimand,
        agents=ranked,
        pairs=pairs,
        omnibus=kruskal_wallis([worth[agent] for agent in groups]),
        verdict=(
            found(pairs),
            reach_of_runs([row.runs for row in ranked], [pair.paired for pair in pairs]),
            *more_often(pairs),
        ),
        notes=(
            *(_guessing(ranked, runs[0].chance, metric) if fronts is None else fronts.notes()),
            *notes_on(groups),
        ),
        chance=runs[0].chance,
        scores=scores,
        tests={agent: [run.test for run in group] for agent, group in groups.items()},
        evaluation_curves={agent: by_evaluations(group, seed, estimand) for agent, group in groups.items()},
        second_curves={agent: by_seconds(group, seed, estimand) for agent, group in groups.items()},
        evaluation_regrets={
            agent: regret_by_evaluations(group, seed, estimand) for agent, group in with_regret.items()
        },
        second_regrets={
            agent: regret_by_seconds(group, seed, estimand) for agent, group in with_regret.items()
        },
        selects_on_test=selects_on_test,
        fronts=fronts,
    )


def has_regret(runs: Sequence[Run]) -> bool:
    """Return whether the optimum is known of all runs."""
    return all(run.regrets is not None for run in runs)


def estimand_of(runs: Sequence[Run]) -> Estimand:
    """Return what the runs of an agent are summed up by; the module says why."""
    return MEAN if has_regret(runs) or has_fronts(runs) else IQM


def has_fronts(runs: Sequence[Run]) -> bool:
    """Return whether the runs are of several objectives."""
    return all(run.front is not None for run in runs)


def worths(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Return per agent what its runs are ranked and tested by, more is better, float (runs,)."""
    known = has_regret(runs)

    def worth(run: Run) -> float:
        if run.front is not None:
            return run.score
        return -float(run.regrets[-1]) if known and run.regrets is not None else run.test

    return {agent: np.array([worth(run) for run in group]) for agent, group in by_agent(runs).items()}


def summarise(runs: Sequence[Run], estimand: Estimand | None = None) -> AgentSummary:
    """Return the row of one agent, by the estimand of its comparison or of these runs alone."""
    estimand = estimand or estimand_of(runs)
    score, tests, validations, seen = (
        estimand.interval([np.array(values)], BOOTSTRAP_SEED).within(0, 1)
        for values in zip(*((run.score, run.test, run.validation, run.seen) for run in runs), strict=True)
    )
    best = max(runs, key=lambda run: run.validation)
    regrets = np.array([run.regret for run in runs if run.regret is not None])
    known = estimand is MEAN and has_regret(runs)
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
        distinct=float(np.mean([len(run.scores) for run in runs])),
        seconds=float(np.mean([run.costs.sum() for run in runs])),
        failed=sum(run.failed for run in runs),
        early=sum(run.stopped != "budget" for run in runs),
        architecture=best.architecture,
        architecture_validation=best.validation,
        architecture_test=best.test,
        regret=estimand.interval([regrets], BOOTSTRAP_SEED).within(0, 1) if known else None,
        optimal=float((regrets == 0).mean()) if known else None,
        optimal_interval=share_interval(int((regrets == 0).sum()), len(runs)) if known else None,
        evaluations_to_optimum=reached if np.isfinite(reached) else None,
    )


def compare_pairs(
    worth: Mapping[str, np.ndarray], seeds: Mapping[str, Sequence[int]], estimand: Estimand
) -> tuple[Pair, ...]:
    """Test every two agents by permutations, corrected for the number of tests.

    Args:
        worth: per agent, best first, what its runs are tested by, float (runs,).
        seeds: per agent the seeds of these runs.
        estimand: what ranks the agents.
    """
    names = list(combinations(worth, 2))
    tested: list[Pair] = []
    for a, b in names:
        paired = _share_seeds(seeds[a], seeds[b]) and pairs_seeds(len(seeds[a]), len(names))
        x, y = (worth[each][np.argsort(seeds[each]) if paired else slice(None)] for each in (a, b))
        test = permutation_test(x, y, BOOTSTRAP_SEED, estimand, paired=paired)
        tested.append(
            Pair(
                first=a,
                second=b,
                difference=test.difference,
                improvement=improvement_interval([x], [y]),
                p=test.p,
                adjusted=test.p,
                significant=False,
                exact=test.exact,
                paired=paired,
            )
        )
    adjusted = holm([pair.p for pair in tested]).tolist()
    return tuple(
        replace(pair, adjusted=value, significant=value <= ALPHA)
        for pair, value in zip(tested, adjusted, strict=True)
    )


def _share_seeds(first: Sequence[int], second: Sequence[int]) -> bool:
    """Return whether both agents have one run of each of the same seeds."""
    return len(set(first)) == len(first) and sorted(first) == sorted(second)


def _guessing(agents: Sequence[AgentSummary], chance: float, metric: str) -> Iterator[str]:
    """Say which agents may have found nothing better than always giving the same answer."""
    for row in agents:
        if row.score.lower <= chance:
            where = "includes" if chance <= row.score.upper else "lies below"
            yield (
                f"The interval of {row.agent} {where} {chance:.3f}, the {metric} of the best constant "
                "answer, which takes no network."
            )
