"""The batches of an epoch, laid out as kernels read them: features by examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.training.hardware.memory import Memory
from nas_gym.training.losses.base import Loss
from nas_gym.training.losses.registry import loss_of
from nas_gym.training.members import TrainingData
from nas_gym.training.program.tape import VECTOR, padded
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
        self._targets = loss_of(data.loss).targets(data.y_train, outputs, recipe.label_smoothing)
        self._size = recipe.batch_size
        self._generator = torch.Generator().manual_seed(seed)

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches in a fresh order: x (features, batch) and targets (outputs, batch)."""
        order = torch.randperm(len(self._x), generator=self._generator).to(self._x.device)
        x, targets = self._x[order].T.contiguous(), self._targets[order].T.contiguous()
        return zip(x.split(self._size, 1), targets.split(self._size, 1), strict=True)


@dataclass(frozen=True, slots=True)
class EqualBatches:
    """The batches of one size of an epoch, for all streams, as a program reads them.

    Attributes:
        size: examples of a batch.
        x: (batches, streams, floats), a row for each stream, padded as the rows of a tape are.
        targets: (batches, streams, outputs, size).
    """

    size: int
    x: Tensor
    targets: Tensor


class EpochBatches:
    """The training batches of an epoch for every seed of a chunk, in memory that stays where it is.

    The numbers are those of `BatchStream`. An epoch is drawn in one piece, so that a step reads its
    batch by the number of the step alone.

    Args:
        data: the data.
        recipe: batch size and label smoothing.
        seeds: seed of the order of examples of each stream.
        outputs: numbers that a network gives for one example.
        memory: where the memory comes from.

    Attributes:
        parts: the full batches, then the last one if it is smaller.
    """

    def __init__(
        self, data: TrainingData, recipe: Recipe, seeds: Sequence[int], outputs: int, memory: Memory
    ) -> None:
        self._x = data.x_train.flatten(1)
        self._targets = loss_of(data.loss).targets(data.y_train, outputs, recipe.label_smoothing)
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        examples = len(self._x)
        size = min(recipe.batch_size, examples)
        self.parts = [self._batches(examples // size, size, memory)]
        if rest := examples % size:
            self.parts.append(self._batches(1, rest, memory))

    def _batches(self, batches: int, size: int, memory: Memory) -> EqualBatches:
        streams = len(self._generators)
        x = memory.zeros(batches, streams, padded(self._x.shape[1] * size))
        targets = memory.zeros(batches, streams, self._targets.shape[1], size)
        return EqualBatches(size, x, targets)

    def draw(self) -> None:
        """Fill the memory with the next epoch, in a fresh order."""
        examples, features = self._x.shape
        orders = torch.stack([torch.randperm(examples, generator=each) for each in self._generators])
        orders = orders.to(self._x.device)
        x, targets = self._x[orders], self._targets[orders]  # (streams, examples, ...)
        start = 0
        for part in self.parts:
            batches = len(part.x)
            stop = start + batches * part.size
            rows = part.x[..., : features * part.size].unflatten(2, (features, part.size))
            rows.copy_(_by_batch(x[:, start:stop], batches))
            part.targets.copy_(_by_batch(targets[:, start:stop], batches))
            start = stop


def _by_batch(values: Tensor, batches: int) -> Tensor:
    """From (streams, examples, features) to (batches, streams, features, size), a view."""
    split: Tensor = values.unflatten(1, (batches, -1))
    return split.permute(1, 0, 3, 2)


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


@dataclass(frozen=True, slots=True)
class EvaluationRound:
    """All batches of a part, as a program reads them one after another.

    Attributes:
        x: (batches, floats), padded as the rows of a tape are.
        answers: (batches, ...) each, see `Loss.answers`.
    """

    x: Tensor
    answers: tuple[Tensor, ...]

    @classmethod
    def of(cls, batches: Sequence[EvaluationBatch]) -> EvaluationRound:
        """The batches side by side."""
        first = batches[0]
        x = first.x.new_zeros(len(batches), padded(first.x.numel()))
        for row, batch in zip(x, batches, strict=True):
            row[: batch.x.numel()].copy_(batch.x.flatten())
        answers = zip(*(batch.answers for batch in batches), strict=True)
        return cls(x, tuple(torch.stack(each) for each in answers))
