"""Mixtures: nodes that blend the candidates of a choice, so that one network holds all of a search space.

A search space states such a network (see `nas_gym.search_spaces.SearchSpace.mixture`). With one candidate
chosen at each of its mixtures it is the network of an architecture; with a weight for each it is what
gradients search on (Liu et al. 2019, "DARTS: Differentiable Architecture Search").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nas_gym.networks.graph import Network
from nas_gym.networks.operations.base import Node, Operation, Shape
from nas_gym.networks.operations.shared_linear import SharedLinear, as_linear

if TYPE_CHECKING:
    from torch import Tensor


class Mixture(Operation):
    """The sum of the candidates of a variable, each times its weight; its inputs are in the order of choices.

    The node has the option ``variable``, the name of the variable. A forward pass finds the weights in
    ``arrays["weights"]``, (choices,). An input that is None is left out.

    Candidates may have several widths, as layers that share a matrix. Those narrower than the widest that
    runs count as zeros beyond their own, and what reads their mixture has to be a `SharedLinear`.
    """

    name = "mixture"
    keeps_result = False

    def output_shape(self, *inputs: Shape, variable: str) -> Shape:
        return max(inputs, key=lambda shape: shape[0])

    def forward(
        self, node: Node, inputs: Sequence[Tensor | None], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        weights = arrays["weights"]
        terms = [weights[place] * value for place, value in enumerate(inputs) if value is not None]
        if len({term.shape for term in terms}) > 1:
            terms = _as_wide(terms)
        total: Tensor = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def _as_wide(values: Sequence[Tensor]) -> list[Tensor]:
    """Return values filled up with zeros, so that all are as wide as the widest."""
    from torch.nn import functional as F

    widest = max(value.shape[1] for value in values)
    return [F.pad(value.movedim(1, -1), (0, widest - value.shape[1])).movedim(-1, 1) for value in values]


class FirstChannels(Operation):
    """The first of so many equal parts of the channels; option ``parts``."""

    name = "first_channels"
    keeps_result = False

    def output_shape(self, *inputs: Shape, parts: int) -> Shape:
        return (inputs[0][0] // parts, *inputs[0][1:])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0][:, : node.shape[0]]


class Rejoined(Operation):
    """The first input in place of the first channels of the second, then all channels mixed in turn.

    Xu et al. 2020, "PC-DARTS": with a part of 1/K of the channels, the first of each of K parts come first,
    then the second of each, so that another part is the first one later on.
    """

    name = "rejoined"
    keeps_result = False

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[1]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        part, whole = inputs
        joined = torch.cat([part, whole[:, part.shape[1] :]], 1)
        mixed: Tensor = joined.unflatten(1, (-1, part.shape[1])).transpose(1, 2).flatten(1, 2)
        return mixed


@dataclass(frozen=True)
class Blend:
    """The weights of the candidates of one variable in a forward pass.

    Attributes:
        weights: (choices,); a gradient flows to it.
        runs: the numbers of the candidates that are computed; None for all.
        constant: whether a candidate that is not computed adds its weight, as if its result were 1, so that
            this gets a gradient, too (Dong and Yang 2019, "GDAS"); its weight has to be 0 in value.
    """

    weights: Tensor
    runs: tuple[int, ...] | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a candidate of a mixture.

    Attributes:
        kind: ``"weights"`` if it has trainable numbers, ``"zero"``, ``"skip"`` if it is what came in, or
            ``"free"`` for what else has none.
        flops: floating-point operations of its own nodes for one example; where they read a mixture of layers
            of several widths, those of the widest.
    """

    kind: str
    flops: int


def mixtures(network: Network) -> dict[str, list[int]]:
    """Return the numbers of the mixtures of each variable, in order."""
    found: dict[str, list[int]] = {}
    for number, node in enumerate(network.nodes):
        if isinstance(node.operation, Mixture):
            found.setdefault(node.option("variable"), []).append(number)
    return found


def branches(network: Network) -> list[dict[int, int]]:
    """Return for each node of which candidate of a mixture it is a part, and of no other one of this mixture.

    Of ``{7: 2}`` it is part of candidate 2 of the mixture with number 7.
    """
    if not mixtures(network):  # as of a path, which is asked for at each step
        return [{} for _ in network.nodes]
    ancestors: list[set[int]] = []
    for number, node in enumerate(network.nodes):
        ancestors.append({number}.union(*(ancestors[place] for place in node.inputs)))
    found: list[dict[int, int]] = [{} for _ in network.nodes]
    for number, node in enumerate(network.nodes):
        if isinstance(node.operation, Mixture):
            sets = [ancestors[place] for place in node.inputs]
            for candidate, own in enumerate(sets):
                others = set().union(*(each for place, each in enumerate(sets) if place != candidate))
                for member in own - others:
                    found[member][number] = candidate
    return found


def candidates(network: Network) -> dict[str, list[Candidate]]:
    """Return the candidates of each variable, those of its mixtures taken together."""
    places, found = branches(network), {}
    for variable, numbers in mixtures(network).items():
        count = len(network.nodes[numbers[0]].inputs)
        found[variable] = [_candidate(network, places, numbers, choice) for choice in range(count)]
    return found


def _candidate(
    network: Network, places: Sequence[Mapping[int, int]], numbers: Sequence[int], choice: int
) -> Candidate:
    own = [
        node
        for number in numbers
        for node, place in zip(network.nodes, places, strict=True)
        if place.get(number) == choice
    ]
    flops = sum(node.flops for node in own)
    if any(node.parameters for node in own):
        return Candidate("weights", flops)
    ends = [network.nodes[network.nodes[number].inputs[choice]] for number in numbers]
    if all(node.operation.gives_zeros for node in ends):
        return Candidate("zero", flops)
    return Candidate("free" if own else "skip", flops)


def chosen(network: Network, choices: Mapping[str, int]) -> Network:
    """Return a network of mixtures with one candidate of each: without mixtures, and what leads nowhere.

    Layers that share a matrix with others become layers of their own, as wide as the candidates make them.

    Args:
        network: the network.
        choices: the number of the candidate of each variable.
    """
    new: dict[int, int] = {}
    nodes: list[Node] = []
    stands = _stand_ins(network, choices)
    live = _live(network, stands)
    for number, node in enumerate(network.nodes):
        if number in live:
            new[number] = len(nodes)
            inputs = tuple(new.get(stands[place], 0) for place in node.inputs)
            if isinstance(node.operation, SharedLinear):
                node = as_linear(node, nodes[inputs[0]].shape)
            nodes.append(replace(node, inputs=inputs))
    return Network(tuple(nodes))


def reads_input(network: Network) -> bool:
    """Return whether the output depends on the input: not where zeros are in every way between them."""
    nodes = chosen(network, {}).nodes
    return any(0 in node.inputs and not node.operation.gives_zeros for node in nodes)


def _stand_ins(network: Network, choices: Mapping[str, int]) -> list[int]:
    """Return for each node the one that stands in for it: of a mixture its candidate."""
    stands: list[int] = []
    for number, node in enumerate(network.nodes):
        mixed = isinstance(node.operation, Mixture)
        stands.append(stands[node.inputs[choices[node.option("variable")]]] if mixed else number)
    return stands


def _live(network: Network, stands: Sequence[int]) -> set[int]:
    live = {0, stands[-1]}
    for number in reversed(range(len(network.nodes))):
        node = network.nodes[number]
        if number in live and not node.operation.gives_zeros:
            live.update(stands[place] for place in node.inputs)
    return live
