"""What a comparison says of one task: a row for each agent, a test for each two, curves, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from nas_agents.comparison.curves import Curve
from nas_agents.comparison.fronts.summary import Fronts
from nas_agents.comparison.statistics import Estimand, Interval
from nas_agents.comparison.verdict import found, more_often


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
        agents: best first: by mean share of hypervolume where there are several objectives, by mean regret
            where the optimum is known, else by the interquartile mean of the test scores.
        pairs: every two agents, in the order of the ranking.
        omnibus: p-value of no difference between any of all agents (Kruskal-Wallis).
        verdict: what the tests found and what they could have found, in sentences.
        notes: what has to be known beside the numbers, in sentences.
        chance: score of the best constant answer, on the examples of the scores.
        scores: per agent the score of each run, in order of the seeds.
        tests: per agent the test score of each run, in order of the seeds.
        evaluation_curves: per agent the incumbent, or the share of hypervolume, against evaluations.
        second_curves: per agent the same against recorded seconds.
        evaluation_regrets: per agent its regret against evaluations; empty where it is not known.
        second_regrets: per agent its regret against recorded seconds; empty where it is not known.
        selects_on_test: whether the scores that the searches saw are test scores, so that what
            is called validation is the same number as test.
        fronts: what was found of several objectives; None where there is one.
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
    fronts: Fronts | None = None

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
        if self.fronts is not None:
            return self.fronts.share_in_words
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
        curve = "incumbent" if self.fronts is None else "hypervolume"
        values = {
            "metric": self.score_in_words,
            "selects_on_test": self.selects_on_test,
            "estimand": f"{self.estimand.name} {'regret' if self.has_regret else self.score_in_words}",
            "agents": [asdict(row) | self._of_front(row.agent) for row in self.agents],
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
            f"{curve}_by_evaluations": {a: each.as_dict() for a, each in self.evaluation_curves.items()},
            f"{curve}_by_seconds": {a: each.as_dict() for a, each in self.second_curves.items()},
            "regret_by_evaluations": {a: each.as_dict() for a, each in self.evaluation_regrets.items()},
            "regret_by_seconds": {a: each.as_dict() for a, each in self.second_regrets.items()},
        }
        return values | ({} if self.fronts is None else self.fronts.as_dict())

    def _of_front(self, agent: str) -> dict[str, Any]:
        return {} if self.fronts is None else self.fronts.rows[agent].as_dict()


PER_AGENT = (
    "scores",
    "tests",
    "evaluation_curves",
    "second_curves",
    "evaluation_regrets",
    "second_regrets",
)
