"""Targets: what a network is asked for, the loss that it learns by, and the score it is searched by.

A target brings the number of outputs of a network, the name of its loss (see
`nas_gym.training.loss_of`) and its metrics. Outside the files of the targets and the losses nothing of
search and training depends on which target a task has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import unknown
from nas_gym.tasks.targets.class_weights import ClassWeight, check_class_weight, weights_by_class
from nas_gym.tasks.targets.forecast import Forecast
from nas_gym.tasks.targets.labels import Labels
from nas_gym.tasks.targets.metrics import CLASS_METRICS, LOG_LOSS, RANKED_METRICS, Metric
from nas_gym.tasks.targets.target import AnswerForm, Target, checked_metric
from nas_gym.tasks.targets.tokens import Tokens
from nas_gym.tasks.targets.values import Values

__all__ = [
    "AnswerForm",
    "Classes",
    "Forecast",
    "Labels",
    "Target",
    "Tokens",
    "Values",
    "check_kind",
    "check_metric",
    "target_of",
]

WEIGHTS = "weights="
"""What the weights of classes begin with in the name of a loss."""


@dataclass(frozen=True)
class Classes(Target):
    """One of several classes; the score is the accuracy, and nothing beside it, unless a metric is named.

    ``y`` is int64 (n,), in [0, classes); a network's outputs are logits.

    Attributes:
        score: name of the metric, one of `CLASS_METRICS`; "" for the accuracy alone.
        class_weight: ``"balanced"`` for classes of equal weight in the loss, or the weight of each class, of
            which only the ratios matter; "" for examples of equal weight.
    """

    score: str = ""
    class_weight: str | tuple[float, ...] = ""
    kind = "classes"
    metrics = CLASS_METRICS

    @property
    def loss(self) -> str:
        if not (self.score or self.class_weight):
            return "cross_entropy"
        weight = self.class_weight
        if not isinstance(weight, str):
            weight = f"{WEIGHTS}{','.join(map(repr, weight))}"
        return "/".join(filter(None, ("cross_entropy", self.metric.name, weight)))

    @property
    def metric(self) -> Metric:
        return CLASS_METRICS[self.score or "accuracy"]

    @property
    def others(self) -> tuple[Metric, ...]:
        if not (self.score or self.class_weight):
            return ()
        ranked = self.metric.name in RANKED_METRICS
        return tuple(
            one
            for name, one in CLASS_METRICS.items()
            if one != self.metric and (ranked or name not in RANKED_METRICS)
        )

    def measured_by(self, metric: str | None, class_weight: ClassWeight | None) -> Classes:
        weight = class_weight or ""
        return replace(
            self,
            score=checked_metric(self, metric) or self.score,
            class_weight=weight if isinstance(weight, str) else weights_by_class(weight, self.names),
        )

    @property
    def identity(self) -> str:
        """Nothing for the accuracy of equal examples; else what is measured and weighted."""
        named = self.score or self.class_weight
        return repr((self.kind, self.metric.name, self.class_weight)) if named else ""

    @property
    def words(self) -> str:
        return f"{len(self.names)} classes"

    def aim(self, data: str) -> str:
        return f"tell the {self.words} of {data} apart"

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the class that is most frequent in training, the first of ties; for the log loss all."""
        counts = np.bincount(y_train, minlength=self.outputs)
        if self.metric == LOG_LOSS:
            return "how frequent the classes are", np.log(np.maximum(counts, 1e-9) / len(y_train))
        frequent = int(counts.argmax())
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
        return {"kind": self.kind, "names": list(self.names)} | {
            option: value
            for option, value in (("score", self.score), ("class_weight", _plain(self.class_weight)))
            if value
        }


def _plain(weight: str | tuple[float, ...]) -> str | list[float]:
    return weight if isinstance(weight, str) else list(weight)


KINDS: dict[str, type[Target]] = {one.kind: one for one in (Classes, Labels, Values, Tokens)}
KINDS["forecast"] = Forecast  # values too, whose config has a name of its own


OF_ARRAYS = (Classes.kind, Labels.kind, Values.kind)
"""Kinds that an array of answers can have; tokens need the loader of a task that knows their names."""


def check_kind(kind: object) -> None:
    """Check an option ``target_kind``; None means that what is to be predicted says it.

    Raises:
        NASGymError: if there is no such kind of target.
    """
    if kind is not None and kind not in OF_ARRAYS:
        raise unknown("target_kind", kind, OF_ARRAYS)


def target_of(config: Mapping[str, Any]) -> Target:
    """Return the target of a config.

    Raises:
        NASGymError: if there is no such kind of target.
    """
    options = dict(config)
    kind = options.pop("kind")
    if kind not in KINDS:
        raise unknown("kind of target", kind, KINDS)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return KINDS[kind](**given)


def check_metric(metric: object, class_weight: object) -> None:
    """Check options ``metric`` and ``class_weight``, whatever the kind of target; None leaves both as usual.

    Raises:
        NASGymError: if there is no such metric or weight.
    """
    known = tuple(name for kind in KINDS.values() for name in kind.metrics)
    if metric is not None and metric not in known:
        raise unknown("metric", metric, known)
    check_class_weight(class_weight)
