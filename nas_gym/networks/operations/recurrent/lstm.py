"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Source
from nas_gym.networks.operations.recurrent.base import Recurrent, flat, source_of

if TYPE_CHECKING:
    from torch import Tensor


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), of the form of `torch.nn.LSTM`.

    i, f, o = sigmoid(W x + U h), g = tanh(W x + U h), each with biases; then c <- f c + i g and
    h <- o tanh(c). The states that it gives are h.
    """

    name = "lstm"
    gates = 4
    kept = 6

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _, _ = torch.lstm(
            x.transpose(1, 2), (first, first), flat(arrays), True, 1, 0.0, False, False, True
        )
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return source_of(self, node, "LSTM")
