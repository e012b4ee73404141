"""What operations that go through a sequence step by step share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

NAMES = tuple((name, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


class Recurrent(Operation):
    """(channels, length) -> (size, length), the states after each step, or (size,), the last one.

    A second input is a mask (1, length), 1 where the sequence has tokens, which come first: the state stays
    as it is where there are none, so that padding changes nothing. The first state is zero.

    Options: ``size``, the numbers of a state; ``last``, whether the result is the last state alone;
    ``reverse``, whether it goes from the last token to the first, which an answer at each position that must
    not see what follows does not allow.

    Attributes:
        gates: rows of the weights for each number of a state.
        kept: arrays of the size of a state that training keeps of each step, beside the state.
    """

    shares_rows = True
    gates: ClassVar[int]
    kept: ClassVar[int]

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["size"],) if options["last"] else (options["size"], inputs[0][1])

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        size, rows = node.option("size"), self.gates * node.option("size")
        return {
            "weight_ih": (rows, node.input_shape[0]),
            "weight_hh": (rows, size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        """Return ±1/sqrt(size), as in PyTorch."""
        bound = 1 / math.sqrt(node.option("size"))
        return -bound, bound

    def flops(self, node: Node) -> int:
        channels, length = node.input_shape
        size: int = node.option("size")
        return 2 * self.gates * size * (channels + size) * length

    def held(self, node: Node) -> int:
        size: int = node.option("size")
        return (1 + self.kept) * size * node.input_shape[1]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        """Let PyTorch run over the tokens in order, and take each position's state from where it stands."""
        x, (back, ahead) = inputs[0], _places(node, inputs)
        if node.option("reverse"):
            x = x.gather(2, back.expand_as(x)) if len(inputs) > 1 else x.flip(2)
        states = self.states(node, x, arrays)
        if len(inputs) == 1:
            states = states.flip(2) if node.option("reverse") and not node.option("last") else states
            return states[:, :, -1] if node.option("last") else states
        there = inputs[1].sum(2, keepdim=True) > 0
        if node.option("last"):
            ahead = (inputs[1].sum(2, keepdim=True) - 1).clamp(min=0).long()
        taken: Tensor = states.gather(2, ahead.expand(-1, states.shape[1], -1))
        if node.option("last"):
            return (taken * there)[:, :, 0]
        return taken * (inputs[1] if node.option("reverse") else there)

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the states (batch, size, length) of a sequence without padding, in its order."""
        raise NotImplementedError

    def label(self, node: Node) -> str:
        ways = [word for word in ("reverse", "last") if node.option(word)]
        return " ".join([f"{self.name}-{node.option('size')}", *ways])

    def code(self, node: Node, states: str, layer: str, names: tuple[tuple[str, str], ...] = ()) -> Source:
        """Return the source of a node from code for its states, in which ``{x}`` is the sequence."""
        last, reverse = node.option("last"), node.option("reverse")
        if len(node.inputs) == 1:
            found = states.replace("{x}", "{0}.flip(2)" if reverse else "{0}")
            if last:
                return Source(f"{found}[:, :, -1]", layer, names)
            return Source(f"{found}.flip(2)" if reverse else found, layer, names)
        sequence, count = "{0}", "{1}.sum(2, keepdim=True)"
        back = f"({count} - {{1}}.cumsum(2)).long()"
        if reverse:
            sequence = f"{{0}}.gather(2, {back}.expand_as({{0}}))"
        found, size = states.replace("{x}", sequence), node.option("size")
        places = "({1}.cumsum(2) - 1).clamp(min=0).long()"
        if last:
            places = f"({count} - 1).clamp(min=0).long()"
        elif reverse:
            places = back
        kept = "{1}" if reverse and not last else f"({count} > 0)"
        end = "[:, :, 0]" if last else ""
        return Source(f"({found}.gather(2, {places}.expand(-1, {size}, -1)) * {kept}){end}", layer, names)


def _places(node: Node, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return where each position of the sequence in its own order lies, and where its state does.

    Of a mask 1 1 1 0 the tokens from the last to the first are at 2 1 0, and so are their states.
    """
    if len(inputs) == 1:
        return inputs[0], inputs[0]  # nobody asks
    mask = inputs[1]
    back = (mask.sum(2, keepdim=True) - mask.cumsum(2)).long()
    return back, back if node.option("reverse") else (mask.cumsum(2) - 1).clamp(min=0).long()


def flat(arrays: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the arrays in the order in which functions of PyTorch take them."""
    return [arrays[name] for name, _ in NAMES]


def source_of(operation: Recurrent, node: Node, module: str) -> Source:
    """Return the code of a layer that `torch.nn` has under the name `module`."""
    layer = f"nn.{module}({node.input_shape[0]}, {node.option('size')}, batch_first=True)"
    return operation.code(node, "{layer}({x}.transpose(1, 2))[0].transpose(1, 2)", layer, NAMES)
