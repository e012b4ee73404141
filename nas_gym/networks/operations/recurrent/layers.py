"""Recurrent layers as PyTorch has them: GRU, LSTM and the plain one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Source
from nas_gym.networks.operations.recurrent.base import Recurrent

if TYPE_CHECKING:
    from torch import Tensor

NAMES = tuple((name, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), of the form and with the gates of `torch.nn.GRU`.

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r (U_n h)), each with biases;
    then h <- (1 - z) n + z h.
    """

    name = "gru"
    gates = 3

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _ = torch.gru(x.transpose(1, 2), first, _flat(arrays), True, 1, 0.0, False, False, True)
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return _source(self, node, "GRU")


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), of the form of `torch.nn.LSTM`.

    i, f, o = sigmoid(W x + U h), g = tanh(W x + U h), each with biases; then c <- f c + i g and
    h <- o tanh(c). The states that it gives are h.
    """

    name = "lstm"
    gates = 4

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _, _ = torch.lstm(
            x.transpose(1, 2), (first, first), _flat(arrays), True, 1, 0.0, False, False, True
        )
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return _source(self, node, "LSTM")


class PlainRecurrent(Recurrent):
    """The plain recurrent layer (Elman 1990), as `torch.nn.RNN` has it: h <- tanh(W x + U h + biases)."""

    name = "rnn"
    gates = 1

    def states(self, node: Node, x: Tensor, arrays: Mapping[str, Tensor]) -> Tensor:
        import torch

        first = x.new_zeros(1, x.shape[0], node.option("size"))
        states, _ = torch.rnn_tanh(x.transpose(1, 2), first, _flat(arrays), True, 1, 0.0, False, False, True)
        return states.transpose(1, 2)

    def source(self, node: Node) -> Source:
        return _source(self, node, "RNN")


def _flat(arrays: Mapping[str, Tensor]) -> list[Tensor]:
    return [arrays[name] for name, _ in NAMES]


def _source(operation: Recurrent, node: Node, module: str) -> Source:
    layer = f"nn.{module}({node.input_shape[0]}, {node.option('size')}, batch_first=True)"
    return operation.code(node, "{layer}({x}.transpose(1, 2))[0].transpose(1, 2)", layer, NAMES)
