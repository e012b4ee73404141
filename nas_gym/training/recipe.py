"""How a network is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from nas_gym._checks import number, plain, whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.registry import build

OPTIMIZERS = ("adamw", "sgd")
LARGEST = 10**12  # of a count; beyond 64 bits torch cannot take it
SCHEDULES = ("cosine", "constant")
PRECISIONS = ("float32", "tf32", "bfloat16")
"""Of products and convolutions. Against float32, TF32 changed final accuracies of 128 perceptrons by up to
.07 and bfloat16 by up to .49 (on an H100)."""
LEAST_STEPS = 120
"""Optimiser steps of a training whose length nobody named. On 15 small sets of 60 to 500 training
examples the best of 10 perceptrons scored .806 after 15 epochs, .835, .850, .850 and .852 after 60, 120,
240 and 480 steps (validation accuracy, averaged)."""
SMALL = 128
"""Examples below which a batch holds `SMALL_BATCH` (.888 on the same sets, .882 in one or two batches)."""
SMALL_BATCH = 32


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training recipe; with the data, the seed and the fidelity it fixes what training gives.

    A `Recipe` is taken as it is. Options that leave out the epochs are completed by `recipe_for`.

    Attributes:
        epochs: passes over the training part.
        batch_size: examples per step; the last batch of an epoch may be smaller.
        optimizer: ``"adamw"`` (Loshchilov & Hutter 2019) or ``"sgd"`` with Nesterov momentum .9.
        learning_rate: the highest learning rate.
        schedule: ``"cosine"`` (Loshchilov & Hutter 2017, per step to 0) or ``"constant"``.
        weight_decay: decoupled for adamw, an L2 penalty for sgd.
        label_smoothing: label smoothing of the cross-entropy loss, in [0, 1).
        max_parameters: an architecture with more trainable parameters fails; None for no limit.
        precision: ``"float32"``, or on CUDA ``"tf32"`` or ``"bfloat16"``: what the factors of products and
            convolutions are rounded to. Weights, sums and all else stay float32.
    """

    epochs: int = 15
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 0.01
    schedule: str = "cosine"
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    max_parameters: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        for name in ("epochs", "batch_size"):
            _whole(name, getattr(self, name))
        if self.max_parameters is not None:
            _whole("max_parameters", self.max_parameters)
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer of the recipe", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise unknown("schedule of the recipe", self.schedule, SCHEDULES)
        if self.precision not in PRECISIONS:
            raise unknown("precision of the recipe", self.precision, PRECISIONS)
        rate, decay, smoothing = map(_number, (self.learning_rate, self.weight_decay, self.label_smoothing))
        _within("learning_rate", self.learning_rate, "above 0", 0 < rate < math.inf)
        _within("weight_decay", self.weight_decay, "at least 0", 0 <= decay < math.inf)
        _within("label_smoothing", self.label_smoothing, "in [0, 1)", 0 <= smoothing < 1)

    def config(self) -> dict[str, Any]:
        """The recipe as a JSON-able dict; the usual precision goes without saying, as in old stores."""
        config = asdict(self)
        if self.precision == "float32":
            del config["precision"]
        return config


def check_precision(recipe: Recipe, device: str) -> None:
    """Check the precision of a recipe against a kind of device.

    Raises:
        NASGymError: if the device computes in float32 alone.
    """
    if recipe.precision != "float32" and device != "cuda":
        raise ConfigError(
            f"precision {recipe.precision!r} of the recipe needs a CUDA device, not {device!r}: "
            "leave it out to train in float32"
        )


def recipe_for(options: Mapping[str, Any], examples: int) -> Recipe:
    """Return the recipe of options; where they do not name the epochs, one that is long enough.

    The usual 15 epochs in batches of 128 are 15 steps for 100 examples, which trains nothing. So a
    training part of fewer than 128 examples comes in batches of 32, and as many epochs are trained as
    make 120 steps, at least 15: of 106 examples 30 epochs, of 341 40, of 900 and more the usual ones.
    Options that name the epochs are taken as they are, a batch size that is named always is.

    Args:
        options: of `Recipe`.
        examples: size of the training part.

    Raises:
        NASGymError: for an option that is unknown or does not fit.
    """
    recipe = build(Recipe, "recipe", options)
    if "epochs" in options:
        return recipe
    if "batch_size" not in options and examples < SMALL:
        recipe = replace(recipe, batch_size=SMALL_BATCH)
    batches = -(-examples // recipe.batch_size)
    return replace(recipe, epochs=max(recipe.epochs, -(-LEAST_STEPS // batches)))


def _number(value: Any) -> float:
    found = number(value)
    return math.nan if found is None else found


def _whole(name: str, value: Any) -> None:
    count = whole(value)
    if count is None or not 1 <= count <= LARGEST:
        raise ConfigError(f"{name} of the recipe must be a whole number from 1 to {LARGEST:,}, not {value!r}")


def _within(name: str, value: Any, limits: str, holds: bool) -> None:
    if not holds:
        raise ConfigError(f"{name} of the recipe must be a number {limits}, not {value!r}")
