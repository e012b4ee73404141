"""The initial weights of a chunk, drawn for all members at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nas_gym.networks import initial_weights
from nas_gym.training.kernels.weight_layout import in_stored_form
from nas_gym.training.members import Member
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.templates import NOT_KNOWN
from nas_gym.training.program.values import Ids, Values

Limits = tuple[float, float]
FEW = 8
"""Members of one seed that take less time one by one: a stream is drawn for every range of first values."""
HELD_FLOATS = 2**24
"""Floats of streams that are held before they are drawn anew."""


class InitialWeights:
    """The initial weights of members, those of `initial_weights` bit for bit.

    That draws the arrays of a network one after another, and each number of an array takes the next
    random number of the seed. So an array is a part of the stream of numbers that the seed gives within
    the array's range, and members of one seed read the same streams, which are drawn once.

    Args:
        members: the members.
        values: what they compute.
    """

    def __init__(self, members: Sequence[Member], values: Values) -> None:
        self._members, self._values = members, values
        self._seeds = np.array([member.seed for member in members], dtype=np.int64)
        counts = Counter(member.seed for member in members)
        few = np.array([counts[member.seed] <= FEW for member in members])
        self._starts = np.where(few[values.members], NOT_KNOWN, values.drawn)
        self._streams: dict[tuple[int, Limits], Tensor] = {}
        self._own: dict[int, dict[str, Tensor]] = {}

    def load(self, parameters: Parameters) -> None:
        """Set the weights of the chunk: laid out on the host, then copied to the device at once."""
        weights = parameters.weights
        host = weights if weights.device.type == "cpu" else torch.zeros_like(weights, device="cpu")
        for group in parameters.groups:
            node, earlier = group.node, 0
            for name, shape in node.parameter_shapes.items():
                low, high = node.operation.initial_range(node, name)
                target = parameters.stored(group, name, host)
                if low == high:
                    target.fill_(low)
                    continue
                numbers = math.prod(shape)
                arrays = self._drawn(group, name, earlier, numbers, (low, high))
                form = parameters.form(node, name)
                target.copy_(in_stored_form(form, arrays.view(-1, *shape)))
                earlier += numbers
        if host is not weights:
            weights.copy_(host)

    def _drawn(self, group: Group, name: str, earlier: int, numbers: int, limits: Limits) -> Tensor:
        """An array of a group, (members, numbers); each node draws so many numbers `earlier` than it."""
        starts = self._starts[group.ids]
        arrays = torch.empty(len(group.ids), numbers, dtype=torch.float32, device="cpu")
        apart = np.flatnonzero(starts == NOT_KNOWN)
        for row in apart.tolist():
            m, number = group.values[row]
            arrays[row] = self._drawn_apart(m)[f"{number}_{name}"].flatten()
        if len(apart) == len(starts):
            return arrays
        seeds = self._seeds[self._values.members[group.ids]]
        for seed in np.unique(seeds).tolist():
            rows = np.flatnonzero((seeds == seed) & (starts != NOT_KNOWN))
            if len(rows) == len(seeds):
                return self._parts(seed, starts + earlier, numbers, limits)
            if len(rows):
                arrays[torch.from_numpy(rows)] = self._parts(seed, starts[rows] + earlier, numbers, limits)
        return arrays

    def _parts(self, seed: int, starts: Ids, numbers: int, limits: Limits) -> Tensor:
        """Parts of a stream, (starts, numbers)."""
        stream = self._stream(seed, limits, int(starts.max()) + numbers)
        return stream.unfold(0, numbers, 1).index_select(0, torch.from_numpy(starts))

    def _stream(self, seed: int, limits: Limits, length: int) -> Tensor:
        """At least `length` numbers of a seed within limits."""
        stream = self._streams.get((seed, limits))
        if stream is None or len(stream) < length:
            if sum(map(len, self._streams.values())) > HELD_FLOATS:
                self._streams.clear()
            generator = torch.Generator(device="cpu").manual_seed(seed)
            stream = torch.empty(length, dtype=torch.float32, device="cpu")
            self._streams[seed, limits] = stream.uniform_(*limits, generator=generator)
        return stream

    def _drawn_apart(self, m: int) -> dict[str, Tensor]:
        """Every array of a member of few, or with an operation that draws in a way of its own."""
        if m not in self._own:
            self._own[m] = dict(initial_weights(self._members[m].network, self._members[m].seed))
        return self._own[m]
