"""How well simple methods do on the data of a run, what they weigh, and how fast they answer."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from nas_gym._clock import check_time, in_time
from nas_gym.explain.evidence.plain_methods import PlainMethod, plain_methods
from nas_gym.networks import NetworkModule
from nas_gym.tasks import Task, constant_answer

MOST_EXAMPLES = 20_000
"""Training examples that a simple method is fitted on at most, so that a report takes seconds."""
AT_ONCE = 2048
TIMED, REPEATS = 1_000, 5
"""Examples that are predicted to take the time, and how often; the middle time counts."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to predict, and what it costs.

    Attributes:
        key: ``"constant"``, ``"linear"``, ``"forest"``, ``"bigram"``, ``"trigram"`` or ``"network"``.
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
    """Return the best constant answer and the plain methods of a task's field, fitted on the training part.

    See `nas_gym.explain.evidence.plain_methods`. They have the default settings of scikit-learn: they say
    what can be had without a search. Their scores on test examples choose nothing.

    Args:
        task: data; of a task without examples nothing is returned.
        seed: seed of the forest, and of the examples of a large training part.

    Returns:
        The methods, and the names of those that a limit by the clock left no time for.
    """
    constant = constant_answer(task)
    if constant is None:
        return [], ()
    x, y = task.x_train, task.y_train
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
        one.name: in_time(partial(_fitted_once, task, seed, one, x, y)) for one in plain_methods(task, seed)
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


def _fitted_once(task: Task, seed: int, method: PlainMethod, x: np.ndarray, y: np.ndarray) -> Method:
    known = (task.fingerprint, task.target.metric.name, method.key, seed)
    if known not in _fits:
        found = _fitted(task, method, x, y)
        while len(_fits) >= _KEPT:
            del _fits[next(iter(_fits))]
        _fits[known] = found
    return _fits[known]


def _fitted(task: Task, method: PlainMethod, x: np.ndarray, y: np.ndarray) -> Method:
    check_time()
    predictor = method.fit(x, y)
    validation, _ = task.target.measure(predictor.outputs(task.x_validation), task.y_validation)
    outputs = predictor.outputs(task.x_test)
    test, _ = task.target.measure(outputs, task.y_test)
    seconds = _timed(predictor.timed(_repeated(task.x_validation)))
    return Method(method.key, method.name, validation, test, predictor.size, seconds, len(x), outputs)


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
