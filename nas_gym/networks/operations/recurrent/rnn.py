"""The plain recurrent layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Source
from nas_gym.networks.operations.recurrent.base import Recurrent, flat, source_of

if TYPE_CHECKING:
    from torch import Tensor


class PlainRecurrent(Recurrent):
    """The plain recurrent layer (Elman 1990), as `torch.nn.RNN` has it: h <- tanh(W x + U h + biases)."""

    name = "rnn"
    gates = 1
    kept = 1

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _ = torch.rnn_tanh(x.transpose(1, 2), first, flat(arrays), True, 1, 0.0, False, False, True)
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return source_of(self, node, "RNN")
