"""The batches of an epoch, laid out as kernels read them: features by examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.training.kernels.loss import tie_thresholds
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
        classes: number of classes.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, seed: int, classes: int) -> None:
        self._x = data.x_train.flatten(1)
        smooth = recipe.label_smoothing
        one_hot = torch.nn.functional.one_hot(data.y_train, classes).to(self._x.dtype)
        self._targets = one_hot * (1 - smooth) + smooth / classes
        self._size = recipe.batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches in a fresh order: x (features, batch) and targets (classes, batch)."""
        order = torch.randperm(len(self._x), generator=self._generator).to(self._x.device)
        x, targets = self._x[order].T.contiguous(), self._targets[order].T.contiguous()
        return zip(x.split(self._size, 1), targets.split(self._size, 1), strict=True)


@dataclass(frozen=True, slots=True)
class EvaluationBatch:
    """A batch of evaluated examples as kernels read it.

    Attributes:
        x: (features, batch).
        labels: int64 (batch,), 0 for the examples that only fill the batch.
        thresholds: (classes, batch), see `right_predictions`.
    """

    x: Tensor
    labels: Tensor
    thresholds: Tensor


def evaluation_batches(x: Tensor, y: Tensor, classes: int, size: int | None = None) -> list[EvaluationBatch]:
    """Examples in batches of one size, the last filled up with zeros that count as wrong.

    Args:
        x: float32 (n, *input_shape).
        y: int64 (n,).
        classes: number of classes.
        size: examples of a batch; by default as few batches as the limit allows, of even size.
    """
    x = x.flatten(1)
    if size is None:
        count = -(-len(x) // EVALUATION_BATCH)
        size = -(-len(x) // (count * VECTOR)) * VECTOR  # whole vectors for every kernel
    fill = -len(x) % size
    x = torch.cat([x, x.new_zeros(fill, x.shape[1])]).T
    y = torch.cat([y, y.new_full((fill,), -1)])
    parts = zip(x.split(size, 1), y.split(size), strict=True)
    return [EvaluationBatch(x.contiguous(), y.clamp_min(0), tie_thresholds(y, classes)) for x, y in parts]
