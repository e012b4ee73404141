"""The weights of all members in one flat buffer, so that one fused optimiser step moves them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.evaluators.engine.schedule import Group, Value
from nas_gym.evaluators.engine.tape import VECTOR
from nas_gym.evaluators.engine.weight_form import weight_form
from nas_gym.network import Node, Shape

MOMENTUM = 0.1
"""Of running batch-norm statistics, as in torch."""


@dataclass(frozen=True, slots=True)
class _Array:
    """Where an array of a group lies: member i at `start + i * pitch`, in the form kernels read."""

    start: int
    pitch: int
    members: int
    shape: Shape

    def of(self, flat: Tensor) -> Tensor:
        strides = [math.prod(self.shape[axis + 1 :]) for axis in range(len(self.shape))]
        return flat.as_strided((self.members, *self.shape), (self.pitch, *strides), self.start)


class Parameters:
    """Weights, their gradients and batch-norm statistics of the members of a chunk.

    Every array of a member starts at a multiple of `VECTOR` floats, so that no kernel over the flat
    buffers treats a member differently for its position.

    Attributes:
        weights, gradients: float32, flat.
        means, variances: running batch-norm statistics, flat.
        batch_means, batch_variances: of the last batch, laid out as the running ones.
    """

    def __init__(self, groups: Sequence[Group], device: torch.device) -> None:
        self._arrays: dict[tuple[Group, str], _Array] = {}
        self._statistics: dict[Group, _Array] = {}
        self._places: dict[Value, tuple[Group, int]] = {}
        used = statistics = 0
        for group in groups:
            self._places |= {value: (group, row) for row, value in enumerate(group.values)}
            used = self._place(group, used)
            if group.node.operation == "batch_norm":
                array = _Array(statistics, _padded(group.node.shape[0]), len(group.values), group.node.shape[:1])
                self._statistics[group] = array
                statistics += array.pitch * array.members
        self.weights, self.gradients = (torch.zeros(used, device=device) for _ in range(2))
        self.means, self.batch_means, self.batch_variances = (
            torch.zeros(statistics, device=device) for _ in range(3)
        )
        self.variances = torch.ones(statistics, device=device)

    def _place(self, group: Group, used: int) -> int:
        shapes = {
            name: weight_form(group.node).stored_shape
            if group.node.operation == "conv" and name == "weight"
            else shape
            for name, shape in group.node.parameter_shapes.items()
        }
        pitch = sum(_padded(math.prod(shape)) for shape in shapes.values())
        start = used
        for name, shape in shapes.items():
            self._arrays[group, name] = _Array(start, pitch, len(group.values), shape)
            start += _padded(math.prod(shape))
        return used + pitch * len(group.values)

    def weight(self, group: Group, name: str) -> Tensor:
        """An array of a group, (members, *stored shape), a view."""
        return self._arrays[group, name].of(self.weights)

    def gradient(self, group: Group, name: str) -> Tensor:
        """The gradient of an array of a group, a view like `weight`."""
        return self._arrays[group, name].of(self.gradients)

    def statistic(self, group: Group, flat: Tensor) -> Tensor:
        """The part of a flat buffer of statistics that is a group's, (members, channels), a view."""
        return self._statistics[group].of(flat)

    def update_statistics(self) -> None:
        """Move the running batch-norm statistics a tenth of the way to those of the last batch."""
        if len(self.means):
            self.means.lerp_(self.batch_means, MOMENTUM)
            self.variances.lerp_(self.batch_variances, MOMENTUM)

    def load(self, value: Value, name: str, array: Tensor) -> None:
        """Set a member's array, given as PyTorch lays it out."""
        group, row = self._places[value]
        self.weight(group, name)[row].copy_(_stored(group.node, name, array))

    def state(self, value: Value, names: Sequence[str]) -> dict[str, Tensor]:
        """A member's arrays of a node under `names`, with ``mean`` and ``variance`` of batch norm."""
        group, row = self._places[value]
        arrays = {name: _torch_form(group.node, name, self.weight(group, name)[row]) for name in names}
        if group.node.operation == "batch_norm":
            arrays["mean"] = self.statistic(group, self.means)[row]
            arrays["variance"] = self.statistic(group, self.variances)[row]
        return {name: array.detach().cpu().clone() for name, array in arrays.items()}

    def __contains__(self, value: Value) -> bool:
        return value in self._places


def _padded(floats: int) -> int:
    return -(-floats // VECTOR) * VECTOR


def _stored(node: Node, name: str, array: Tensor) -> Tensor:
    return weight_form(node).to_stored(array) if (node.operation, name) == ("conv", "weight") else array


def _torch_form(node: Node, name: str, array: Tensor) -> Tensor:
    return weight_form(node).to_torch(array) if (node.operation, name) == ("conv", "weight") else array
