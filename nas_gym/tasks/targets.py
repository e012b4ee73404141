"""Targets: what a network is asked for, the loss that it learns by, and the score it is searched by.

A target brings the number of outputs of a network, the name of its loss (one of
`nas_gym.training.LOSSES`) and its metrics. Outside this file and the losses nothing depends on which
target a task has.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from nas_gym.errors import unknown
from nas_gym.tasks.metrics import ACCURACY, MAE, R2, RMSE, Metric


@dataclass(frozen=True)
class AnswerForm:
    """How a network's outputs become answers, as other programs are told.

    Attributes:
        function: ``"softmax"`` over the outputs, or ``"identity"``.
        scale, mean: what each output is multiplied by, and what is added then; one number an output.
    """

    function: Literal["softmax", "identity"]
    scale: tuple[float, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True)
class Target(ABC):
    """What a network is asked for.

    Attributes:
        names: a name per class or value.
        kind: ``"classes"`` or ``"values"``.
        loss: name of the loss that networks are trained by.
        metric: what the score is, cut to [0, 1].
        others: metrics that an evaluation has beside its score.
    """

    names: tuple[str, ...]
    kind: ClassVar[str]
    loss: ClassVar[str]
    metric: ClassVar[Metric]
    others: ClassVar[tuple[Metric, ...]] = ()

    @property
    def outputs(self) -> int:
        """The numbers that a network gives for one example."""
        return len(self.names)

    @property
    @abstractmethod
    def words(self) -> str:
        """The target in words, such as ``"10 classes"``."""

    @property
    def identity(self) -> str:
        """What results depend on beside the arrays of a task, for its fingerprint; names are not."""
        return ""

    @property
    def answer_scale(self) -> np.ndarray:
        """The size of an answer, by which differences between answers are judged, (outputs,)."""
        return np.ones(self.outputs)

    @abstractmethod
    def aim(self, data: str) -> str:
        """Return what a network does with data of this name, like ``"tell the classes of digits apart"``."""

    def measure(self, outputs: np.ndarray, truth: np.ndarray) -> tuple[float, dict[str, float]]:
        """Return the score of a network's outputs, in [0, 1], and its other metrics by name.

        The score is not a number (NaN) where outputs that are not finite leave nothing to measure.

        Args:
            outputs: float (n, outputs), as the network gives them.
            truth: as ``y`` of the task's parts.
        """
        outputs = outputs.astype(np.float64)
        measured = self.metric.measure(outputs, truth)
        score = min(1.0, max(0.0, measured)) if math.isfinite(measured) else math.nan
        return score, self.in_units({one.name: one.measure(outputs, truth) for one in self.others})

    def in_units(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Return metrics that were measured on outputs in the units of the data."""
        return dict(metrics)

    def other_metrics(self, score: float) -> dict[str, float]:
        """Return other metrics that go with a score, by name, in the units of the data: a plausible guess."""
        return self.in_units({one.name: 1.0 - score for one in self.others})

    @abstractmethod
    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the best answer without looking: in words, and as outputs of a network (outputs,)."""

    @abstractmethod
    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return a network's outputs as a user reads them, (n, outputs)."""

    @property
    @abstractmethod
    def answer_form(self) -> AnswerForm:
        """What `answers` computes, for programs without this one."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what `target_of` builds the target from again, JSON-able."""


@dataclass(frozen=True)
class Classes(Target):
    """One of several classes; the score is the accuracy.

    ``y`` is int64 (n,), in [0, classes); a network's outputs are logits.
    """

    kind = "classes"
    loss = "cross_entropy"
    metric = ACCURACY

    @property
    def words(self) -> str:
        return f"{len(self.names)} classes"

    def aim(self, data: str) -> str:
        return f"tell the {self.words} of {data} apart"

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the class that is most frequent in training, the first of ties."""
        frequent = int(np.bincount(y_train, minlength=self.outputs).argmax())
        return self.names[frequent], np.eye(self.outputs)[frequent]

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each class, of the type of the outputs."""
        import torch  # takes seconds to import, and whoever has outputs of a network has it already

        probabilities: np.ndarray = torch.as_tensor(outputs).softmax(1).numpy()
        return probabilities

    @property
    def answer_form(self) -> AnswerForm:
        return AnswerForm("softmax", (1.0,) * self.outputs, (0.0,) * self.outputs)

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "names": list(self.names)}


@dataclass(frozen=True)
class Values(Target):
    """Numbers; the score is R², cut at 0, and an evaluation has RMSE and MAE beside it.

    ``y`` is float32 (n, values), standardised by the training part, as a network's outputs are. RMSE and
    MAE are in the units of the data; of several values in standard deviations.

    Attributes:
        mean, scale: the standardisation, one number a value; ``y`` is (raw - mean) / scale.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    kind = "values"
    loss = "squared"
    metric = R2
    others = (RMSE, MAE)

    @property
    def words(self) -> str:
        return "1 value" if len(self.names) == 1 else f"{len(self.names)} values"

    def aim(self, data: str) -> str:
        return f"predict {', '.join(self.names)} of {data}"

    @property
    def identity(self) -> str:
        """The kind, and the standardisation, since metrics are in the units of the data."""
        return repr((self.kind, self.mean, self.scale))

    @property
    def answer_scale(self) -> np.ndarray:
        return np.array(self.scale)

    def in_units(self, metrics: Mapping[str, float]) -> dict[str, float]:
        unit = self.scale[0] if len(self.scale) == 1 else 1.0
        return {name: measured * unit for name, measured in metrics.items()}

    def other_metrics(self, score: float) -> dict[str, float]:
        """Return RMSE and MAE of errors that are Gaussian and leave so much of the variance unexplained."""
        rmse = math.sqrt(1.0 - score)
        return self.in_units({RMSE.name: rmse, MAE.name: math.sqrt(2.0 / math.pi) * rmse})

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the mean of the training part."""
        mean = y_train.astype(np.float64).mean(axis=0)
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
        return {"kind": self.kind, "names": names, "mean": mean, "scale": scale}


KINDS: dict[str, type[Target]] = {one.kind: one for one in (Classes, Values)}


def check_kind(kind: object) -> None:
    """Check an option ``target_kind``; None means classes.

    Raises:
        NASGymError: if there is no such kind of target.
    """
    if kind is not None and kind not in tuple(KINDS):
        raise unknown("target_kind", kind, KINDS)


def target_of(config: Mapping[str, Any]) -> Target:
    """Return the target of a config.

    Raises:
        NASGymError: if there is no such kind of target.
    """
    options = dict(config)
    kind = options.pop("kind")
    if kind not in KINDS:
        raise unknown("kind of target", kind, KINDS)
    return KINDS[kind](**{name: tuple(values) for name, values in options.items()})
