"""The plain methods that a task's field would try first, by what its examples are.

| examples | methods |
|---|---|
| numbers | a linear model and a random forest |
| texts | a linear model on how often each run of 1 to 3 tokens is there, a forest on single tokens |
| molecules | a linear model on counts of Morgan fingerprints, a forest on sums over the atoms |
| language models, translations | counts of what follows the token before, and the two before |
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from nas_gym.errors import DataError
from nas_gym.explain.evidence.token_counts import (
    BIGRAM,
    MOST_NUMBERS,
    TRIGRAM,
    CountedModel,
    counted_models,
)
from nas_gym.explain.evidence.token_runs import LONGEST, TokenRuns
from nas_gym.tasks import MoleculeForm, PairForm, Task, TextForm, TokenInputs, Tokens, morgan_counts

LEAST = 1e-3  # of a probability, since a forest of few trees gives 0 to what it never saw
TREES = 100
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Of a ridge on fingerprints: with that of scikit-learn the rarest of them fit single molecules."""


class Predictor(Protocol):
    """A fitted method."""

    @property
    def size(self) -> int:
        """Numbers that a prediction is computed from."""

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Return what it gives for examples, as a network does, float (n, outputs)."""

    def timed(self, x: np.ndarray) -> Callable[[], object]:
        """Return what predicts these examples, to take the time of."""


@dataclass(frozen=True)
class PlainMethod:
    """A method that is not fitted yet.

    Attributes:
        key: as of `nas_gym.explain.evidence.simple_methods.Method`.
        name: for readers.
        fit: from training examples and what is to be predicted to the fitted method.
    """

    key: str
    name: str
    fit: Callable[[np.ndarray, np.ndarray], Predictor]


def plain_methods(task: Task, seed: int) -> list[PlainMethod]:
    """Return the plain methods for a task.

    Args:
        task: data.
        seed: seed of the forest.
    """
    if isinstance(task.target, Tokens):
        return _counting(task)
    linear, forest = _models(task, seed)
    read, reads, models = _reading(task, linear[1])
    on = "" if task.coded is None else f" on {task.coded.plain_words}"
    return [
        PlainMethod("linear", f"{linear[0]}{reads}", partial(_fitted, task, models, read)),
        PlainMethod("forest", f"{forest[0]}{on}", partial(_fitted, task, [forest[1]], _read_plain)),
    ]


def _models(task: Task, seed: int) -> tuple[tuple[str, Any], tuple[str, Any]]:
    """Return the linear model and the forest for what is predicted, each with its name."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier

    options = {"n_estimators": TREES, "random_state": seed, "n_jobs": 1}
    name = f"random forest of {TREES} trees"
    if task.target.kind == "values":
        return ("ridge regression", Ridge()), (name, RandomForestRegressor(**options))
    forest = name, RandomForestClassifier(**options)
    if task.target.kind == "labels":
        each = OneVsRestClassifier(LogisticRegression(max_iter=1000))
        return ("logistic regression for each label", each), forest
    return ("logistic regression", LogisticRegression(max_iter=1000)), forest


Reader = Callable[[np.ndarray], Any]
"""From examples to what a model of scikit-learn reads."""


def _reading(task: Task, model: Any) -> tuple[Callable[[Task, np.ndarray], Reader], str, Sequence[Any]]:
    """Return how a linear model reads examples, that in words, and the models of which the best is taken."""
    if isinstance(task.coded, TokenInputs):
        unit = task.files.unit if isinstance(task.files, TextForm) else "tokens"
        return _read_runs, f" on how often each run of 1 to {LONGEST} {unit} is there", [model]
    if isinstance(task.files, MoleculeForm) and _can_read_molecules(task):
        models = [model]
        if task.target.kind == "values":
            from sklearn.linear_model import Ridge

            models = [Ridge(strength) for strength in STRENGTHS]
        return _read_fingerprints, " on counts of Morgan fingerprints", models
    lacks = ", since Morgan fingerprints need RDKit" if isinstance(task.files, MoleculeForm) else ""
    return _read_plain, "" if task.coded is None else f" on {task.coded.plain_words}{lacks}", [model]


def _read_plain(task: Task, x_train: np.ndarray) -> Reader:
    return task.plain


def _read_runs(task: Task, x_train: np.ndarray) -> Reader:
    assert isinstance(task.coded, TokenInputs)
    return TokenRuns(x_train, len(task.coded.vocabulary))


def _read_fingerprints(task: Task, x_train: np.ndarray) -> Reader:
    from scipy.sparse import csr_matrix

    return lambda x: csr_matrix(morgan_counts(x))


def _can_read_molecules(task: Task) -> bool:
    try:
        morgan_counts(task.x_train[:1])
    except DataError:  # without RDKit
        return False
    return True


def _fitted(
    task: Task,
    models: Sequence[Any],
    reading: Callable[[Task, np.ndarray], Reader],
    x: np.ndarray,
    y: np.ndarray,
) -> Predictor:
    """Return the fitted model; of several the best on the validation part, by which networks are chosen."""
    read = reading(task, x)
    shown, truth = read(x), y.ravel() if task.outputs == 1 else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a linear model has not converged changes little
        fitted = [_Model(task, model.fit(shown, truth), read) for model in models]
    if len(fitted) == 1:
        return fitted[0]
    validation = read(task.x_validation)
    return max(fitted, key=lambda one: task.target.measure(one.answers(validation), task.y_validation)[0])


@dataclass(frozen=True, eq=False)
class _Model:
    """A fitted model of scikit-learn."""

    task: Task
    model: Any
    read: Reader

    @property
    def size(self) -> int:
        return _size(self.model)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return self.answers(self.read(x))

    def timed(self, x: np.ndarray) -> Callable[[], object]:
        shown = self.read(x)
        return lambda: self.model.predict(shown)

    def answers(self, shown: Any) -> np.ndarray:
        """Return the outputs for examples as the model reads them."""
        task, model = self.task, self.model
        if task.target.kind == "classes":
            probabilities = np.asarray(model.predict_proba(shown))
            if task.target.metric.share_of_examples:
                return probabilities
            logits: np.ndarray = np.log(np.maximum(probabilities, LEAST))  # as outputs of a network are read
            return logits
        if task.target.kind == "labels":
            odds = np.clip(_of_labels(model.predict_proba(shown)), LEAST, 1 - LEAST)
            log_odds: np.ndarray = np.log(odds / (1 - odds))
            return log_odds
        return np.asarray(model.predict(shown)).reshape(shown.shape[0], -1)


def _of_labels(probabilities: Any) -> np.ndarray:
    """Return the probability of each label (n, labels), of a list of arrays (n, 2) for a forest."""
    if isinstance(probabilities, list):
        return np.stack([np.asarray(one)[:, -1] for one in probabilities], axis=1)
    return np.asarray(probabilities)


def _size(model: Any) -> int:
    if hasattr(model, "estimators_") and not hasattr(model.estimators_[0], "tree_"):
        return sum(map(_size, model.estimators_))
    if hasattr(model, "estimators_"):
        # A node holds the feature it asks for and a threshold, or its answer.
        return int(sum(tree.tree_.node_count * (1 + tree.tree_.value[0].size) for tree in model.estimators_))
    return int(np.size(model.coef_) + np.size(model.intercept_))


def _counting(task: Task) -> list[PlainMethod]:
    """Return language models that count, of answers that follow on one another; else none."""
    target, coded = task.target, task.coded
    if not isinstance(target, Tokens) or not isinstance(coded, TokenInputs):
        return []
    if not target.causal or coded.lengths[-1] != target.positions:
        return []
    codes, names, where = len(coded.vocabulary), len(target.names), coded.lengths[-1]
    if codes * names > MOST_NUMBERS:
        return []
    of = " of the answer, whatever the source" if isinstance(task.files, PairForm) else ""

    def fit(key: str, x: np.ndarray, y: np.ndarray) -> Predictor:
        return _Counted(counted_models(x[:, -where:], y, codes, names)[key], where)

    named = {BIGRAM: "counts of the token before", TRIGRAM: "counts of the two tokens before"}
    return [PlainMethod(key, f"{name}{of}", partial(fit, key)) for key, name in named.items()]


@dataclass(frozen=True, eq=False)
class _Counted:
    """A language model that counts.

    Attributes:
        model: the model.
        where: codes at the end of an example that it reads.
    """

    model: CountedModel
    where: int

    @property
    def size(self) -> int:
        return self.model.size

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return self.model.outputs(x[:, -self.where :])

    def timed(self, x: np.ndarray) -> Callable[[], object]:
        return lambda: self.outputs(x)
