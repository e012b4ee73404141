"""What each layer of a network contributes: replaced by less, and how much of the output flows through it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad

from nas_gym.explain.methods.attribution.integrated_gradients import Pieces, batch_for
from nas_gym.explain.methods.attribution.network_inputs import CHECK_EXAMPLES
from nas_gym.networks import Network, NetworkModule, Operation

LINEAR_FEATURES = 1024
"""A best linear map is fitted where a layer has at most so many inputs."""
MOST_OF_IT = 0.9
REPLACEMENTS = ("unchanged", "linear", "constant")


@dataclass(frozen=True, slots=True)
class Part:
    """A layer of a network, as its search space names it.

    Attributes:
        name: name of the layer.
        first, last: numbers of its first and last node.
        source: number of the node that feeds the first.
    """

    name: str
    first: int
    last: int
    source: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Accuracy that is lost where a layer is replaced, with its 95% interval for new examples."""

    drop: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LayerUse:
    """What a layer contributes.

    Attributes:
        part: the layer.
        losses: by replacement: ``"unchanged"`` (its input is passed on, where shapes allow),
            ``"linear"`` (the best linear map of its input, where it is small enough to be
            fitted), ``"constant"`` (its average output).
        share: share of the output that flows through it, on average; None where it was not measured.
        error: relative error of the conductance in a layer that everything flows through; else None.
        units, units_for_most: outputs of the layer, and how many of them carry 90% of what flows.
    """

    part: Part
    losses: dict[str, Loss]
    share: float | None = None
    error: float | None = None
    units: int = 0
    units_for_most: int | None = None


def parts_of(network: Network) -> list[Part]:
    """Return the layers of a network but the last, whose output is the answer; sums of layers are none."""
    named: dict[str, list[int]] = {}
    for number, node in enumerate(network.nodes):
        if node.layer:
            named.setdefault(node.layer, []).append(number)
    parts = [
        Part(name, nodes[0], nodes[-1], network.nodes[nodes[0]].inputs[0])
        for name, nodes in named.items()
        if not all(_is_sum(network.nodes[number].operation) for number in nodes)
    ]
    return [part for part in parts if part.last != len(network.nodes) - 1]


def _is_sum(operation: Operation) -> bool:
    return operation.sums or operation.gives_zeros


class OpenNetwork(NetworkModule):
    """A trained network whose layers can be looked at and replaced.

    Args:
        module: the trained network.

    Attributes:
        parts: its layers.
        replacement: what replaces one layer, from its input to its output; None for none.
    """

    def __init__(self, module: NetworkModule) -> None:
        super().__init__(module.network)
        self.double().load_state_dict(module.state_dict())
        self.parts = parts_of(module.network)
        self.replacement: tuple[Part, Callable[[Tensor], Tensor]] | None = None
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x)[-1]

    def values(self, x: Tensor) -> list[Tensor]:
        """Return the output of every node."""
        values = [x]
        for number, node in enumerate(self.network.nodes[1:], start=1):
            value = self.compute(number, node, [values[index] for index in node.inputs])
            if self.replacement is not None and self.replacement[0].last == number:
                part, replaced = self.replacement
                value = replaced(values[part.source])
            values.append(value)
        return values


@torch.no_grad()
def ablations(module: NetworkModule, x_fit: np.ndarray, x: np.ndarray, y: np.ndarray) -> list[LayerUse]:
    """Return the accuracy lost where each layer is replaced.

    Args:
        module: the trained network, float64.
        x_fit: training examples, which averages and linear maps are fitted on.
        x: validation examples.
        y: their classes.
    """
    opened = OpenNetwork(module)
    fitted = opened.values(_tensor(x_fit[:CHECK_EXAMPLES]))
    inputs, labels = _tensor(x[:CHECK_EXAMPLES]), torch.tensor(y[:CHECK_EXAMPLES])
    right = opened(inputs).argmax(1) == labels
    found = []
    for part in opened.parts:
        losses = {}
        for name, replaced in _replacements(fitted[part.source], fitted[part.last]).items():
            opened.replacement = (part, replaced)
            losses[name] = _loss(right, opened(inputs).argmax(1) == labels)
        opened.replacement = None
        found.append(LayerUse(part, losses, units=math.prod(module.network.nodes[part.last].shape)))
    return found


def conductances(
    module: NetworkModule, uses: list[LayerUse], x: np.ndarray, y: np.ndarray, pieces: Pieces
) -> list[LayerUse]:
    """Return the layers with how much of the output flows through each (Dhamdhere et al. 2019).

    It is integrated at the nodes that made integrated gradients complete, so that it is as complete.

    Args:
        module: the trained network, float64.
        uses: the layers as `ablations` returns them.
        x: validation examples.
        y: their classes.
        pieces: pieces of the paths to the examples.
    """
    opened, inputs, target = OpenNetwork(module), _tensor(x), torch.tensor(y)
    with torch.no_grad():
        rows = torch.arange(len(inputs))
        changes = (opened(inputs) - opened(torch.zeros_like(inputs)))[rows, target].numpy()
    flows = _flows(opened, inputs, target, pieces)
    bottlenecks = _bottlenecks(module.network)
    return [_with_flow(use, flows[use.part.last], changes, bottlenecks) for use in uses]


def _with_flow(use: LayerUse, flow: np.ndarray, changes: np.ndarray, bottlenecks: set[int]) -> LayerUse:
    sums, total = flow.sum(1), np.abs(changes).sum()
    sizes = np.sort(np.abs(flow).mean(0))[::-1]
    carrying = int(np.searchsorted(np.cumsum(sizes), MOST_OF_IT * sizes.sum()) + 1)
    return LayerUse(
        use.part,
        use.losses,
        float((sums * np.sign(changes)).sum() / total),
        float(np.abs(sums - changes).sum() / total) if use.part.last in bottlenecks else None,
        use.units,
        min(carrying, use.units),
    )


def _flows(opened: OpenNetwork, x: Tensor, target: Tensor, pieces: Pieces) -> dict[int, np.ndarray]:
    """Return the conductance of each output of each layer, float64 (n, outputs), by the layer's last node.

    Along the path, how fast the layer's output changes (by forward differentiation) times how much
    the network's output changes with it (by backward differentiation).
    """
    flows = {part.last: torch.zeros(len(x), _size(opened, part), dtype=x.dtype) for part in opened.parts}
    if not flows:  # a network of the user that names no layers
        return {}
    at_once = batch_for(opened.network)
    for owner, place, weight in zip(*(each.split(at_once) for each in pieces.nodes()), strict=True):
        along = place.view(-1, *(1,) * (x.ndim - 1)) * x[owner]
        with torch.no_grad(), forward_ad.dual_level():
            moving = opened.values(forward_ad.make_dual(along, x[owner]))
            speeds = {last: forward_ad.unpack_dual(moving[last]).tangent for last in flows}
        values = opened.values(along.requires_grad_())
        taken = values[-1][torch.arange(len(owner)), target[owner]].sum()
        slopes = torch.autograd.grad(taken, [values[last] for last in flows], allow_unused=True)
        for (last, flow), slope in zip(flows.items(), slopes, strict=True):
            speed = speeds[last]
            if slope is not None and speed is not None:
                flow.index_add_(0, owner, (weight[:, None] * (slope * speed).flatten(1)))
    return {last: flow.numpy() for last, flow in flows.items()}


def _size(opened: OpenNetwork, part: Part) -> int:
    return math.prod(opened.network.nodes[part.last].shape)


def _replacements(source: Tensor, output: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """Return what can stand in for a layer, by name, given its inputs and outputs."""
    found: dict[str, Callable[[Tensor], Tensor]] = {}
    if source.shape == output.shape:
        found["unchanged"] = lambda value: value
    flat = source.flatten(1)
    if flat.shape[1] <= LINEAR_FEATURES and flat.shape[1] < len(flat):
        ones = torch.ones(len(flat), 1, dtype=flat.dtype)
        weights = torch.linalg.lstsq(torch.cat([flat, ones], 1), output.flatten(1), driver="gelsd").solution
        found["linear"] = lambda value: (value.flatten(1) @ weights[:-1] + weights[-1]).view(
            -1, *output.shape[1:]
        )
    mean = output.mean(0)
    found["constant"] = lambda value: mean.expand(len(value), *mean.shape)
    return found


def _loss(right: Tensor, replaced: Tensor) -> Loss:
    """Return the difference of two accuracies on the same examples, with its interval for new examples.

    The interval is that of Agresti and Min (2005): half an example more in each of the four cells, so
    that a few examples without any difference do not make it sure that there is none.
    """
    lost, won = int((right & ~replaced).sum()), int((~right & replaced).sum())
    count, middle, changed = len(right) + 2, lost - won, lost + won + 1
    half = 1.96 * math.sqrt(changed - middle**2 / count) / count
    return Loss(middle / len(right), middle / count - half, middle / count + half)


def _bottlenecks(network: Network) -> set[int]:
    """Return the nodes that everything flows through on its way to the output."""
    found, last_use = set(), [0] * len(network.nodes)
    for number, node in enumerate(network.nodes):
        for source in node.inputs:
            last_use[source] = number
    for number in range(len(network.nodes)):
        reach = max(last_use[:number], default=0)
        if reach <= number:
            found.add(number)
    return found


def _tensor(x: np.ndarray) -> Tensor:
    return torch.tensor(x, dtype=torch.float64)
