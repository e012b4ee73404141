"""Gated recurrent units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Source
from nas_gym.networks.operations.recurrent.base import Recurrent, flat, source_of

if TYPE_CHECKING:
    from torch import Tensor


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), of the form and with the gates of `torch.nn.GRU`.

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r (U_n h)), each with biases;
    then h <- (1 - z) n + z h.
    """

    name = "gru"
    gates = 3
    kept = 4

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _ = torch.gru(x.transpose(1, 2), first, flat(arrays), True, 1, 0.0, False, False, True)
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return source_of(self, node, "GRU")
