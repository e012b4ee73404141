"""The answers of a network on validation examples: what is said of them beside their score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nas_gym.explain.fact import Fact
from nas_gym.explain.section import Figure, Table
from nas_gym.tasks import Task


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a network, of any target.

    A kind of target with more to say has a subclass and a line in `nas_gym.explain.sections.network.kinds`.

    Attributes:
        task: the data.
        outputs: outputs of the network for the validation examples, float64 (n, outputs).
    """

    task: Task
    outputs: np.ndarray
    noun: ClassVar[str] = "output"

    @property
    def explained(self) -> np.ndarray:
        """Number of the output that attributions explain of each example, int64 (n,): each in turn."""
        return np.asarray(np.arange(len(self.outputs), dtype=np.int64) % self.outputs.shape[1])

    def quality(self, score: float) -> str:
        """Return a clause on the score: ``"reaches an R² of 45.2% on the 88 validation examples"``."""
        metric, count = self.task.target.metric, len(self.outputs)
        if metric.share_of_examples:
            return f"is right for {score:.1%} of the {count:,} validation examples"
        return f"reaches {metric.label} {score:.1%} on the {count:,} validation examples"

    def words(self) -> list[str]:
        """Return sentences on the answers, two at most."""
        return []

    def more_words(self) -> list[str]:
        """Return sentences on the answers that a page folds away."""
        return []

    def facts(self) -> list[Fact]:
        """Return what is known of the answers."""
        return []

    def tables(self, features: Sequence[int] = ()) -> list[Table]:
        """Return report tables of the answers.

        Args:
            features: numbers of the features of a table by which an example is described.
        """
        return []

    def figures(self) -> list[Figure]:
        """Return figures of the answers."""
        return []

    def numbers(self) -> dict[str, Any]:
        """Return every number of the above, JSON-able."""
        return {}


Measure = Callable[[Task, np.ndarray, int], Answers]
"""From the data, the outputs for its validation examples and a seed to what is said of the answers."""
