"""From the runs of several agents on one task to a ranking with intervals and tests.

A comparison has one estimand: agents are ranked by it, it has the interval, and it is what is tested.

- Where the optimum is known it is the mean regret. Good agents have no regret in most runs, so that the
  middle half would be 0 for all of them; what tells them apart is how often and how far the others miss.
- Elsewhere it is the interquartile mean of the test scores, which a few failed trainings do not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from nas_agents.comparison.records import Run, by_agent, metric_of
from nas_agents.comparison.significance import (
    ALPHA,
    holm,
    kruskal_wallis,
    pairs_seeds,
    permutation_test,
)
from nas_agents.comparison.statistics import (
    IQM,
    MEAN,
    Estimand,
    Interval,
    improvement_interval,
    share_interval,
)
from nas_agents.comparison.verdict import found, more_often, notes_on, reach_of_runs

# The bootstrap is part of the report, so that the same runs always give the same report.
BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """One row of the ranking.

    Every interval is a 95% one for more runs of the agent on the same task.

    Attributes:
        agent: label.
        access: ``"walk"`` or ``"query"``.
        runs: number of runs.
        score: estimate of the score of the chosen networks, see `Run.score`.
        test: estimate of the test score of the chosen networks.
        validation: estimate of their validation score by seeds that the search did not choose by.
        seen: estimate of the best score that the searches saw (optimistic).
        evaluations: mean number of evaluations charged.
        distinct: mean number of distinct evaluations, shorter trainings among them.
        seconds: mean recorded seconds.
        failed: failed evaluations of all runs.
        early: runs that ended before their budget was spent.
        architecture: the chosen network with the best fresh validation score of all runs.
        architecture_validation: its fresh validation score.
        architecture_test: its test score, which did not choose it.
        regret: mean regret of the chosen networks, None where the optimum is not known.
        optimal: share of the runs that chose an optimum, None where it is not known.
        optimal_interval: that share with its interval.
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
    distinct: float
    seconds: float
    failed: int
    early: int
    architecture: str
    architecture_validation: float
    architecture_test: float
    regret: Interval | None = None
    optimal: float | None = None
    optimal_interval: Interval | None = None
    evaluations_to_optimum: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two agents compared.

    Attributes:
        first: label of the one ranked higher.
        second: label of the other.
        difference: estimate of the first minus that of the second, by what agents are ranked by;
            positive where the first is better.
        improvement: probability that a run of the first beats one of the second.
        p: p-value of the pair's test.
        adjusted: p-value after Holm's correction.
        significant: whether it is at most 0.05 after the correction.
        exact: whether every rearrangement of the runs was tried, or a random part of them.
        paired: whether runs of one seed were compared with each other.
    """

    first: str
    second: str
    difference: float
    improvement: Interval
    p: float
    adjusted: float
    significant: bool
    exact: bool
    paired: bool


@dataclass(frozen=True)
class Analysis:
    """All that a report of one task says.

    Attributes:
        metric: what a score is called, such as ``"accuracy"``; see `score_in_words` for which one it is.
        estimand: what ranks, has the interval and is tested, of the scores or the regrets of runs.
        agents: best first: by mean regret where the optimum is known, else by the interquartile
            mean of the test scores.
        pairs: every two agents, in the order of the ranking.
        omnibus: p-value of no difference between any of all agents (Kruskal-Wallis).
        verdict: what the tests found and what they could have found, in sentences.
        notes: what has to be known beside the numbers, in sentences.
        chance: score of the best constant answer, on the examples of the scores.
        scores: per agent the score of each run, in order of the seeds.
        tests: per agent the test score of each run, in order of the seeds.
        evaluation_curves: per agent the incumbent against evaluations.
        second_curves: per agent the incumbent against recorded seconds.
        evaluation_regrets: per agent its regret against evaluations; empty where it is not known.
        second_regrets: per agent its regret against recorded seconds; empty where it is not known.
        selects_on_test: whether the scores that the searches saw are test scores, so that what
            is called validation is the same number as test.
    """

    metric: str
    estimand: Estimand
    agents: tuple[AgentSummary, ...]
    pairs: tuple[Pair, ...]
    omnibus: float
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    chance: float
    scores: Mapping[str, Sequence[float]]
    tests: Mapping[str, Sequence[float]]
    evaluation_curves: Mapping[str, Curve]
    second_curves: Mapping[str, Curve]
    evaluation_regrets: Mapping[str, Curve]
    second_regrets: Mapping[str, Curve]
    selects_on_test: bool = False

    @property
    def ranks(self) -> tuple[int, ...]:
        """The rank of each agent, in their order; agents of the same estimate share one."""
        ranks: list[int] = []
        differences = {(pair.first, pair.second): pair.difference for pair in self.pairs}
        for place, row in enumerate(self.agents):
            same = place > 0 and differences[self.agents[place - 1].agent, row.agent] == 0
            ranks.append(ranks[-1] if same else place + 1)
        return tuple(ranks)

    @property
    def has_regret(self) -> bool:
        """Whether the optimum is known, so that agents are ranked by their regret to it."""
        return bool(self.evaluation_regrets)

    @property
    def score_in_words(self) -> str:
        """What the scores are, such as ``"test accuracy"``."""
        if not self.has_regret:
            return f"test {self.metric}"
        return f"{self.seen} at full fidelity{' (selected on)' * self.selects_on_test}"

    @property
    def seen(self) -> str:
        """What the searches saw, such as ``"validation accuracy"``."""
        return f"{'test' if self.selects_on_test else 'validation'} {self.metric}"

    def by_access(self) -> dict[str, Analysis]:
        """Return the comparison of the agents of each access alone, if there are several accesses.

        Agents that may ask for any architecture and agents that must walk to it answer different
        questions. Only accesses with two agents and more are compared. p-values stay corrected for
        all pairs of the comparison, so that no difference is significant in one view and not in another.
        """
        groups: dict[str, set[str]] = {}
        for row in self.agents:
            groups.setdefault(row.access, set()).add(row.agent)
        if len(groups) == 1:
            return {}
        return {access: self.among(names) for access, names in groups.items() if len(names) > 1}

    def among(self, names: set[str]) -> Analysis:
        """Return the comparison of some of the agents, with p-values as corrected for all pairs."""
        agents = tuple(row for row in self.agents if row.agent in names)
        pairs = tuple(pair for pair in self.pairs if {pair.first, pair.second} <= names)
        kept: dict[str, Any] = {
            name: {agent: each for agent, each in getattr(self, name).items() if agent in names}
            for name in PER_AGENT
        }
        return replace(
            self,
            agents=agents,
            pairs=pairs,
            verdict=(found(pairs), self.verdict[1], *more_often(pairs)),
            **kept,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able values of all attributes."""
        return {
            "metric": self.score_in_words,
            "selects_on_test": self.selects_on_test,
            "estimand": f"{self.estimand.name} {'regret' if self.has_regret else self.score_in_words}",
            "agents": [asdict(agent) for agent in self.agents],
            "pairs": [asdict(pair) for pair in self.pairs],
            "kruskal_wallis_p": self.omnibus,
            "verdict": list(self.verdict),
            "notes": list(self.notes),
            "constant_answer": self.chance,
            "by_access": {
                access: {"agents": [row.agent for row in each.agents], "verdict": list(each.verdict)}
                for access, each in self.by_access().items()
            },
            "scores": {agent: list(scores) for agent, scores in self.scores.items()},
            "test_scores": {agent: list(scores) for agent, scores in self.tests.items()},
            "incumbent_by_evaluations": {a: curve.as_dict() for a, curve in self.evaluation_curves.items()},
            "incumbent_by_seconds": {a: curve.as_dict() for a, curve in self.second_curves.items()},
            "regret_by_evaluations": {a: curve.as_dict() for a, curve in self.evaluation_regrets.items()},
            "regret_by_seconds": {a: curve.as_dict() for a, curve in self.second_regrets.items()},
        }


PER_AGENT = (
    "scores",
    "tests",
    "evaluation_curves",
    "second_curves",
    "evaluation_regrets",
    "second_regrets",
)


def analyse(runs: Sequence[Run], *, selects_on_test: bool = False) -> Analysis:
    """Rank the agents of the runs of one task and test every two of them.

    Args:
        runs: at least one run of each of at least two agents.
        selects_on_test: whether the scores that the searches saw are test scores.

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
        notes=(*_guessing(ranked, runs[0].chance, metric), *notes_on(groups)),
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
    )


def has_regret(runs: Sequence[Run]) -> bool:
    """Return whether the optimum is known of all runs."""
    return all(run.regrets is not None for run in runs)


def estimand_of(runs: Sequence[Run]) -> Estimand:
    """Return what the runs of an agent are summed up by; the module says why."""
    return MEAN if has_regret(runs) else IQM


def worths(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Return per agent what its runs are ranked and tested by, more is better, float (runs,)."""
    known = has_regret(runs)
    return {
        agent: np.array(
            [-run.regrets[-1] if known and run.regrets is not None else run.test for run in group]
        )
        for agent, group in by_agent(runs).items()
    }


def summarise(runs: Sequence[Run], estimand: Estimand | None = None) -> AgentSummary:
    """Return the row of one agent, by the estimand of its comparison or of these runs alone."""
    estimand = estimand or estimand_of(runs)
    score, tests, validations, seen = (
        estimand.interval([np.array(values)], BOOTSTRAP_SEED).within(0, 1)
        for values in zip(*((run.score, run.test, run.validation, run.seen) for run in runs), strict=True)
    )
    best = max(runs, key=lambda run: run.validation)
    regrets = np.array([run.regret for run in runs if run.regret is not None])
    known = estimand is MEAN
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
