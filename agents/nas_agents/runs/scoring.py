"""What the networks that a search chose are worth, measured by what the search did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

from nas_gym.envs import worth_of
from nas_gym.evaluators import final_estimate, standing

if TYPE_CHECKING:
    from nas_agents.result import Result
    from nas_gym.envs import Problem, Reward
    from nas_gym.evaluators import Evaluation, FinalScore

ROUNDING = 12


def score(env: Problem, found: Result) -> dict[str, Any]:
    """Return the score of a finished search's choice and, where the optimum is known, of its incumbents.

    Under a reward on evaluations, optimum and regret are of what that reward pays, not of the score.

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
    worths = _worths(env, found) if optimum is not None else None
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
    worth, best = (known, optimum) if worths is None else worths

    def regret(text: str) -> float:
        return _regret(best, worth[text])

    incumbents = []
    for number, evaluation in leaders(found.evaluations, env.reward):
        text = evaluation.architecture
        if text not in known:
            known[text] = _validation(_test(env, text, found.seed))
        incumbents.append({"evaluation": number, "validation_score": known[text], "regret": regret(text)})
    if worths is not None:
        values |= {"worth": worth[found.architecture]}
    return values | {
        "optimum": best,
        "regret": regret(found.architecture),
        "incumbents": incumbents,
    }


def leaders(evaluations: Sequence[Evaluation], reward: Reward | None = None) -> list[tuple[int, Evaluation]]:
    """Return the evaluations that were the incumbent for a while, with their numbers from 1.

    Args:
        evaluations: those of a search, in order.
        reward: reward that it followed; None for the score.
    """
    found: list[tuple[int, Evaluation]] = []
    worth = None if reward is None else partial(worth_of, reward, first=evaluations[0])
    for number, evaluation in enumerate(evaluations, start=1):
        if not found or standing(evaluation, worth) > standing(found[-1][1], worth):
            found.append((number, evaluation))
    return found


def _worths(env: Problem, found: Result) -> tuple[dict[str, float], float] | None:
    """Return what each network of a table is worth under a reward on evaluations, by its text, and the most.

    None under a reward of scores, and of a vector, whose regret is that of the score.
    """
    if env.reward.sees == "scores" or env.reward.shape:
        return None
    every = env.evaluator.final_evaluations(list(env.search_space))
    worths = {one.architecture: worth_of(env.reward, one, found.evaluations[0]) for one in every}
    return worths, max(worths[one.architecture] for one in every if not one.failed)


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
