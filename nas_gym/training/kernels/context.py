"""What an operation needs to record itself: the tape, the weights, scratch memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.hardware.memory import Memory
from nas_gym.training.kernels.paths import Paths
from nas_gym.training.program.fresh import Fresh, copy_all
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.tape import VECTOR, Kernel, Rows, Tape, padded


@dataclass
class Context:
    """The recording of one computation.

    Attributes:
        tape: where operations are appended.
        parameters: the weights of the chunk.
        memory: where scratch memory comes from.
        training: whether batch norm uses the batch, and a backward pass follows.
        device: device of all tensors.
        paths: which of several ways kernels take.
        saved: what a group's forward pass leaves for its backward pass.
        objects: likewise, of kernels with memory of their own.
        leaves: gradients of weights and statistics in memory of a library, which nothing reads before the
            end of the step, and where they belong.
        preparations: kernels to run once before evaluating with new weights.
        turned: what was turned over for products of each example, and is there for others that read it.
    """

    tape: Tape
    parameters: Parameters
    memory: Memory
    training: bool
    device: torch.device
    paths: Paths = field(default_factory=Paths)
    saved: dict[Group, tuple[Rows, ...]] = field(default_factory=dict)
    objects: dict[Group, Any] = field(default_factory=dict)
    leaves: list[tuple[Tensor, Fresh]] = field(default_factory=list)
    preparations: list[Kernel] = field(default_factory=list)
    turned: set[object] = field(default_factory=set)
    _scratch: dict[tuple[object, ...], Tensor] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Examples of a batch."""
        return self.tape.batch

    def dense(self, *shapes: Shape) -> bool:
        """Whether rows of values of these shapes lie without gaps, so that a library takes all at once."""
        return all(math.prod(shape) * self.batch % VECTOR == 0 for shape in shapes)

    def leaf(self, target: Tensor) -> Fresh:
        """Where a library leaves what belongs to `target` (dense) by the end of the step."""
        fresh = Fresh()
        fresh.reader()
        self.leaves.append((target, fresh))
        return fresh

    def endings(self) -> list[Kernel]:
        """Kernels that bring all leaves to where they belong."""
        if not self.leaves:
            return []
        targets, results = zip(*self.leaves, strict=True)
        return [partial(copy_all, targets, results)]

    def scratch(self, purpose: str, shape: Shape, key: object = None) -> Tensor:
        """Zeros at first, then whatever its users left: one tensor for each purpose, shape and key."""
        full = (purpose, shape, key)
        if full not in self._scratch:
            self._scratch[full] = self.memory.zeros(*shape)
        return self._scratch[full]

    def aligned_scratch(self, purpose: str, shape: Shape, key: object = None, *, leading: int = 1) -> Tensor:
        """As `scratch`, for factors and results of products: what the leading axes number begins as rows do.

        On some processors a library adds in another order where a matrix begins elsewhere in memory, and a
        member's bits are to be the same whichever its number is.
        """
        inner = shape[leading:]
        floats = math.prod(inner)
        rows = self.scratch(purpose, (*shape[:leading], padded(floats)), key)
        found: Tensor = rows[..., :floats].unflatten(-1, inner)
        return found
