"""The weights of all members in one flat buffer, so that one fused optimiser step moves them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Node, Shape
from nas_gym.training.kernels.paths import paths_of
from nas_gym.training.kernels.weight_layout import WeightForm, in_torch_form, stored_form
from nas_gym.training.noise import noise_keys
from nas_gym.training.program.grouping import Group, Value
from nas_gym.training.program.tape import Kernel, padded

Views = dict[tuple[Group, str], Tensor]
MOMENTUM = 0.1
"""Of running batch-norm statistics, as in torch."""
EPSILON = 1e-5
"""Added to a variance before its root is taken, as in torch."""


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
        groups: those with weights.
        weights, gradients: float32, flat.
        means, variances: running batch-norm statistics, flat.
        batch_means, batch_variances: statistics of the last batch, laid out as the running ones.
        batch_inverses: inverse deviations of the last batch, where a library gives these.
        step: the number of the step, int32 (1,), from which noise follows.
        noisy: whether there is noise, so that `step` has to be moved on.
    """

    def __init__(self, groups: Sequence[Group], device: torch.device, seeds: Sequence[int] = ()) -> None:
        self._seeds = seeds  # of the members, for their noise
        self.noisy = any(group.node.operation.noisy for group in groups)
        self.step = torch.zeros(1, dtype=torch.int32, device=device)
        self._arrays: dict[tuple[Group, str], _Array] = {}
        self._statistics: dict[Group, _Array] = {}
        self._weight_views: Views = {}
        self._gradient_views: Views = {}
        self.groups = tuple(group for group in groups if group.node.parameter_shapes)
        paths = paths_of(device)
        dense = paths.whole_groups  # a library takes members without gaps between them
        self._as_torch = paths.library_convolutions
        used = statistics = 0
        for group in self.groups:
            for name in group.node.parameter_shapes:
                array = self._array(group, name, used, dense)
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
        self.variances, self.batch_inverses = (
            torch.ones(statistics, dtype=torch.float32, device=device) for _ in range(2)
        )
        self._inverses = paths.whole_groups

    def weight(self, group: Group, name: str) -> Tensor:
        """An array of a group, a view: (members, *shape), or in its form (blocks, members, ...)."""
        return self._view(self._weight_views, group, name, self.weights)

    def gradient(self, group: Group, name: str) -> Tensor:
        """The gradient of an array of a group, a view like `weight`."""
        return self._view(self._gradient_views, group, name, self.gradients)

    def form(self, node: Node, name: str) -> WeightForm | None:
        """The form in which an array of a node is stored; None of one that lies as PyTorch lays it out."""
        return None if self._as_torch else stored_form(node, name)

    def _array(self, group: Group, name: str, start: int, dense: bool) -> _Array:
        if form := self.form(group.node, name):
            blocks, *shape = form.stored_shape
            return _Array(start, blocks, len(group.values), tuple(shape), dense)
        return _Array(start, 1, len(group.values), group.node.parameter_shapes[name], dense)

    def _view(self, made: Views, group: Group, name: str, flat: Tensor) -> Tensor:
        if (group, name) not in made:
            view = self.stored(group, name, flat)
            made[group, name] = view if self.form(group.node, name) else view[0]
        return made[group, name]

    def statistic(self, group: Group, flat: Tensor) -> Tensor:
        """The part of a flat buffer of statistics that is a group's, (members, channels), a view."""
        return self._statistics[group].of(flat)[0]

    def noise_keys(self, group: Group) -> Tensor:
        """The keys that the noise of each node of a group is drawn by, int32 (members,)."""
        members, numbers = zip(*group.values, strict=True)
        return noise_keys([self._seeds[member] for member in members], numbers).to(self.step.device)

    def step_kernels(self) -> list[Kernel]:
        """Kernels that move the number of the step on, where something reads it."""
        return [partial(self.step.add_, 1)] if self.noisy else []

    def statistics_kernels(self, batch: int) -> list[Kernel]:
        """Kernels that move the running batch-norm statistics a tenth of the way to the last batch's."""
        if not len(self.means):
            return []
        return [
            *(self._variance_kernels(batch) if self._inverses else ()),
            partial(self.means.lerp_, self.batch_means, MOMENTUM),
            partial(self.variances.lerp_, self.batch_variances, MOMENTUM),
        ]

    def _variance_kernels(self, batch: int) -> list[Kernel]:
        """Kernels that make the unbiased variances of a batch of the inverse deviations, for all groups."""
        unbiased = torch.ones_like(self.batch_variances)
        for group, array in self._statistics.items():
            count = batch * math.prod(group.node.shape[1:])
            array.of(unbiased).fill_(count / max(1, count - 1))
        return [
            partial(torch.pow, self.batch_inverses, -2, out=self.batch_variances),
            partial(self.batch_variances.sub_, EPSILON),
            partial(self.batch_variances.mul_, unbiased),
        ]

    def stored(self, group: Group, name: str, flat: Tensor) -> Tensor:
        """An array of a group in a buffer that lies as `weights`, a view (blocks, members, ...)."""
        return self._arrays[group, name].of(flat)

    def states(self) -> dict[Value, dict[str, Tensor]]:
        """The arrays of every node, as PyTorch lays them out, ``mean`` and ``variance`` of batch norm too.

        All of them are fetched from the device at once; each is a copy on the CPU.
        """
        weights, means, variances = (flat.cpu() for flat in (self.weights, self.means, self.variances))
        found: dict[Value, dict[str, Tensor]] = {}
        for group in self.groups:
            arrays = {
                name: in_torch_form(self.form(group.node, name), self.stored(group, name, weights))
                for name in group.node.parameter_shapes
            }
            if group in self._statistics:
                arrays["mean"] = self.statistic(group, means)
                arrays["variance"] = self.statistic(group, variances)
            for row, value in enumerate(group.values):
                found[value] = {name: array[row].clone() for name, array in arrays.items()}
        return found
