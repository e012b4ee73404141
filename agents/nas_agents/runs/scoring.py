"""What the networks that a search chose are worth, measured by what the search did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from nas_gym.evaluators import final_estimate, standing

if TYPE_CHECKING:
    from nas_agents.result import Result
    from nas_gym.envs import Problem
    from nas_gym.evaluators import Evaluation, FinalScore

ROUNDING = 12


def score(env: Problem, found: Result) -> dict[str, Any]:
    """Return the score of a finished search's choice and, where the optimum is known, of its incumbents.

    Args:
        env: environment that was searched.
        found: outcome of the search.

    Returns:
        ``"validation_score"`` and ``"test_score"``, means over seeds that score the choice, and
        ``"final"``, the scores and other metrics by each of those seeds. ``"on_new_examples"``: the test
        score of the kept network, or the mean of the trainings that a table recorded, with an interval for
        new examples; None where that is not known. ``"constant_answer"``: the best one and its scores,
        None where that is not known. Where the evaluator knows its `optimum` also that, ``"regret"`` of the
        choice to it, and ``"incumbents"``: for each network that was the best seen for a while from which
        evaluation on (from 1), its validation score and its regret.
    """
    scores = _test(env, found.architecture, found.seed)
    validation = _validation(scores)
    evaluator = env.evaluator
    # The optimum is known of a table: its trainings are recorded, and none of their networks is kept.
    optimum = evaluator.optimum()
    estimate = final_estimate(scores, evaluator.examples(), trained=optimum is None)
    constant = evaluator.constant_answer()
    values: dict[str, Any] = {
        "validation_score": validation,
        "test_score": fmean(score.test_score for score in scores),
        "final": [_final(score) for score in scores],
        "on_new_examples": None if estimate is None else asdict(estimate) | {"seeds": list(estimate.seeds)},
        "constant_answer": None if constant is None else asdict(constant),
    }
    if optimum is None:
        return values
    known = {found.architecture: validation}
    incumbents = []
    for number, evaluation in leaders(found.evaluations):
        text = evaluation.architecture
        if text not in known:
            known[text] = _validation(_test(env, text, found.seed))
        regret = _regret(optimum, known[text])
        incumbents.append({"evaluation": number, "validation_score": known[text], "regret": regret})
    return values | {
        "optimum": optimum,
        "regret": _regret(optimum, validation),
        "incumbents": incumbents,
    }


def leaders(evaluations: Sequence[Evaluation]) -> list[tuple[int, Evaluation]]:
    """Return the evaluations that were the incumbent for a while, with their numbers from 1."""
    found: list[tuple[int, Evaluation]] = []
    for number, evaluation in enumerate(evaluations, start=1):
        if not found or standing(evaluation) > standing(found[-1][1]):
            found.append((number, evaluation))
    return found


def _test(env: Problem, architecture: str, run_seed: int) -> list[FinalScore]:
    evaluator = env.evaluator
    return evaluator.test(env.search_space.parse(architecture), evaluator.final_seeds(run_seed))


def _validation(scores: Sequence[FinalScore]) -> float:
    return fmean(score.validation_score for score in scores)


def _regret(optimum: float, score: float) -> float:
    # The optimum is a mean of the same numbers, summed in another order.
    return max(0.0, round(optimum - score, ROUNDING))


def _final(score: FinalScore) -> dict[str, Any]:
    return {
        name: getattr(score, name) for name in ("seed", "validation_score", "test_score", "metrics", "error")
    }
