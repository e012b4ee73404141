"""How a network is trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from nas_gym.errors import NASGymError, unknown

OPTIMIZERS = ("adamw", "sgd")
LARGEST = 10**12  # of a count; beyond 64 bits torch cannot take it
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training recipe; with the data, the seed and the fidelity it fixes what training gives.

    Attributes:
        epochs: passes over the training part.
        batch_size: examples per step; the last batch of an epoch may be smaller.
        optimizer: ``"adamw"`` (Loshchilov & Hutter 2019) or ``"sgd"`` with Nesterov momentum .9.
        learning_rate: the highest learning rate.
        schedule: ``"cosine"`` (Loshchilov & Hutter 2017, per step to 0) or ``"constant"``.
        weight_decay: decoupled for adamw, an L2 penalty for sgd.
        label_smoothing: of the cross-entropy loss, in [0, 1).
        max_parameters: an architecture with more trainable parameters fails; None for no limit.
    """

    epochs: int = 15
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 0.01
    schedule: str = "cosine"
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    max_parameters: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            _whole(name, getattr(self, name))
        if self.max_parameters is not None:
            _whole("max_parameters", self.max_parameters)
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer of the recipe", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise unknown("schedule of the recipe", self.schedule, SCHEDULES)
        rate, decay, smoothing = map(_number, (self.learning_rate, self.weight_decay, self.label_smoothing))
        _within("learning_rate", self.learning_rate, "above 0", 0 < rate < math.inf)
        _within("weight_decay", self.weight_decay, "at least 0", 0 <= decay < math.inf)
        _within("label_smoothing", self.label_smoothing, "in [0, 1)", 0 <= smoothing < 1)

    def config(self) -> dict[str, Any]:
        """The recipe as a JSON-able dict."""
        return asdict(self)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _whole(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise NASGymError(f"{name} of the recipe must be a whole number from 1 to {LARGEST:,}, not {value!r}")


def _within(name: str, value: Any, limits: str, holds: bool) -> None:
    if not holds:
        raise NASGymError(f"{name} of the recipe must be a number {limits}, not {value!r}")
