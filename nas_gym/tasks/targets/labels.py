"""Several labels at once: an example may have none, one or more of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.targets.class_weights import ClassWeight
from nas_gym.tasks.targets.label_metrics import HAMMING, LABEL_METRICS, MACRO_F1, SUBSET
from nas_gym.tasks.targets.metrics import Metric
from nas_gym.tasks.targets.target import AnswerForm, Target, checked_metric


@dataclass(frozen=True)
class Labels(Target):
    """Which of several labels an example has; the score is the macro-averaged F1, or another metric.

    Most labels of most examples are absent, so that answering "none" is right for most of them: F1 counts
    what is found and what is missed, and its mean over the labels counts a rare label like a frequent one.

    ``y`` is float32 (n, labels), 0 or 1; a network's outputs are the log-odds of each label.

    Attributes:
        score: name of the metric, one of `LABEL_METRICS`.
    """

    score: str = MACRO_F1.name
    kind = "labels"
    metrics = LABEL_METRICS

    @property
    def loss(self) -> str:
        return f"binary_cross_entropy/{self.score}"

    @property
    def metric(self) -> Metric:
        return LABEL_METRICS[self.score]

    @property
    def others(self) -> tuple[Metric, ...]:
        return tuple(one for one in LABEL_METRICS.values() if one != self.metric)

    def measured_by(self, metric: str | None, class_weight: ClassWeight | None) -> Labels:
        if class_weight:
            raise ConfigError(
                f"class_weight is for classes, and the task predicts {self.words}: leave it out"
            )
        return replace(self, score=checked_metric(self, metric) or self.score)

    @property
    def identity(self) -> str:
        """The kind, and what is measured."""
        return repr((self.kind, self.score))

    @property
    def words(self) -> str:
        return f"{len(self.names)} labels"

    def aim(self, data: str) -> str:
        return f"tell which of {self.words} the examples of {data} have"

    def right(self, outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
        right: np.ndarray = ((outputs > 0) == (truth > 0)).all(axis=1)
        return right

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return the labels that are best always answered: for F1 those of many examples, at best all."""
        shares = y_train.mean(axis=0, dtype=np.float64)
        if self.score == MACRO_F1.name:
            chosen = shares > 0
        elif self.score == HAMMING.name:
            chosen = shares > 0.5
        elif self.score == SUBSET.name:
            most, _ = Counter(map(tuple, (y_train > 0).tolist())).most_common(1)[0]
            chosen = np.array(most, dtype=bool)
        else:
            chosen = self._best_of_frequent(shares)
        names = [name for name, one in zip(self.names, chosen.tolist(), strict=True) if one]
        return ", ".join(names) or "none", np.where(chosen, 1.0, -1.0)

    def _best_of_frequent(self, shares: np.ndarray) -> np.ndarray:
        """Return the most frequent labels whose constant answer has the highest micro-averaged F1."""
        order = np.argsort(-shares, kind="stable")
        counts = np.arange(1, len(shares) + 1)
        scores = 2 * shares[order].cumsum() / (counts + shares.sum())
        chosen = np.zeros(len(shares), dtype=bool)
        chosen[order[: int(scores.argmax()) + 1]] = True
        return chosen

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each label, of the type of the outputs."""
        import torch  # as of `Classes`

        probabilities: np.ndarray = torch.as_tensor(outputs).sigmoid().numpy()
        return probabilities

    @property
    def answer_form(self) -> AnswerForm:
        return AnswerForm("sigmoid", (1.0,) * self.outputs, (0.0,) * self.outputs)

    def other_metrics(self, score: float) -> dict[str, float]:
        """Return other metrics that go with a score: the same, of answers that are alike in every label."""
        return {one.name: score for one in self.others}

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "names": list(self.names), "score": self.score}
