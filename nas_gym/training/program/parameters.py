"""The weights of all members in one flat buffer, so that one fused optimiser step moves them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.kernels.paths import paths_of
from nas_gym.training.kernels.weight_layout import stored_form
from nas_gym.training.program.grouping import Group, Value
from nas_gym.training.program.tape import Kernel, padded

MOMENTUM = 0.1
"""Of running batch-norm statistics, as in torch."""


@dataclass(frozen=True, slots=True)
class _Array:
    """Where an array of a group lies: blocks of a flat buffer, each with a part of every member."""

    start: int
    blocks: int
    members: int
    shape: Shape
    dense: bool = False

    @property
    def pitch(self) -> int:
        """Floats from one member to the next."""
        floats = math.prod(self.shape)
        return floats if self.dense else padded(floats)

    @property
    def floats(self) -> int:
        """Floats of all blocks."""
        return padded(self.blocks * self.members * self.pitch)

    def of(self, flat: Tensor) -> Tensor:
        """The array as a view (blocks, members, *shape)."""
        strides = [math.prod(self.shape[axis + 1 :]) for axis in range(len(self.shape))]
        size = (self.blocks, self.members, *self.shape)
        return flat.as_strided(size, (self.members * self.pitch, self.pitch, *strides), self.start)


class Parameters:
    """Weights, their gradients and batch-norm statistics of the members of a chunk.

    Every array of a member starts at a multiple of `VECTOR` floats, so that no kernel over the flat
    buffers treats a member differently for its position.

    Attributes:
        weights, gradients: float32, flat.
        means, variances: running batch-norm statistics, flat.
        batch_means, batch_variances: statistics of the last batch, laid out as the running ones.
    """

    def __init__(self, groups: Sequence[Group], device: torch.device) -> None:
        self._arrays: dict[tuple[Group, str], _Array] = {}
        self._statistics: dict[Group, _Array] = {}
        self._places: dict[Value, tuple[Group, int]] = {}
        dense = paths_of(device).whole_groups  # a library takes members without gaps between them
        used = statistics = 0
        for group in groups:
            self._places |= {value: (group, row) for row, value in enumerate(group.values)}
            for name, shape in group.node.parameter_shapes.items():
                array = _array(group, name, shape, used, dense)
                self._arrays[group, name] = array
                used += array.floats
            if buffers := group.node.operation.buffers(group.node):
                statistic = _Array(statistics, 1, len(group.values), buffers["mean"].shape, dense)
                self._statistics[group] = statistic
                statistics += statistic.floats
        self.weights, self.gradients = (
            torch.zeros(used, dtype=torch.float32, device=device) for _ in range(2)
        )
        self.means, self.batch_means, self.batch_variances = (
            torch.zeros(statistics, dtype=torch.float32, device=device) for _ in range(3)
        )
        self.variances = torch.ones(statistics, dtype=torch.float32, device=device)

    def weight(self, group: Group, name: str) -> Tensor:
        """An array of a group, a view: (members, *shape), of a convolution (blocks, members, ...)."""
        return self._view(group, name, self.weights)

    def gradient(self, group: Group, name: str) -> Tensor:
        """The gradient of an array of a group, a view like `weight`."""
        return self._view(group, name, self.gradients)

    def _view(self, group: Group, name: str, flat: Tensor) -> Tensor:
        view = self._arrays[group, name].of(flat)
        return view if stored_form(group.node, name) else view[0]

    def statistic(self, group: Group, flat: Tensor) -> Tensor:
        """The part of a flat buffer of statistics that is a group's, (members, channels), a view."""
        return self._statistics[group].of(flat)[0]

    def statistics_kernels(self) -> list[Kernel]:
        """Kernels that move the running batch-norm statistics a tenth of the way to the last batch's."""
        if not len(self.means):
            return []
        return [
            partial(self.means.lerp_, self.batch_means, MOMENTUM),
            partial(self.variances.lerp_, self.batch_variances, MOMENTUM),
        ]

    def load(self, value: Value, name: str, array: Tensor) -> None:
        """Set a member's array, given as PyTorch lays it out."""
        group, row = self._places[value]
        if form := stored_form(group.node, name):
            self.weight(group, name)[:, row].copy_(form.to_stored(array))
        else:
            self.weight(group, name)[row].copy_(array)

    def state(self, value: Value, names: Sequence[str]) -> dict[str, Tensor]:
        """A member's arrays of a node under `names`, with ``mean`` and ``variance`` of batch norm."""
        group, row = self._places[value]
        arrays = {name: self._torch_form(group, name, row) for name in names}
        if group in self._statistics:
            arrays["mean"] = self.statistic(group, self.means)[row]
            arrays["variance"] = self.statistic(group, self.variances)[row]
        return {name: array.detach().cpu().clone() for name, array in arrays.items()}

    def _torch_form(self, group: Group, name: str, row: int) -> Tensor:
        array = self.weight(group, name)
        form = stored_form(group.node, name)
        return form.to_torch(array[:, row]) if form else array[row]

    def __contains__(self, value: Value) -> bool:
        return value in self._places


def _array(group: Group, name: str, shape: Shape, start: int, dense: bool) -> _Array:
    if form := stored_form(group.node, name):
        blocks, *shape_of_block = form.stored_shape
        return _Array(start, blocks, len(group.values), tuple(shape_of_block), dense)
    return _Array(start, 1, len(group.values), shape, dense)
