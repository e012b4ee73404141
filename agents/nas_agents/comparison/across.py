"""Several tasks together: stratified intervals, tests where there are six tasks or more, the report.

The estimand is the mean over tasks of what an agent's runs on each are summed up by, as normalised scores.
Agents are ranked by it and it has the interval, over more runs on these tasks. It is tested over tasks, by
sign flips: Wilcoxon's signed ranks, which are customary, ask another question, so that they can find the
agent significantly better that is ranked lower (one that wins on most tasks by little and loses by much).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from nas_agents.comparison.analysis import BOOTSTRAP_SEED, estimand_of, has_fronts
from nas_agents.comparison.records import Run, by_agent, metric_of
from nas_agents.comparison.report import COUNTED, Setting, foot
from nas_agents.comparison.significance import (
    ALPHA,
    TASKS_FOR_TESTS,
    friedman,
    holm,
    sign_flip_test,
)
from nas_agents.comparison.statistics import Estimand, Interval, improvement_interval
from nas_agents.comparison.tables import interval, markdown_table, p_value
from nas_agents.comparison.verdict import found, more_often, reach_of_tasks, too_few_tasks
from nas_gym.common import escaped

NORMALISED = """\
test {metric} of the chosen network (on a table its validation {metric} at full fidelity)
  above guessing, ({metric} - guessing) / (1 - guessing), so that tasks can be put together: 0 is the
  {metric} of the best constant answer, 1 is perfect."""
SHARE = """\
share of the hypervolume of the exact front of a task's table that the front of a run has, or of the front
  of all that was found on a task without one; see the report of each task. Scores on the fronts are
  validation {metric}."""
HOW_TO_READ = """\
- **Score**: {score} The table gives the mean over tasks of the
  {estimand} over the runs on each, by which agents are ranked and tested, with a 95% interval over more
  runs on these tasks (a bootstrap within each task, widened for few runs; in simulations it held the truth
  in 94 to 99% of cases). How much the score would differ on other tasks is not in it.
- **Mean rank**: of the agent's {estimand} within each task, averaged over tasks; 1 is best.
- **P(better)**: the probability that a run of the first agent scores above one of the second on the same
  task, averaged over tasks, with Newcombe's 95% interval over more runs on these tasks. It says how
  often, not by how much, and does not decide what is significant.
- **p**: a sign-flip test over tasks of the difference in score, the larger of its p-value and that of
  Student's t; **p (Holm)** corrected for the number of pairs. It is for tasks like these. Friedman's test
  asks by ranks within tasks whether the agents differ at all."""


@dataclass(frozen=True, slots=True)
class AgentAcross:
    """One row of the ranking over tasks.

    Attributes:
        agent: label.
        access: ``"walk"`` or ``"query"``.
        score: mean over tasks of the estimate from its normalised scores on each.
        rank: mean rank of these estimates within each task, 1 the best.
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
        difference: score of the first minus that of the second.
        improvement: probability that a run of the first beats one of the second on the same task.
        p: p-value of the sign-flip test over tasks, None below six tasks.
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
        metric: what a score is called on every task, such as ``"accuracy"``.
        estimand: what the runs on each task are summed up by.
        tasks: the tasks.
        agents: best first.
        pairs: every two agents.
        omnibus: p-value of Friedman's test, None below six tasks or three agents.
        verdict: what the tests found and what they could have found, in sentences.
        of_fronts: whether scores are shares of hypervolume, of several objectives.
    """

    metric: str
    estimand: Estimand
    tasks: tuple[str, ...]
    agents: tuple[AgentAcross, ...]
    pairs: tuple[PairAcross, ...]
    omnibus: float | None
    verdict: tuple[str, ...]
    of_fronts: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able values of all attributes."""
        score = "share of hypervolume" if self.of_fronts else "normalised score"
        return {
            "metric": self.metric,
            "estimand": f"mean over tasks of the {self.estimand.name} {score}",
            "tasks": list(self.tasks),
            "agents": [asdict(agent) for agent in self.agents],
            "pairs": [asdict(pair) for pair in self.pairs],
            "friedman_p": self.omnibus,
            "verdict": list(self.verdict),
        }


def compare_across(runs: Mapping[str, Sequence[Run]]) -> Across:
    """Rank agents over tasks by their score above guessing, (score - chance) / (1 - chance).

    Args:
        runs: per task the runs of the same agents, at least two.

    Raises:
        NASGymError: if the tasks are scored by different metrics.
    """
    every = [run for group in runs.values() for run in group]
    metric = metric_of(every)
    scores = normalised(runs)
    estimand = estimand_of(every)
    estimates = {agent: np.array([estimand.of(task) for task in tasks]) for agent, tasks in scores.items()}
    table = np.array(list(estimates.values())).T
    ranks = stats.rankdata(-table, axis=1).mean(axis=0)
    access = {run.agent: run.access for run in every}
    rows = [
        AgentAcross(agent, access[agent], estimand.interval(values, BOOTSTRAP_SEED), float(rank))
        for (agent, values), rank in zip(scores.items(), ranks, strict=True)
    ]
    ranked = tuple(sorted(rows, key=lambda row: (-float(estimates[row.agent].mean()), row.agent)))
    tested = len(runs) >= TASKS_FOR_TESTS
    pairs = _pairs(scores, {row.agent: estimates[row.agent] for row in ranked}, tested=tested)
    return Across(
        metric=metric,
        estimand=estimand,
        tasks=tuple(runs),
        agents=ranked,
        pairs=pairs,
        omnibus=friedman(table) if tested and len(rows) > 2 else None,
        verdict=(
            *(
                (found(pairs), reach_of_tasks(len(runs), len(pairs)))
                if tested
                else (too_few_tasks(len(runs)),)
            ),
            *more_often(pairs),
        ),
        of_fronts=has_fronts(every),
    )


def normalised(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[np.ndarray]]:
    """Return per agent and task the scores of its runs, 0 for guessing and 1 for perfect.

    Where the best constant answer is always right there is nothing to learn, and every score is 0. Of several
    objectives scores are shares of hypervolume, 0 for nothing and 1 for the whole front.
    """
    scores: dict[str, list[np.ndarray]] = {}
    for group in runs.values():
        for agent, its_runs in by_agent(group).items():
            values = [
                run.score if run.front is not None else _above_guessing(run.score, run.chance)
                for run in its_runs
            ]
            scores.setdefault(agent, []).append(np.array(values))
    return scores


def _above_guessing(score: float, chance: float) -> float:
    return (score - chance) / (1 - chance) if chance < 1 else 0.0


def _pairs(
    scores: Mapping[str, list[np.ndarray]], estimates: Mapping[str, np.ndarray], *, tested: bool
) -> tuple[PairAcross, ...]:
    """Return every two agents, in the order of the estimates."""
    names = list(combinations(estimates, 2))
    p = [sign_flip_test(estimates[a] - estimates[b], BOOTSTRAP_SEED).p if tested else None for a, b in names]
    adjusted = [float(value) for value in holm([x for x in p if x is not None])] if tested else p
    return tuple(
        PairAcross(
            first=a,
            second=b,
            difference=float(estimates[a].mean() - estimates[b].mean()),
            improvement=improvement_interval(scores[a], scores[b]),
            p=own,
            adjusted=corrected,
            significant=corrected is not None and corrected <= ALPHA,
        )
        for (a, b), own, corrected in zip(names, p, adjusted, strict=True)
    )


def across_markdown(across: Across, setting: Setting, figures: Sequence[Path]) -> str:
    """Return the whole report as Markdown."""
    omnibus = "" if across.omnibus is None else f"Friedman test: p = {p_value(across.omnibus)}."
    parts = [
        f"# {escaped(setting.environment)}, {escaped(setting.space)} on {len(across.tasks)} tasks",
        f"{len(across.agents)} agents on {escaped(', '.join(across.tasks))}: {setting.effort}.",
        *[f"> **Caution:** {escaped(sentence)}" for sentence in setting.cautions],
        *[f"> **Missing:** {escaped(sentence)}" for sentence in setting.missing],
        *([f"> {COUNTED}"] if setting.missing else []),
        "## Ranking",
        _ranking(across),
        "## Differences",
        *([omnibus] if omnibus else []),
        _differences(across),
        *across.verdict,
        "## Figures",
        *[f"![{figure.stem.replace('_', ' ')}]({figure.name})" for figure in figures],
        "## How to read this",
        HOW_TO_READ.format(
            score=(SHARE if across.of_fronts else NORMALISED).format(metric=across.metric),
            estimand=across.estimand.name,
        ),
        foot(setting),
    ]
    return "\n\n".join(parts) + "\n"


def _ranking(across: Across) -> str:
    rows = [
        (str(rank), row.agent, row.access, interval(row.score), f"{row.rank:.2f}")
        for rank, row in enumerate(across.agents, start=1)
    ]
    return markdown_table(("rank", "agent", "access", "score", "mean rank"), rows)


def _differences(across: Across) -> str:
    rows = [
        (
            pair.first,
            pair.second,
            f"{pair.difference:+.4f}",
            interval(pair.improvement, digits=2),
            "-" if pair.p is None else p_value(pair.p),
            "-" if pair.adjusted is None else p_value(pair.adjusted),
            "**yes**" if pair.significant else "no",
        )
        for pair in across.pairs
    ]
    heads = ("first", "second", "difference of scores", "P(better)", "p", "p (Holm)", "significant at 5%")
    return markdown_table(heads, rows)
