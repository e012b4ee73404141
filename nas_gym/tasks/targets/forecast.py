"""The next values of series, as changes from a seasonal naive forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.targets.metrics import FORECAST_METRICS, MAE, R2_OF_CHANGES, RMSE, Metric
from nas_gym.tasks.targets.target import AnswerForm
from nas_gym.tasks.targets.values import Values

SHOWN = 3  # series that are named
BITS = 24  # that a scale keeps, as of the standardisation of examples


@dataclass(frozen=True)
class Forecast(Values):
    """The next values of one or several series; the score is the skill against the seasonal naive forecast.

    The naive forecast of a step is the value one season before, of a season of one step the last value. It is
    a cell of the example, so that a network answers the change from it: ``y`` is float32 (n, series *
    horizon), true value minus naive forecast over `scale`, not centred, so that an answer of zeros is the
    naive forecast and has a skill of 0. The skill is 1 - squared error / squared error of the naive forecast,
    cut at 0; each series counts in units of its own naive errors in training. Answers add the naive forecast
    back.

    RMSE and MAE are of the values, which are as far off as the changes: of one series in its units, of
    several in those of their naive errors. R² is of the changes.

    Attributes:
        series: names of the series that are forecast.
        base: place in the flattened raw example of the naive forecast of each output.
        season: steps of a season.
    """

    score: str = "skill"
    series: tuple[str, ...] = ()
    base: tuple[int, ...] = ()
    season: int = 1
    metrics = FORECAST_METRICS

    @property
    def loss(self) -> str:
        return f"{self.error}/{self.score}"

    @property
    def metric(self) -> Metric:
        return FORECAST_METRICS[self.score]

    @property
    def others(self) -> tuple[Metric, ...]:
        return RMSE, MAE, R2_OF_CHANGES

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return self.outputs // len(self.series)

    @property
    def options(self) -> Mapping[str, Any]:
        return {"horizon": self.horizon, "season": self.season}

    @property
    def words(self) -> str:
        if self.outputs == 1:
            return self.names[0]
        of = ", ".join(self.series) if len(self.series) <= SHOWN else f"{len(self.series)} series"
        return f"{self.horizon} values of {of} to come" if self.horizon > 1 else f"the value of {of} to come"

    def aim(self, data: str) -> str:
        return f"forecast {self.words} in {data}"

    @property
    def identity(self) -> str:
        """The kind, what is measured, the scale of the changes, and where the naive forecasts are."""
        return repr(("forecast", self.score, self.scale, self.base, self.season, *self._otherwise))

    @property
    def naive(self) -> str:
        """The naive forecast in words."""
        return "the last value" if self.season == 1 else f"the value {self.season} steps before"

    def in_units(self, metrics: Mapping[str, float]) -> dict[str, float]:
        unit = self.scale[0] if len(self.series) == 1 else 1.0
        with_unit = (RMSE.name, MAE.name)
        return {name: measured * (unit if name in with_unit else 1.0) for name, measured in metrics.items()}

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the naive forecast: no change."""
        return self.naive, np.zeros(self.outputs)

    def without(self, answer: str) -> str:
        return f"answering {answer}"

    def answers_to(self, outputs: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the forecasts in the units of the data, float64: the changes, on the naive forecasts."""
        naive = raw.reshape(len(raw), -1)[:, list(self.base)].astype(np.float64)
        forecasts: np.ndarray = self.answers(outputs) + naive
        return forecasts

    @property
    def answer_form(self) -> AnswerForm:
        return AnswerForm("identity", self.scale, self.mean, base=self.base)

    def fitted(self, y: np.ndarray, parts: Sequence[np.ndarray]) -> tuple[Forecast, np.ndarray]:
        """Return this target with the scale of training examples, and y over it.

        Args:
            y: changes in the units of the data, (n, outputs).
            parts: indices of the training, validation and test examples.

        Raises:
            NASGymError: if the naive forecast is always right in a part.
        """
        for name, part in zip(("train", "validation", "test"), parts, strict=True):
            if not y[part].any():
                raise DataError(
                    f"in the {name} part {self.naive} is always right, which leaves nothing to forecast: "
                    "make the part larger, or leave such series out"
                )
        changes = y[parts[0]].reshape(-1, len(self.series), self.horizon)
        rms = np.sqrt(np.square(changes).mean(axis=(0, 2)))
        fraction, exponent = np.frexp(rms)
        rms = np.ldexp(np.round(np.ldexp(fraction, BITS)), exponent - BITS)
        scale = np.repeat(np.where(rms == 0, 1.0, rms), self.horizon)
        target = replace(self, mean=(0.0,) * self.outputs, scale=tuple(scale.tolist()))
        return target, (y / scale).astype(np.float32)

    def config(self) -> dict[str, Any]:
        own = {"series": list(self.series), "base": list(self.base), "season": self.season}
        return super().config() | {"kind": "forecast", "score": self.score} | own


def unfitted(names: Sequence[str], series: Sequence[str], base: Sequence[int], season: int) -> Forecast:
    """Return the target of series before its scale is known.

    Args:
        names: a name for each answer, those of a series one after another.
        series: names of the series that are forecast.
        base: as of `Forecast`.
        season: steps of a season.
    """
    zeros, ones = (0.0,) * len(names), (1.0,) * len(names)
    return Forecast(tuple(names), zeros, ones, series=tuple(series), base=tuple(base), season=season)
