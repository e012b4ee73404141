"""Scores of any architectures, as well as they are known: by a table, the run, or a model of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym._clock import check_time
from nas_gym.evaluators import Evaluator
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import State

FEWEST_TO_LEARN_FROM = 30
LEAST_RANK_CORRELATION = 0.5
FOLDS = 5


class ArchitectureScores:
    """Scores of architectures, measured or estimated.

    Args:
        known: scores by the text of an architecture.
        source: origin of the scores, in words.
        model: function that estimates the scores of other architectures; None where there is none.

    Attributes:
        source: origin of the scores, in words.
        exact: whether no score is an estimate.
    """

    def __init__(self, known: Mapping[str, float], source: str, model: Any = None) -> None:
        self._known, self._model = dict(known), model
        self.source, self.exact = source, model is None

    def of(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the scores, float64 (N,), each measured or estimated."""
        texts = [str(one) for one in architectures]
        unknown = {
            text: one for text, one in zip(texts, architectures, strict=True) if text not in self._known
        }
        if unknown:
            estimated = self._model(list(unknown.values()))
            self._known.update(zip(unknown, map(float, estimated), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float64)

    def knows(self, architecture: Architecture) -> bool:
        """Return whether the score was measured, or estimated before."""
        return str(architecture) in self._known


class _ComputedScores(ArchitectureScores):
    """Scores of an evaluator that is free."""

    def __init__(self, evaluator: Evaluator, source: str) -> None:
        super().__init__({}, source, evaluator.scores)
        self.exact = True

    def knows(self, architecture: Architecture) -> bool:
        return True


class Evaluations:
    """Evaluations of any architectures, of an evaluator that is free.

    Args:
        evaluator: evaluator of the run.

    Attributes:
        source: origin of the evaluations, in words.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        kind = "the function" if evaluator.table is None else "the table"
        self.source = f"evaluations of {kind} that the run was evaluated by"
        self._evaluator = evaluator

    def of(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the evaluations, object (N,); means over recorded seeds where these are drawn."""
        distinct = list(dict.fromkeys(architectures))
        found = dict(zip(distinct, self._evaluator.evaluate_architectures(distinct), strict=True))
        return np.array([found[one] for one in architectures], dtype=object)


def scores_of_space(evidence: Evidence, seed: int = 0) -> ArchitectureScores | str:
    """Return the scores of all architectures of a run's space, or why they are not known well enough.

    Scores of a table or a function are exact. Otherwise they are those that the run measured, and for other
    architectures estimates of extremely randomised trees (Geurts et al. 2006) learned from them. The
    estimates are used only where, in a cross-validation, they rank architectures with a correlation of at
    least 0.5.
    """
    evaluator, label = evidence.evaluator, evidence.metric.label
    if evaluator.free:
        kind = "the function" if evaluator.table is None else "the table"
        return _ComputedScores(evaluator, f"the {label} in {kind} that the run was evaluated by")
    seen = {str(one.architecture): one for one in evidence.succeeded if one.fidelity is None}
    if len(seen) < FEWEST_TO_LEARN_FROM:
        return (
            f"The run measured {len(seen)} networks, too few to estimate the {label} of others, and "
            "training those would take longer than an explanation may."
        )
    architectures = [one.architecture for one in seen.values()]
    measured = np.array([one.score for one in seen.values()])
    model, correlation = _learned(evidence.search_space, architectures, measured, seed)
    if not correlation >= LEAST_RANK_CORRELATION:
        return (
            f"The {label} of networks that the run did not measure cannot be estimated from those that it "
            f"did (rank correlation {correlation:.2f} in a cross-validation, {LEAST_RANK_CORRELATION} is "
            "needed), and training them would take longer than an explanation may."
        )
    source = (
        f"the {label} of the {len(seen)} networks that the run measured, and for other networks estimates of "
        f"a model learned from these (rank correlation {correlation:.2f} in a cross-validation)"
    )
    return ArchitectureScores({text: one.score for text, one in seen.items()}, source, model)


def _learned(
    space: SearchSpace[Any], architectures: Sequence[Architecture], measured: np.ndarray, seed: int
) -> tuple[Any, float]:
    """Return a model of the measured scores, and how well it ranks those that it did not see."""
    from scipy.stats import spearmanr
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.model_selection import KFold, cross_val_predict

    questions = Questions(space)

    def described(some: Sequence[Architecture]) -> np.ndarray:
        return questions.answers([State(one) for one in some]).astype(np.float32)

    check_time()
    model = ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, random_state=seed)
    known = described(architectures)
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    estimated = cross_val_predict(model, known, measured, cv=folds)
    check_time()
    constant = np.ptp(measured) == 0 or np.ptp(estimated) == 0
    correlation = 0.0 if constant else float(spearmanr(measured, estimated).statistic)
    model.fit(known, measured)
    return (lambda some: model.predict(described(some))), correlation
