"""How well simple methods do on the data of a run, what they weigh, and how fast they answer."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from nas_gym._clock import check_time, in_time
from nas_gym.networks import NetworkModule
from nas_gym.tasks import Task, constant_answer

MOST_EXAMPLES = 20_000
"""Training examples that a simple method is fitted on at most, so that a report takes seconds."""
LEAST = 1e-3  # of a probability, since a forest of few trees gives 0 to what it never saw
TREES = 100
AT_ONCE = 2048
TIMED, REPEATS = 1_000, 5
"""Examples that are predicted to take the time, and how often; the middle time counts."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to predict, and what it costs.

    Attributes:
        key: ``"constant"``, ``"linear"``, ``"forest"`` or ``"network"``.
        name: for readers.
        validation, test: scores on the validation and the test examples, in [0, 1].
        size: numbers that a prediction is computed from: weights, or thresholds and answers of trees.
        seconds: time to predict `TIMED` examples, by one thread of this machine.
        fitted_on: training examples that it was fitted on.
        outputs: what it gives for the test examples, as a network does, float (n, outputs).
    """

    key: str
    name: str
    validation: float
    test: float
    size: int
    seconds: float | None
    fitted_on: int
    outputs: np.ndarray


_KEPT = 8
# The last fitted methods by data, metric, method and seed: a process that explains several runs fits once.
_fits: dict[tuple[str, str, str, int], Method] = {}


def simple_methods(task: Task, seed: int) -> tuple[list[Method], tuple[str, ...]]:
    """Return the best constant answer, a linear model and a random forest, fitted on the training part.

    All have the default settings of scikit-learn, nothing was tuned: they say what can be had without a
    search. Their scores on test examples choose nothing.

    Args:
        task: data; of a task without examples nothing is returned.
        seed: seed of the forest, and of the examples of a large training part.

    Returns:
        The methods, and the names of those that a limit by the clock left no time for.
    """
    constant = constant_answer(task)
    if constant is None:
        return [], ()
    x, y = task.plain(task.x_train), task.y_train
    if len(x) > MOST_EXAMPLES:
        kept = np.sort(np.random.default_rng(seed).choice(len(x), MOST_EXAMPLES, replace=False))
        x, y = x[kept], y[kept]
    _, answer = task.target.best_constant(task.y_train)
    always = Method(
        "constant",
        task.target.without(f"“{constant.answer}”"),
        constant.validation,
        constant.test,
        task.outputs,
        None,
        len(task.y_train),
        np.broadcast_to(answer, (len(task.y_test), len(answer))),
    )
    fitted = {
        name: in_time(partial(_fitted_once, task, seed, key, name, model, x, y))
        for key, name, model in _named(task, _models(task, seed))
    }
    missing = tuple(name for name, method in fitted.items() if method is None)
    return [always, *(method for method in fitted.values() if method is not None)], missing


def network_method(task: Task, module: NetworkModule, name: str, parameters: int) -> Method:
    """Return a trained network as one of the methods."""
    import torch

    network = copy.deepcopy(module).float().cpu().eval()

    @torch.no_grad()
    def outputs(x: np.ndarray) -> np.ndarray:
        return torch.cat([network(part) for part in torch.tensor(x).split(AT_ONCE)]).numpy()

    shown = _repeated(task.x_validation)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = _timed(lambda: outputs(shown))
        tested = outputs(task.x_test)
        validation, _ = task.target.measure(outputs(task.x_validation), task.y_validation)
    finally:
        torch.set_num_threads(threads)
    test, _ = task.target.measure(tested, task.y_test)
    return Method("network", name, validation, test, parameters, seconds, len(task.y_train), tested)


def _named(task: Task, models: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    """Return the methods with what they read in their names, where it is not the examples as they are."""
    reads = "" if task.coded is None else f" on {task.coded.plain_words}"
    return [(key, name + reads, model) for key, name, model in models]


def _models(task: Task, seed: int) -> list[tuple[str, str, Any]]:
    """Return the methods by key and name; none for answers that follow on one another."""
    if task.target.kind == "tokens":
        return []
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier

    forest = {"n_estimators": TREES, "random_state": seed, "n_jobs": 1}
    if task.target.kind == "classes":
        return [
            ("linear", "logistic regression", LogisticRegression(max_iter=1000)),
            ("forest", f"random forest of {TREES} trees", RandomForestClassifier(**forest)),
        ]
    if task.target.kind == "labels":
        each = OneVsRestClassifier(LogisticRegression(max_iter=1000))
        return [
            ("linear", "logistic regression for each label", each),
            ("forest", f"random forest of {TREES} trees", RandomForestClassifier(**forest)),
        ]
    return [
        ("linear", "ridge regression", Ridge()),
        ("forest", f"random forest of {TREES} trees", RandomForestRegressor(**forest)),
    ]


def _fitted_once(
    task: Task, seed: int, key: str, name: str, model: Any, x: np.ndarray, y: np.ndarray
) -> Method:
    known = (task.fingerprint, task.target.metric.name, key, seed)
    if known not in _fits:
        method = _fitted(task, key, name, model, x, y)
        while len(_fits) >= _KEPT:
            del _fits[next(iter(_fits))]
        _fits[known] = method
    return _fits[known]


def _fitted(task: Task, key: str, name: str, model: Any, x: np.ndarray, y: np.ndarray) -> Method:
    check_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a linear model has not converged changes little
        model.fit(x, y.ravel() if task.outputs == 1 else y)
    validation, _ = task.target.measure(_outputs(model, task, task.x_validation), task.y_validation)
    outputs = _outputs(model, task, task.x_test)
    test, _ = task.target.measure(outputs, task.y_test)
    shown = task.plain(_repeated(task.x_validation))
    seconds = _timed(lambda: model.predict(shown))
    return Method(key, name, validation, test, _size(model), seconds, len(x), outputs)


def _outputs(model: Any, task: Task, x: np.ndarray) -> np.ndarray:
    flat = task.plain(x)
    if task.target.kind == "classes":
        probabilities = np.asarray(model.predict_proba(flat))
        if task.target.metric.share_of_examples:
            return probabilities
        logits: np.ndarray = np.log(np.maximum(probabilities, LEAST))  # as outputs of a network are read
        return logits
    if task.target.kind == "labels":
        odds = np.clip(_of_labels(model.predict_proba(flat)), LEAST, 1 - LEAST)
        log_odds: np.ndarray = np.log(odds / (1 - odds))
        return log_odds
    return np.asarray(model.predict(flat)).reshape(len(x), -1)


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


def _repeated(x: np.ndarray) -> np.ndarray:
    """Return `TIMED` examples, the given ones as often as it takes."""
    return np.ascontiguousarray(np.resize(x, (TIMED, *x.shape[1:])))


def _timed(predict: Callable[[], object]) -> float:
    predict()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        predict()
        times.append(time.perf_counter() - start)
    return median(times)
