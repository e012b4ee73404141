"""What a loss is: what networks learn by, and how the score of their answers is measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from nas_gym.training.program.tape import Kernel


class Loss(ABC):
    """What networks learn by, in fused kernels over members and for one network alone.

    Examples are measured in batches: sums over examples are added up and become a score at the end.
    Where outputs are not finite, a sum is not, and the score is not a number (NaN).

    Attributes:
        name: for `TrainingData.loss`.
        smooths_labels: whether the recipe's label smoothing means something to it.
    """

    name: str
    smooths_labels = False

    @abstractmethod
    def targets(self, y: Tensor, outputs: int, smoothing: float) -> Tensor:
        """Return what outputs are compared with in training, float32 (n, outputs).

        Args:
            y: of the training part, as `TrainingData` holds it.
            outputs: numbers that a network gives for one example.
            smoothing: label smoothing of the recipe.
        """

    @abstractmethod
    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of one network's outputs, (batch, outputs) as `targets`."""

    @abstractmethod
    def kernels(
        self, rows: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, outputs: int, batch: int
    ) -> Iterator[Kernel]:
        """Compute the mean losses of a batch and the gradient by the outputs.

        Args:
            rows: outputs, a row a member; overwritten.
            gradient: rows for the gradient.
            targets: (members or 1, outputs, batch).
            losses: (members,).
            outputs: numbers that a network gives for one example.
            batch: examples of the batch.
        """

    @abstractmethod
    def sums(self, outputs: int) -> int:
        """Return how many sums are kept of each member."""

    @abstractmethod
    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the sums of one network's outputs (batch, outputs) for these examples, (sums,)."""

    @abstractmethod
    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        """Return what outputs are measured against, each (..., n + fill).

        Args:
            y: as `TrainingData` holds it, of n examples.
            fill: number of examples after them that fill up a batch and count nothing.
            outputs: numbers that a network gives for one example.
        """

    @abstractmethod
    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        """Compute the sums of each member.

        Args:
            rows: outputs, a row a member; overwritten.
            answers: of a batch, as the method `answers` gives them.
            sums: (sums, members).
            outputs: numbers that a network gives for one example.
        """

    @abstractmethod
    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the score of each member and its other metrics, float64 (members,) each.

        Args:
            sums: over all examples, float64 (sums, members), on the CPU.
            y: what they were measured against, as `TrainingData` holds it.
        """


def padded_answers(y: Tensor, fill: int, outputs: int) -> tuple[Tensor, Tensor]:
    """Return answers (n, outputs) as (outputs, n + fill), and which examples count (n + fill,)."""
    counted = torch.cat([y.new_ones(len(y)), y.new_zeros(fill)])
    return torch.cat([y, y.new_zeros(fill, outputs)]).T.contiguous(), counted
