"""The contribution of each layer: what replacing it costs, and how much of the output flows through it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.autograd import forward_ad

from nas_gym._clock import check_time
from nas_gym.explain.methods.attribution.integrated_gradients import Pieces, batch_for
from nas_gym.explain.methods.attribution.network_inputs import CHECK_EXAMPLES
from nas_gym.explain.methods.attribution.score_drop import ScoreDrop, outputs_of, score_drop
from nas_gym.networks import Network, NetworkModule, Operation
from nas_gym.tasks import Target

LINEAR_FEATURES = 1024
"""A best linear map is fitted where a layer has at most so many inputs."""
MOST_OF_IT = 0.9
REPLACEMENTS = ("unchanged", "linear", "constant")


@dataclass(frozen=True, slots=True)
class Layer:
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
class LayerUse:
    """The contribution of a layer.

    Attributes:
        layer: the layer.
        drops: drop of the score by replacement: ``"unchanged"`` (its input is passed on, where shapes allow),
            ``"linear"`` (the best linear map of its input, where it is small enough to be
            fitted), ``"constant"`` (its average output).
        share: share of the output that flows through it, on average; None where it was not measured.
        error: relative error of the conductance in a layer that everything flows through; else None.
        units, units_for_most: number of outputs of the layer, and of those that carry 90% of the flow.
    """

    layer: Layer
    drops: dict[str, ScoreDrop]
    share: float | None = None
    error: float | None = None
    units: int = 0
    units_for_most: int | None = None


def layers_of(network: Network) -> list[Layer]:
    """Return the layers of a network without the last, which gives the answer, and without sums of layers."""
    named: dict[str, list[int]] = {}
    for number, node in enumerate(network.nodes):
        if node.layer:
            named.setdefault(node.layer, []).append(number)
    layers = [
        Layer(name, nodes[0], nodes[-1], network.nodes[nodes[0]].inputs[0])
        for name, nodes in named.items()
        if not all(_is_sum(network.nodes[number].operation) for number in nodes)
    ]
    return [layer for layer in layers if layer.last != len(network.nodes) - 1]


def _is_sum(operation: Operation) -> bool:
    return operation.sums or operation.gives_zeros


class OpenNetwork(NetworkModule):
    """A trained network whose layers can be looked at and replaced.

    Args:
        module: the trained network.

    Attributes:
        layers: layers of the network.
        replacement: a layer, and the function from its input to its output that replaces it; None for none.
    """

    def __init__(self, module: NetworkModule) -> None:
        super().__init__(module.network)
        self.double().load_state_dict(module.state_dict())
        self.layers = layers_of(module.network)
        self.replacement: tuple[Layer, Callable[[Tensor], Tensor]] | None = None
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x)[-1]

    def values(self, x: Tensor) -> list[Tensor]:
        """Return the output of every node."""
        values = [x]
        for number, node in enumerate(self.network.nodes[1:], start=1):
            value = self.compute(number, node, [values[index] for index in node.inputs])
            if self.replacement is not None and self.replacement[0].last == number:
                layer, replaced = self.replacement
                value = replaced(values[layer.source])
            values.append(value)
        return values


@torch.no_grad()
def ablations(
    module: NetworkModule, x_fit: np.ndarray, x: np.ndarray, y: np.ndarray, target: Target, seed: int
) -> list[LayerUse]:
    """Return the layers, with the drop of the score where each is replaced.

    Args:
        module: the trained network, float64.
        x_fit: training examples, which averages and linear maps are fitted on.
        x: validation examples.
        y: what is to be predicted of each, as `target` has it.
        target: target of the task.
        seed: seed of the resampling for intervals.
    """
    opened = OpenNetwork(module)
    fitted = opened.values(_tensor(x_fit[:CHECK_EXAMPLES]))
    x, y = x[:CHECK_EXAMPLES], y[:CHECK_EXAMPLES]
    whole = outputs_of(opened, x)
    found = []
    for layer in opened.layers:
        drops = {}
        for name, replaced in _replacements(fitted[layer.source], fitted[layer.last]).items():
            check_time()
            opened.replacement = (layer, replaced)
            drops[name] = score_drop(target, whole, outputs_of(opened, x), y, seed)
        opened.replacement = None
        found.append(LayerUse(layer, drops, units=math.prod(module.network.nodes[layer.last].shape)))
    return found


def conductances(
    module: NetworkModule, uses: list[LayerUse], x: np.ndarray, explained: np.ndarray, pieces: Pieces
) -> list[LayerUse]:
    """Return the layers, with how much of the explained output flows through each (Dhamdhere et al. 2019).

    It is integrated at the nodes that made integrated gradients complete, so that it is as complete.

    Args:
        module: the trained network, float64.
        uses: the layers as `ablations` returns them.
        x: validation examples.
        explained: number of the output that is explained of each example, int (n,).
        pieces: pieces of the paths to the examples.
    """
    opened, inputs, outputs = OpenNetwork(module), _tensor(x), torch.tensor(explained)
    with torch.no_grad():
        rows = torch.arange(len(inputs))
        changes = (opened(inputs) - opened(torch.zeros_like(inputs)))[rows, outputs].numpy()
    flows = _flows(opened, inputs, outputs, pieces)
    bottlenecks = _bottlenecks(module.network)
    return [_with_flow(use, flows[use.layer.last], changes, bottlenecks) for use in uses]


def _with_flow(use: LayerUse, flow: np.ndarray, changes: np.ndarray, bottlenecks: set[int]) -> LayerUse:
    sums, total = flow.sum(1), np.abs(changes).sum() or 1.0  # of answers that never change nothing flows
    sizes = np.sort(np.abs(flow).mean(0))[::-1]
    carrying = int(np.searchsorted(np.cumsum(sizes), MOST_OF_IT * sizes.sum()) + 1)
    return LayerUse(
        use.layer,
        use.drops,
        float((sums * np.sign(changes)).sum() / total),
        float(np.abs(sums - changes).sum() / total) if use.layer.last in bottlenecks else None,
        use.units,
        min(carrying, use.units),
    )


def _flows(opened: OpenNetwork, x: Tensor, explained: Tensor, pieces: Pieces) -> dict[int, np.ndarray]:
    """Return the conductance of each output of each layer, float64 (n, outputs), by the layer's last node.

    Along the path it is how fast the layer's output changes (by forward differentiation) times how much
    the network's output changes with it (by backward differentiation).
    """
    flows = {one.last: torch.zeros(len(x), _size(opened, one), dtype=x.dtype) for one in opened.layers}
    if not flows:  # a network of the user that names no layers
        return {}
    at_once = batch_for(opened.network)
    for owner, place, weight in zip(*(each.split(at_once) for each in pieces.nodes()), strict=True):
        check_time()
        along = place.view(-1, *(1,) * (x.ndim - 1)) * x[owner]
        with torch.no_grad(), forward_ad.dual_level():
            moving = opened.values(forward_ad.make_dual(along, x[owner]))
            speeds = {last: forward_ad.unpack_dual(moving[last]).tangent for last in flows}
        values = opened.values(along.requires_grad_())
        summed = values[-1][torch.arange(len(owner)), explained[owner]].sum()
        slopes = torch.autograd.grad(summed, [values[last] for last in flows], allow_unused=True)
        for (last, flow), slope in zip(flows.items(), slopes, strict=True):
            speed = speeds[last]
            if slope is not None and speed is not None:
                flow.index_add_(0, owner, (weight[:, None] * (slope * speed).flatten(1)))
    return {last: flow.numpy() for last, flow in flows.items()}


def _size(opened: OpenNetwork, layer: Layer) -> int:
    return math.prod(opened.network.nodes[layer.last].shape)


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
