"""What holds for every task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_gym.tasks import Forecast, GraphInputs, Task, TokenInputs, make_task, target_of
from nas_gym.testing.assertions import global_state_kept, require, require_json

PARTS = ("train", "validation", "test")


def check_task(task: Task | str | Mapping[str, Any]) -> None:
    """Check a task, or what `make_task` builds one from, such as ``"my_module:my_task"``.

    It holds that

    - the parts hold finite float32 examples of one shape, and what the target asks for: int64 labels with
      every class in every part, int64 tokens, float32 labels, 0 or 1, or float32 values, standardised by the
      training part;
    - nothing can be written into the arrays;
    - the target is built again by its config, and the best constant answer has a score in [0, 1];
    - feature names are one a feature, and of tables only;
    - mean and scale are finite and fit an example, and standardise the sample that is kept raw;
    - a spec builds the same task every time, and leaves the global random generators alone.

    Args:
        task: a task, or its name, import path, or dict with ``"name"`` and options.

    Raises:
        AssertionError: for the first property that does not hold, in one sentence.
    """
    if not isinstance(task, Task):
        task = _built(task)
    for part in PARTS:
        _check_part(task, part)
    _check_target(task)
    _check_names(task)
    _check_standardisation(task)
    require_json(task.spec, f"spec of the task {task.name!r}")
    digits = set(task.fingerprint) <= set("0123456789abcdef") and len(task.fingerprint) == 64
    require(digits, f"fingerprint must be 64 hexadecimal digits, not {task.fingerprint!r}")


def _built(spec: str | Mapping[str, Any]) -> Task:
    task = make_task(spec)
    with global_state_kept(f"building the task {spec!r}"):  # not the first time, when packages are imported
        again = make_task(spec)
    same = again.fingerprint == task.fingerprint
    require(same, f"the task {task.name!r} is another each time it is built: draw from a generator of a seed")
    rebuilt = make_task(json.loads(json.dumps(task.spec)))
    same = rebuilt.fingerprint == task.fingerprint
    require(same, f"the task {task.name!r} is another when it is built from its spec {task.spec}")
    return task


def _check_part(task: Task, part: str) -> None:
    x, y = getattr(task, f"x_{part}"), getattr(task, f"y_{part}")
    has_classes, has_tokens = (task.target.kind == kind for kind in ("classes", "tokens"))
    types, wanted = (x.dtype, y.dtype), (np.float32, np.int64 if has_classes or has_tokens else np.float32)
    names = " and ".join(one.__name__ for one in wanted)
    require(types == wanted, f"the {part} part must be {names}, not {types}")
    shapes = (x.shape[1:], y.shape)
    answers = (task.outputs // len(task.target.names),) if has_tokens else (task.outputs,)
    expected = (task.input_shape, (len(x), *(() if has_classes else answers)))
    require(shapes == expected, f"the {part} part has shapes {shapes}, expected {expected}")
    finite = np.isfinite(x).all() and np.isfinite(y).all()
    require(finite, f"the {part} part has values that are NaN or infinite")
    if has_classes:
        found, known = set(y.tolist()), set(range(task.outputs))
        require(found == known, f"the {part} part has the classes {sorted(found)}, expected {sorted(known)}")
    if has_tokens:
        known = y.size and y.min() >= -1 and 0 <= y.max() < len(task.target.names)
        require(known, f"the {part} part has tokens from {y.min()} to {y.max()}, or asks nothing")
    if task.coded is not None:
        _check_codes(task, x, part)
    for name, array in (("x", x), ("y", y)):
        require(not array.flags.writeable, f"{name}_{part} can be written to, and results depend on it")


def _check_codes(task: Task, x: np.ndarray, part: str) -> None:
    """Check examples that are codes against what the task tells of them."""
    coded = task.coded
    whole = bool((x == np.round(x)).all()) if isinstance(coded, TokenInputs) else True
    require(whole and x.min() >= 0, f"the {part} part has codes that are no whole numbers from 0")
    if isinstance(coded, TokenInputs):
        require(coded.vocabulary[0] == "", "the first code must be the padding, with the name ''")
        require(x.shape[1:] == (sum(coded.lengths),), f"tokens of {coded.lengths} have the shape {x.shape}")
        require(x.max() < len(coded.vocabulary), f"the {part} part has codes that the vocabulary lacks")
    if isinstance(coded, GraphInputs):
        count = len(coded.features)
        require(x.shape[1:] == (count + coded.nodes, coded.nodes), f"graphs have the shape {x.shape}")
        edges = x[:, count:]
        require(
            bool((edges == edges.transpose(0, 2, 1)).all()), f"edges of the {part} part are not symmetric"
        )
        require(edges.max() <= len(coded.edges), f"the {part} part has kinds of edges that have no name")
        require(bool(np.isin(x[:, 0], (0, 1)).all()), "the first feature must tell which nodes are there")


def _check_target(task: Task) -> None:
    target = task.target
    least = 2 if target.kind == "classes" else 1
    require(task.outputs >= least, f"a target needs at least {least} {target.kind}, not {target.names}")
    require_json(target.config(), "config() of the target")
    require(target_of(target.config()) == target, f"the target {target} is another when its config builds it")
    if target.kind == "labels":
        flags = np.isin(task.y_train, (0, 1)).all() and np.ptp(task.y_train, axis=0).all()
        require(flags, "the labels of the train part must be 0 and 1, each of them both")
    if target.kind == "values" and not isinstance(target, Forecast):
        y = task.y_train.astype(np.float64)
        moments = (y.mean(axis=0), y.std(axis=0))
        fits = np.allclose(moments[0], 0, atol=1e-3) and np.allclose(moments[1], 1, atol=1e-3)
        require(fits, f"the values of the train part have means and deviations {moments}, expected 0 and 1")
    _, constant = target.best_constant(task.y_train)
    for part in PARTS:
        y = getattr(task, f"y_{part}")
        score, _ = target.measure(np.broadcast_to(constant, (len(y), task.outputs)), y)
        require(0 <= score <= 1, f"a constant answer has the score {score} on the {part} part, not in [0, 1]")


def _check_names(task: Task) -> None:
    require(task.name, "a task needs a name, for titles and folders")
    names = task.feature_names
    if task.inputs == "features":
        features = task.input_shape[0]
        require(len(names) in (0, features), f"{len(names)} feature_names for {features} features")
    else:
        require(not names, f"{task.inputs} inputs have no feature_names, not {names}")


def _check_standardisation(task: Task) -> None:
    shape = task.input_shape
    for name, values in (("mean", task.mean), ("scale", task.scale)):
        require(np.isfinite(values).all(), f"{name} must be finite, not {values}")
        fits = np.broadcast_shapes(values.shape, shape) == shape
        require(fits, f"{name} of shape {values.shape} does not broadcast over an example of {shape}")
    require((task.scale > 0).all(), f"scale must be above 0, not {task.scale}")
    if task.sample is not None and task.encoder is None:
        expected = (task.sample.raw.astype(float) - task.mean) / task.scale
        same = np.allclose(expected, task.sample.x, rtol=1e-4, atol=1e-4)
        require(same, "the raw sample, standardised by mean and scale, is not the sample that is kept")
