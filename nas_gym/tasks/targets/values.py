"""Numbers to be predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.targets.class_weights import ClassWeight
from nas_gym.tasks.targets.metrics import MAE, R2, RMSE, VALUE_METRICS, Metric
from nas_gym.tasks.targets.target import AnswerForm, Target, checked_metric

VALUE_LOSSES = ("squared", "huber")
"""What values are learned by, the usual one first."""


@dataclass(frozen=True)
class Values(Target):
    """Numbers; the score is R², cut at 0, or another metric, and an evaluation has RMSE and MAE beside it.

    ``y`` is float32 (n, values), standardised by the training part, as a network's outputs are. RMSE and
    MAE are in the units of the data; of several values in standard deviations.

    Attributes:
        mean, scale: the standardisation, one number a value; ``y`` is (raw - mean) / scale.
        score: name of the metric, one of `VALUE_METRICS`.
        error: what is learned by, one of `VALUE_LOSSES`.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    score: str = "r2"
    error: str = VALUE_LOSSES[0]
    kind = "values"
    metrics = VALUE_METRICS

    @property
    def loss(self) -> str:
        return self.error if self.score == "r2" else f"{self.error}/{self.score}"

    @property
    def metric(self) -> Metric:
        return VALUE_METRICS[self.score]

    @property
    def others(self) -> tuple[Metric, ...]:
        return (RMSE, MAE) if self.score == "r2" else (RMSE, MAE, R2)

    def measured_by(self, metric: str | None, class_weight: ClassWeight | None) -> Values:
        if class_weight:
            raise ConfigError(
                f"class_weight is for classes, and the task predicts {self.words}: leave it out"
            )
        return replace(self, score=checked_metric(self, metric) or self.score)

    def learned_by(self, loss: str | None) -> Values:
        return replace(self, error=loss or self.error)

    @property
    def words(self) -> str:
        return "1 value" if len(self.names) == 1 else f"{len(self.names)} values"

    def aim(self, data: str) -> str:
        return f"predict {', '.join(self.names)} of {data}"

    @property
    def identity(self) -> str:
        """The kind, and the standardisation, since metrics are in the units of the data."""
        measured = () if self.score == "r2" else (self.score,)
        return repr((self.kind, self.mean, self.scale, *measured, *self._otherwise))

    @property
    def _otherwise(self) -> tuple[str, ...]:
        """The loss where it is not the usual one, which goes without saying in what is stored."""
        return () if self.error == VALUE_LOSSES[0] else (self.error,)

    @property
    def answer_scale(self) -> np.ndarray:
        return np.array(self.scale)

    def in_units(self, metrics: Mapping[str, float]) -> dict[str, float]:
        unit = self.scale[0] if len(self.scale) == 1 else 1.0
        with_unit = (RMSE.name, MAE.name)
        return {name: measured * (unit if name in with_unit else 1.0) for name, measured in metrics.items()}

    def other_metrics(self, score: float) -> dict[str, float]:
        """Return RMSE and MAE of errors that are Gaussian and leave so much of the variance unexplained."""
        rmse = math.sqrt(1.0 - score)
        return self.in_units({RMSE.name: rmse, MAE.name: math.sqrt(2.0 / math.pi) * rmse})

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the mean of the training part, its median where absolute errors are scored."""
        y_train = y_train.astype(np.float64)
        mean = np.median(y_train, axis=0) if self.score == "mae" else y_train.mean(axis=0)
        return ", ".join(f"{value:.6g}" for value in self.answers(mean[None])[0].tolist()), mean

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return the values in the units of the data, float64: an offset may leave float32 no decimals."""
        values: np.ndarray = outputs * np.array(self.scale) + np.array(self.mean)
        return values

    @property
    def answer_form(self) -> AnswerForm:
        return AnswerForm("identity", self.scale, self.mean)

    def config(self) -> dict[str, Any]:
        names, mean, scale = list(self.names), list(self.mean), list(self.scale)
        measured = {} if self.score == "r2" else {"score": self.score}
        learned = {"error": self.error} if self._otherwise else {}
        return {"kind": self.kind, "names": names, "mean": mean, "scale": scale, **measured, **learned}
