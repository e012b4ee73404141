"""The batches of an epoch, laid out as kernels read them: features by examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.training.losses.base import Loss
from nas_gym.training.losses.registry import LOSSES
from nas_gym.training.members import TrainingData
from nas_gym.training.program.tape import VECTOR
from nas_gym.training.recipe import Recipe

EVALUATION_BATCH = 256
"""Most examples of an evaluated batch; fixed, so that rounding does not depend on memory."""


class BatchStream:
    """The training batches of one seed, epoch after epoch.

    Args:
        data: the data.
        recipe: batch size and label smoothing.
        seed: seed of the order of examples; members of one seed see the same batches.
        outputs: numbers that a network gives for one example.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, seed: int, outputs: int) -> None:
        self._x = data.x_train.flatten(1)
        self._targets = LOSSES[data.loss].targets(data.y_train, outputs, recipe.label_smoothing)
        self._size = recipe.batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches in a fresh order: x (features, batch) and targets (outputs, batch)."""
        order = torch.randperm(len(self._x), generator=self._generator).to(self._x.device)
        x, targets = self._x[order].T.contiguous(), self._targets[order].T.contiguous()
        return zip(x.split(self._size, 1), targets.split(self._size, 1), strict=True)


@dataclass(frozen=True, slots=True)
class EvaluationBatch:
    """A batch of evaluated examples as kernels read it.

    Attributes:
        x: (features, batch).
        answers: what outputs are measured against, (..., batch) each, see `Loss.answers`.
    """

    x: Tensor
    answers: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        """Examples of the batch, those that only fill it included."""
        return self.x.shape[1]


def evaluation_batches(
    x: Tensor, y: Tensor, loss: Loss, outputs: int, size: int | None = None
) -> list[EvaluationBatch]:
    """Examples in batches of one size, the last filled up with zeros that count nothing.

    Args:
        x: float32 (n, *input_shape).
        y: as `TrainingData` holds it.
        loss: what is measured.
        outputs: numbers that a network gives for one example.
        size: examples of a batch; by default as few batches as the limit allows, of even size.
    """
    x = x.flatten(1)
    if size is None:
        count = -(-len(x) // EVALUATION_BATCH)
        size = -(-len(x) // (count * VECTOR)) * VECTOR  # whole vectors for every kernel
    fill = -len(x) % size
    x = torch.cat([x, x.new_zeros(fill, x.shape[1])]).T
    split = [answers.split(size, -1) for answers in loss.answers(y, fill, outputs)]
    return [
        EvaluationBatch(part.contiguous(), tuple(each.contiguous() for each in answers))
        for part, *answers in zip(x.split(size, 1), *split, strict=True)
    ]
