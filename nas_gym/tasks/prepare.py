"""From raw data to a task: checks, split, noise, standardisation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks import checks
from nas_gym.tasks.base import Sample, Task
from nas_gym.tasks.data import Data
from nas_gym.tasks.division import UNUSED, Divided, Division, Strata, divided
from nas_gym.tasks.fitting import fitted
from nas_gym.tasks.preparation import Preparation
from nas_gym.tasks.reading.columns import CategoryColumn
from nas_gym.tasks.reading.origins import Origins
from nas_gym.tasks.splits import PARTS, check_classes
from nas_gym.tasks.targets import read_classes, read_labels, read_values
from nas_gym.tasks.targets.kinds import Classes, Labels, Target, Values, check_kind

MEAN_STEPS = 2.0**20
ONE_LABEL = (
    "every example has exactly one of the labels, which are predicted one by one: if they exclude each "
    "other, pass the classes as one column"
)
ALIKE = (
    "intervals for new examples count each test example for itself: where those of a group are alike, the "
    "intervals are too narrow"
)
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
    if data.coded is None:
        x, shaping = checks.examples(data.x, data.inputs, feature_names)
    else:
        x, shaping = checks.codes(data.x, data.coded), []
    found = _answers(data)
    if len(x) != len(found.y):
        what = "labels" if found.strata is not None else "values"
        raise DataError(
            f"x has {len(x)} examples and y {len(found.y)} {what}: pass one {what[:-1]} for each example"
        )
    split = divided(found.weighed, _division(data, len(x)), preparation, tuple(options))
    train, validation, test = split.parts
    data, x = fitted(data, x, train)
    feature_names = tuple(str(feature) for feature in data.feature_names)
    target, y = found.fitted(split)
    target = target.measured_by(preparation.metric, preparation.class_weight).learned_by(preparation.loss)
    mean, scale = standardisation(x[train]) if data.coded is None else unchanged(x)
    if preparation.noise and data.coded is not None:
        raise ConfigError(
            f"noise is for examples that are numbers, and these are {data.coded.kind}: leave it out"
        )
    noise, label_noise = np.random.default_rng(preparation.noise_seed).spawn(2)
    x_train = standardised(x[train], mean, scale)
    sampled = train[:SAMPLED]
    raw = x[sampled] if data.rows is None else data.rows.picked(sampled)
    return Task(
        name=data.title or name,
        x_train=_noisy(x_train, preparation.noise, noise, _of_categories(data)),
        y_train=_relabelled(y[train], target, preparation.label_noise, label_noise),
        x_validation=standardised(x[validation], mean, scale),
        y_validation=y[validation],
        x_test=standardised(x[test], mean, scale),
        y_test=y[test],
        target=target,
        feature_names=feature_names,
        mean=mean,
        scale=scale,
        spec=spec,
        encoder=data.encoder,
        files=data.files,
        sample=Sample(raw, x_train[:SAMPLED]),
        notes=(*data.notes, *shaping, *found.notes, *_said(data, split)),
        split=split.words,
        folds=split.folds,
        coded=data.coded,
        channel_names=tuple(data.channel_names),
        origins=_origins(data, validation),
    )


def _origins(data: Data, rows: np.ndarray) -> Origins | None:
    """Return what the user calls some of the examples; None where nobody knows."""
    origins = data.origins
    if origins is None and data.rows is not None:
        origins = data.rows.origins
    return None if origins is None else origins.at(rows)


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


def unchanged(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale that leave examples as they are, float64, which broadcast over an example."""
    sides = (1,) * (x.ndim - 1)
    return np.zeros(sides), np.ones(sides)


@dataclass(frozen=True)
class _Answers:
    """What is to be predicted, before the split.

    Attributes:
        y: classes, int64 (n,), or values or several labels, float64 (n, outputs).
        names: a name per class, label or value.
        strata: what every part needs some of, int64 (n,); None for values and several labels.
        notes: what is to be said of how it was read.
        are_labels: whether they are several labels.
        target: the target, where the data brings it.
    """

    y: np.ndarray
    names: tuple[str, ...]
    strata: np.ndarray | None
    notes: list[str]
    are_labels: bool = False
    target: Target | None = None

    @property
    def weighed(self) -> Strata:
        """What every part needs its share of."""
        if self.strata is None:  # values are of one stratum, so that a part is any of the examples
            zeros = np.zeros(len(self.y), dtype=np.int64)
            return Strata(zeros, ("",), self.y if self.are_labels else None)
        return Strata(self.strata, self.names)

    def fitted(self, split: Divided) -> tuple[Target, np.ndarray]:
        """Return the target, fitted on the training part, and what is to be predicted as a task holds it."""
        named = [dict(zip(PARTS, split.parts, strict=True)), *split.of_folds()]
        if self.strata is not None:
            for parts in named[1:]:
                check_classes(self.y, *next(iter(parts.items())), self.names)
            return Classes(self.names), self.y
        if self.target is not None:
            return self.target.fitted(self.y, split.parts)
        if self.are_labels:
            for parts in named:
                read_labels.check_labels(self.y, self.names, parts)
            return Labels(self.names), self.y.astype(np.float32)
        for parts in named:
            read_values.check_variation(self.y, self.names, parts)
        mean, scale = standardisation(self.y[split.parts[0]])
        y = standardised(self.y, mean, scale, "y")
        for parts in named:
            read_values.check_variation(y, self.names, parts)  # of which float32 may leave nothing
        return Values(self.names, tuple(mean.tolist()), tuple(scale.tolist())), y


def _answers(data: Data) -> _Answers:
    if data.target is not None:
        return _Answers(np.asarray(data.y), data.target.names, None, [], target=data.target)
    check_kind(data.target_kind)
    if data.target_kind == "values":
        if data.class_names is not None:
            raise ConfigError("class_names are for classes, and target_kind is 'values': pass target_names")
        return _Answers(*read_values.of_array(data.y, data.target_names), None, [])
    if data.target_kind == "labels" or (
        data.target_kind is None and data.class_names is None and read_labels.looks_like_labels(data.y)
    ):
        return _labels(data)
    if data.target_names is not None:
        raise ConfigError("target_names are for values: pass class_names, or target_kind='values'")
    try:
        y, names, notes = read_classes.of_array(data.y, data.class_names, split=data.parts is None)
    except read_classes.LooksLikeValuesError as error:
        if data.target_kind is not None or data.class_names is not None:
            raise
        return _Answers(*read_values.of_array(data.y, None), None, [error.note])
    return _Answers(y, names, y, notes)


def _said(data: Data, split: Divided) -> list[str]:
    """Return what is to be said of parts that are not by chance, or not as the arrays came."""
    if data.division is not None and data.division.begins is not None:
        return []  # windows of series are by time, as everybody expects
    usual = data.division is None and (data.parts is None or len(data.parts[1]))
    told = [] if usual else [f"the parts are {split.words}"]
    if data.division is not None and data.division.groups is not None:
        told.append(ALIKE)
    return told


def _labels(data: Data) -> _Answers:
    if data.class_names is not None:
        raise ConfigError("class_names are for classes, and target_kind is 'labels': pass target_names")
    y, names = read_labels.of_array(data.y, data.target_names)
    told = [f"y is read as {len(names)} labels, of which an example may have several: target_kind= says more"]
    if data.target_kind is not None:
        told = [ONE_LABEL] if (y.sum(axis=1) == 1).all() else []
    return _Answers(y, names, None, told, True)


def _division(data: Data, examples: int) -> Division | None:
    """Return what says which part examples go to."""
    if data.parts is None:
        return data.division
    places = np.full(examples, UNUSED)
    for place, part in enumerate(data.parts):
        places[part] = place
    return replace(
        data.division or Division(), parts=places, names=(("parts", "the arrays, which come in parts"),)
    )


def standardised(x: np.ndarray, mean: np.ndarray, scale: np.ndarray, name: str = "x") -> np.ndarray:
    """Return raw examples, or values, as networks are trained on them, float32; computed in float64.

    Args:
        x: (n, *shape).
        mean: see `standardisation`.
        scale: see `standardisation`.
        name: what they are called in messages.

    Raises:
        NASGymError: if float32 does not hold them.
    """
    with np.errstate(over="ignore"):
        found: np.ndarray = ((x - mean) / scale).astype(np.float32)
    if not np.isfinite(found).all():
        raise DataError(
            f"{name} has values too far from the training part's to be standardised in float32: "
            "look for outliers, or for numbers that are nearly constant"
        )
    return found


def _noisy(x: np.ndarray, deviation: float, rng: np.random.Generator, kept: list[int]) -> np.ndarray:
    """Return examples with noise in all features but those that are kept."""
    if not deviation:
        return x
    noisy: np.ndarray = (x + deviation * rng.standard_normal(x.shape)).astype(np.float32)
    noisy[:, kept] = x[:, kept]
    return noisy


def _of_categories(data: Data) -> list[int]:
    """Return the places of the features that say which category a column has: noise would blur it."""
    if data.encoder is None:
        return []
    places = (place for column, place in data.encoder.places if isinstance(column, CategoryColumn))
    return [feature for place in places for feature in range(place.start, place.stop)]


def _relabelled(y: np.ndarray, target: Target, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return labels of which a share is replaced by another class, each other class as likely.

    Raises:
        NASGymError: if a share of something else than labels is to be replaced.
    """
    if not share:
        return y
    if target.kind != "classes":
        raise ConfigError(f"label_noise is for classes, and the task predicts {target.words}: leave it out")
    classes = target.outputs
    chosen = rng.permutation(len(y))[: round(share * len(y))]
    noisy = y.copy()
    noisy[chosen] = (y[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    return noisy
