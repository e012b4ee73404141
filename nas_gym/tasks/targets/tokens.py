"""A token at each of several positions: the next letter of a text, the phones of a word, a translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.targets.class_weights import ClassWeight
from nas_gym.tasks.targets.metrics import Metric
from nas_gym.tasks.targets.target import AnswerForm, Target, checked_metric
from nas_gym.tasks.targets.token_metrics import (
    BITS,
    EXACT_MATCH,
    TOKEN_ACCURACY,
    TOKEN_METRICS,
    UNCERTAINTY,
    exact,
    of_sums,
    sums_of,
)

LEAST = 1e-9  # of a share, whose logarithm is an output


@dataclass(frozen=True)
class Tokens(Target):
    """A token at each position; the score is the share of uncertainty removed, or another metric.

    ``y`` is int64 (n, positions), the number of the right name, -1 where nothing is asked, as after the end
    of a text. A network's outputs are logits, those of name ``o`` at position ``p`` at ``o * positions + p``.

    Attributes:
        positions: answers of an example.
        causal: whether the answer at a position may only depend on the input up to there, as that of the next
            letter.
        score: name of the metric, one of `TOKEN_METRICS`; beside it are the others and the bits per token.
    """

    positions: int
    causal: bool = True
    score: str = UNCERTAINTY.name
    kind = "tokens"
    metrics = TOKEN_METRICS

    @property
    def loss(self) -> str:
        return f"token_cross_entropy/{self.score}/{self.positions}"

    @property
    def metric(self) -> Metric:
        return TOKEN_METRICS[self.score]

    @property
    def others(self) -> tuple[Metric, ...]:
        every = (UNCERTAINTY, TOKEN_ACCURACY, EXACT_MATCH, BITS)
        return tuple(one for one in every if one != self.metric)

    @property
    def outputs(self) -> int:
        return len(self.names) * self.positions

    @property
    def options(self) -> Mapping[str, Any]:
        return {"positions": self.positions, "causal": self.causal}

    def measured_by(self, metric: str | None, class_weight: ClassWeight | None) -> Tokens:
        if class_weight:
            raise ConfigError(
                f"class_weight is for classes, and the task predicts {self.words}: leave it out"
            )
        return replace(self, score=checked_metric(self, metric) or self.score)

    @property
    def identity(self) -> str:
        """The kind, what is measured, and where."""
        return repr((self.kind, self.score, self.positions, self.causal))

    @property
    def words(self) -> str:
        return f"{self.positions} tokens of {len(self.names)}"

    def aim(self, data: str) -> str:
        return f"tell the next token of {data}" if self.causal else f"tell the tokens of {data}"

    def parts(self, outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return for each example what the score is made of, for `score_of_parts`."""
        return sums_of(outputs, truth)

    def score_of_parts(self, parts: np.ndarray) -> float:
        """Return the score of some examples, which may be there more than once, in [0, 1]."""
        return min(1.0, max(0.0, of_sums(self.score, parts.sum(axis=0), len(parts))))

    def right(self, outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return exact(outputs, truth)

    def best_constant(self, y_train: np.ndarray) -> tuple[str, np.ndarray]:
        """Return how frequent the tokens are, at every position: the unigram model."""
        counts = np.bincount(y_train[y_train >= 0], minlength=len(self.names))
        logits = np.log(np.maximum(counts, LEAST) / counts.sum())
        return "how frequent the tokens are", np.repeat(logits, self.positions)

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each name at each position, (n, outputs), in the order of the outputs."""
        import torch  # as of `Classes`

        logits = torch.as_tensor(outputs).unflatten(1, (len(self.names), self.positions))
        probabilities: np.ndarray = logits.softmax(1).flatten(1).numpy()
        return probabilities

    def texts(self, answers: np.ndarray, separator: str = "") -> list[str]:
        """Return the likeliest name at each position of each example, joined up to the first empty one.

        Args:
            answers: as `answers` gives them.
            separator: between names.
        """
        taken = answers.reshape(len(answers), len(self.names), self.positions).argmax(axis=1)
        texts = []
        for row in taken.tolist():
            names = [self.names[code] for code in row]
            end = names.index("") if "" in names else len(names)
            texts.append(separator.join(names[:end]))
        return texts

    @property
    def answer_form(self) -> AnswerForm:
        return AnswerForm("softmax", (1.0,) * self.outputs, (0.0,) * self.outputs, self.positions)

    def other_metrics(self, score: float) -> dict[str, float]:
        """Return metrics that go with a score: shares alike, and the bits of equally frequent tokens."""
        bits = (1 - score) * float(np.log2(len(self.names)))
        return {one.name: bits if one == BITS else score for one in self.others}

    def config(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "names": list(self.names),
            "positions": self.positions,
            "causal": self.causal,
            "score": self.score,
        }
