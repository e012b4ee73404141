"""The worth of edits, to judge which of two policies makes the better ones: by a table, or by fresh seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.envs import RecordedReward
from nas_gym.explain.evidence.rescoring import MOST_TRAININGS, SEEDS, measure
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.scores import Evaluations
from nas_gym.explain.evidence.setting import discount_of
from nas_gym.explain.methods.policies.optimal_values import LARGEST, OptimalValues
from nas_gym.explain.report.phrases import counted
from nas_gym.search_spaces import Architecture
from nas_gym.traces import State

MOST_MEASURED = 400


@dataclass(frozen=True, slots=True)
class Judgement:
    """The worth of edits.

    Attributes:
        values: value of each edit in its state; None where it is not known.
        source: what the edits are judged by, in words.
        unit: what the values are, in words.
    """

    values: Sequence[float | None]
    source: str
    unit: str


def judge(
    runs: tuple[Evidence, Evidence], edits: Sequence[tuple[State, int]], budget: int | None
) -> Judgement:
    """Return the worth of edits: exact where every score is known, else that of the network they lead to.

    Args:
        runs: two runs on the same space and task.
        edits: states and edits, those that matter most first.
        budget: number of trainings with fresh seeds at most; None for 200.
    """
    problem, space = runs[0].problem, runs[0].search_space
    known = problem.evaluator.free and not isinstance(problem.reward, RecordedReward)
    if known and space.size <= LARGEST:
        if problem.reward.sees == "scores":
            seen = problem.evaluator.scores(list(space))
        else:
            seen = Evaluations(problem.evaluator).of(list(space))
        gamma = discount_of(runs[0].config)
        optimal = OptimalValues(space, seen, problem.reward, problem.horizon, gamma)
        return Judgement(
            [float(optimal.of(state)[edit]) for state, edit in edits],
            "the best that can follow an edit (value iteration over all networks of the space)",
            f"reward discounted by {gamma:g} a step",
        )
    leads_to = [space.apply(state.architecture, edit) for state, edit in edits]
    most = MOST_TRAININGS if budget is None else budget
    afforded = MOST_MEASURED if problem.evaluator.free else most // SEEDS
    return _fresh(runs[0], leads_to, afforded) if afforded >= 2 else _seen(runs, leads_to)


def _fresh(run: Evidence, leads_to: Sequence[Architecture], afforded: int) -> Judgement:
    """Return mean scores of as many networks as can be afforded, with seeds that the search did not see."""
    measured = list(dict.fromkeys(leads_to))[:afforded]
    scores = measure(run, dict.fromkeys(measured, SEEDS))
    return Judgement(
        [float(scores.of(one).mean()) if len(scores.of(one)) else None for one in leads_to],
        f"the mean {run.metric.label} right after the edit, {scores.source}, in the states visited most "
        f"({counted(len(measured), 'network')}); what follows later does not count",
        run.metric.label,
    )


def _seen(runs: tuple[Evidence, Evidence], leads_to: Sequence[Architecture]) -> Judgement:
    """Return the scores of networks that either run saw."""
    known = {
        str(one.architecture): one.score for run in runs for one in run.succeeded if one.fidelity is None
    }
    label = runs[0].metric.label
    return Judgement(
        [known.get(str(one)) for one in leads_to],
        f"the {label} right after the edit that the runs themselves saw, where either did, which favours the "
        "one that learned from it; what follows later does not count",
        label,
    )
