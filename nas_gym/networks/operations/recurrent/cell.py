"""The recurrent cell that is searched for: nodes, each of which reads an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Shape, Source
from nas_gym.networks.operations.recurrent.base import Recurrent

if TYPE_CHECKING:
    from torch import Tensor

FUNCTIONS = ("tanh", "relu", "identity", "sigmoid")
"""What a node of a cell may compute."""
CODE = {"tanh": "{0}.tanh()", "relu": "{0}.relu()", "identity": "{0}", "sigmoid": "{0}.sigmoid()"}


class RecurrentCell(Recurrent):
    """The recurrent cell of ENAS (Pham et al. 2018, section 2.1), with the start of DARTS (Liu et al. 2019).

    Node 0 mixes input and state: with c, s = W x + U h + b it is h + sigmoid(c) (tanh(s) - h). Every further
    node reads an earlier one a and has a function f: with c, s = V a it is a + sigmoid(c) (f(s) - a). The
    next state is the mean of the nodes that no other node reads.

    Options beside those of `Recurrent`: ``previous``, the earlier node that each node reads, and
    ``functions``, one of `FUNCTIONS` for each.
    """

    name = "recurrent_cell"
    gates = 2
    kept = 3

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        size = node.option("size")
        return {
            "weight_ih": (2 * size, node.input_shape[0]),
            "weight_hh": (2 * size, size),
            "bias": (2 * size,),
            "weight_nodes": (len(node.option("previous")), 2 * size, size),
        }

    def flops(self, node: Node) -> int:
        nodes: int = 4 * node.option("size") ** 2 * len(node.option("previous"))
        return super().flops(node) + nodes * node.input_shape[1]

    def held(self, node: Node) -> int:
        size: int = node.option("size")
        nodes = 1 + len(node.option("previous"))
        return (1 + self.kept * nodes) * size * node.input_shape[1]

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        previous, functions = node.option("previous"), node.option("functions")
        ends = loose_ends(previous)
        given = (x.transpose(1, 2) @ arrays["weight_ih"].mT + arrays["bias"]).unbind(1)
        state, states = x.new_zeros(x.shape[0], node.option("size")), []
        for step in given:
            gate, new = (step + state @ arrays["weight_hh"].mT).chunk(2, 1)
            values = [state + gate.sigmoid() * (new.tanh() - state)]
            for weight, place, function in zip(arrays["weight_nodes"], previous, functions, strict=True):
                gate, new = (values[place] @ weight.mT).chunk(2, 1)
                new = new if function == "identity" else getattr(torch, function)(new)
                values.append(values[place] + gate.sigmoid() * (new - values[place]))
            state = torch.stack([values[end] for end in ends]).mean(0)
            states.append(state)
        return torch.stack(states, 2)

    def source(self, node: Node) -> Source:
        """Return one expression, which names its intermediate values on the way."""
        size, previous = node.option("size"), node.option("previous")
        mixed = "(a := step + h @ {layer}['weight_hh'].mT)"
        steps = [mixed, _mixed("s0", "h", "tanh", size)]
        for number, (place, function) in enumerate(zip(previous, node.option("functions"), strict=True)):
            steps += [
                f"(a := s{place} @ {{layer}}['weight_nodes'][{number}].mT)",
                _mixed(f"s{number + 1}", f"s{place}", function, size),
            ]
        ends = loose_ends(previous)
        mean = f"({' + '.join(f's{end}' for end in ends)}) / {len(ends)}"
        given = "({x}.transpose(1, 2) @ {layer}['weight_ih'].mT + {layer}['bias']).unbind(1)"
        states = f"torch.stack([(h := ({', '.join(steps)}, {mean})[-1]) for step in {given}], 2)"
        shapes = ", ".join(
            f"'{name}': nn.Parameter(torch.zeros{shape})"
            for name, shape in self.parameter_shapes(node).items()
        )
        zeros = f"(h := {{0}}.new_zeros({{0}}.shape[0], {size}))"
        return self.code(node, f"({zeros}, {states})[1]", f"nn.ParameterDict({{{shapes}}})")


def _mixed(name: str, before: str, function: str, size: int) -> str:
    new = CODE[function].format(f"a[:, {size}:]")
    return f"({name} := {before} + a[:, :{size}].sigmoid() * ({new} - {before}))"


def loose_ends(previous: tuple[int, ...]) -> list[int]:
    """Return the nodes of a cell that no other node reads, node 0 among them where there is no other."""
    return [node for node in range(len(previous) + 1) if node not in previous]
