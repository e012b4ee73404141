"""From raw data to a task: checks, split, noise, standardisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks import checks, labels
from nas_gym.tasks.base import Sample, Task
from nas_gym.tasks.data import Data
from nas_gym.tasks.preparation import SIZES, Preparation
from nas_gym.tasks.splits import Split, check_parts, stratified

MEAN_STEPS = 2.0**20
SAMPLED = 16  # training examples that a saved network is checked on


def prepare(name: str, data: Data, options: dict[str, Any], spec: dict[str, Any]) -> Task:
    """Return the task of raw data.

    Args:
        name: name of the task, where the data has no title.
        data: raw data.
        options: of `Preparation`, as the user passed them.
        spec: what `make_task` builds the task from again.

    Raises:
        NASGymError: if the data or the options do not make a task.
    """
    preparation = Preparation(**{**data.defaults, **options})
    feature_names = tuple(str(feature) for feature in data.feature_names)
    x = checks.examples(data.x, data.kind, feature_names)
    y, class_names, notes = labels.of_array(data.y, data.class_names, split=data.parts is None)
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} examples and y {len(y)} labels: pass one label for each example")
    train, validation, test = _split(y, class_names, data, preparation, options)
    mean, scale = standardisation(x[train])
    noise, label_noise = np.random.default_rng(preparation.noise_seed).spawn(2)
    x_train = standardised(x[train], mean, scale)
    sampled = train[:SAMPLED]
    raw = x[sampled] if data.rows is None else data.rows.picked(sampled)
    return Task(
        name=data.title or name,
        x_train=_noisy(x_train, preparation.noise, noise),
        y_train=_relabelled(y[train], len(class_names), preparation.label_noise, label_noise),
        x_validation=standardised(x[validation], mean, scale),
        y_validation=y[validation],
        x_test=standardised(x[test], mean, scale),
        y_test=y[test],
        class_names=class_names,
        feature_names=feature_names,
        mean=mean,
        scale=scale,
        spec=spec,
        encoder=data.encoder,
        sample=Sample(raw, x_train[:SAMPLED]),
        notes=(*data.notes, *notes),
    )


def standardisation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale of training examples: per feature of a table, per channel of signals and images.

    The scale is the standard deviation, 1 where all values are equal. Both are rounded (to 24 bits,
    the mean to 2**-20 of the scale): how a sum ends in its last bits differs between processors,
    and must not change a task's fingerprint.

    Args:
        x: (n, *shape).

    Returns:
        Two float64 arrays that broadcast over an example.
    """
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes, dtype=np.float64)
    scale = x.std(axes, dtype=np.float64)
    low, high = x.min(axes), x.max(axes)
    fraction, exponent = np.frexp(scale)
    scale = np.ldexp(np.round(np.ldexp(fraction, 24)), exponent - 24)
    scale = np.where((low == high) | (scale == 0), 1.0, scale)
    steps = np.round(mean / scale * MEAN_STEPS)
    mean = np.where(low == high, low.astype(np.float64), steps / MEAN_STEPS * scale)
    sides = (-1, *(1,) * (x.ndim - 2))
    return mean.reshape(sides), scale.reshape(sides)


def _split(
    y: np.ndarray, class_names: tuple[str, ...], data: Data, preparation: Preparation, options: dict[str, Any]
) -> Split:
    if data.parts is None:
        return stratified(y, preparation.counts(len(y)), class_names, preparation.split_seed)
    for option in (*SIZES, "split_seed"):
        if option in options:
            raise ConfigError(
                f"the data comes in parts, which leaves nothing to {option}: leave the option out"
            )
    check_parts(y, data.parts, class_names)
    return data.parts


def standardised(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return raw examples as networks are trained on them and asked, float32; computed in float64.

    Raises:
        NASGymError: if float32 does not hold them.
    """
    with np.errstate(over="ignore"):
        found: np.ndarray = ((x - mean) / scale).astype(np.float32)
    if not np.isfinite(found).all():
        raise DataError(
            "x has values too far from the training part's to be standardised in float32: "
            "look for outliers, or for a feature that is nearly constant"
        )
    return found


def _noisy(x: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    if not deviation:
        return x
    noisy: np.ndarray = (x + deviation * rng.standard_normal(x.shape)).astype(np.float32)
    return noisy


def _relabelled(y: np.ndarray, classes: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return labels of which a share is replaced by another class, each other class as likely."""
    chosen = rng.permutation(len(y))[: round(share * len(y))]
    noisy = y.copy()
    noisy[chosen] = (y[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    return noisy
