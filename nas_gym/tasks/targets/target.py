"""What every target is: its outputs, the loss that it is learned by, and the score it is searched by."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.targets.class_weights import ClassWeight
from nas_gym.tasks.targets.metrics import Metric


@dataclass(frozen=True)
class AnswerForm:
    """How a network's outputs become answers, as other programs are told.

    Attributes:
        function: ``"softmax"`` over the outputs, ``"sigmoid"`` of each, or ``"identity"``.
        scale, mean: what each output is multiplied by, and what is added then; one number an output.
        positions: answers of an example, each over its own outputs: output ``o * positions + p`` is that of
            name o at position p.
        base: places in the flattened raw example of what is added to each answer; () for nothing.
    """

    function: Literal["softmax", "sigmoid", "identity"]
    scale: tuple[float, ...]
    mean: tuple[float, ...]
    positions: int = 1
    base: tuple[int, ...] = ()


@dataclass(frozen=True)
class Target(ABC):
    """What a network is asked for.

    Attributes:
        names: a name per class, label or value.
        kind: ``"classes"``, ``"labels"``, ``"values"`` or ``"tokens"``.
        metrics: what the score may be, by the name of the option ``metric``.
    """

    names: tuple[str, ...]
    kind: ClassVar[str]
    metrics: ClassVar[Mapping[str, Metric]]

    @property
    @abstractmethod
    def loss(self) -> str:
        """Name of the loss that networks are trained by, which measures the metrics, too."""

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """What the score is, cut to [0, 1]."""

    @property
    @abstractmethod
    def others(self) -> tuple[Metric, ...]:
        """Metrics that an evaluation has beside its score."""

    @abstractmethod
    def measured_by(self, metric: str | None, class_weight: ClassWeight | None) -> Target:
        """Return this target with another score, and classes with other weights; None changes nothing.

        Raises:
            NASGymError: if they are not for this kind of target.
        """

    def learned_by(self, loss: str | None) -> Target:
        """Return this target, if it is one of values with another loss; None changes nothing.

        Raises:
            NASGymError: if it is not one of values.
        """
        if loss is not None:
            raise ConfigError(f"loss is for values, and the task predicts {self.words}: leave it out")
        return self

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
    def options(self) -> Mapping[str, Any]:
        """What a search space is told of the answers, by the name of its option; nothing of one answer."""
        return {}

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

    def right(self, outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return which examples are answered right, bool (n,), where the score is their share."""
        right: np.ndarray = outputs.argmax(axis=1) == truth
        return right

    @abstractmethod
    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the best answer without looking: in words, and as outputs of a network (outputs,)."""

    def without(self, answer: str) -> str:
        """Return what one does without a network, given the best answer in words of `best_constant`."""
        return f"always answering {answer}"

    @abstractmethod
    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return a network's outputs as a user reads them, (n, outputs)."""

    def answers_to(self, outputs: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return a network's outputs for raw examples (n, *shape) as a user reads them, (n, outputs)."""
        return self.answers(outputs)

    def fitted(self, y: np.ndarray, parts: Sequence[np.ndarray]) -> tuple[Target, np.ndarray]:
        """Return the target and what is to be predicted as a task holds it, given the parts.

        Args:
            y: as a loader made it, (n, ...).
            parts: indices of the training, validation and test examples.

        Raises:
            NASGymError: if a part leaves nothing to measure.
        """
        return self, y

    @property
    @abstractmethod
    def answer_form(self) -> AnswerForm:
        """What `answers` computes, for programs without this one."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what `target_of` builds the target from again, JSON-able."""


def checked_metric(target: Target, metric: str | None) -> str | None:
    """Return the name of a metric that is for a target."""
    if metric is not None and metric not in target.metrics:
        raise ConfigError(
            f"metric {metric!r} is not for {target.kind}, and the task predicts {target.words}: pass one of "
            f"{', '.join(target.metrics)}"
        )
    return metric
