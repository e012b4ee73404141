"""The builder of networks, with all operations."""

from __future__ import annotations

from nas_gym.errors import ConfigError
from nas_gym.networks.building.builder import Layer
from nas_gym.networks.building.graphs import GraphOperations
from nas_gym.networks.building.sequences import SequenceOperations
from nas_gym.networks.building.signals import SignalOperations
from nas_gym.networks.building.tables import TableOperations
from nas_gym.networks.operations.activation import Activation
from nas_gym.networks.operations.add import Add
from nas_gym.networks.operations.average import Average
from nas_gym.networks.operations.base import Shape
from nas_gym.networks.operations.concat import Concat
from nas_gym.networks.operations.dropout import Dropout
from nas_gym.networks.operations.flatten import Flatten
from nas_gym.networks.operations.gated import GATES, Gated
from nas_gym.networks.operations.layer_norm import LayerNorm
from nas_gym.networks.operations.linear import Linear
from nas_gym.networks.operations.truncate import Truncate
from nas_gym.networks.operations.zero import Zero


class NetworkBuilder(TableOperations, SignalOperations, SequenceOperations, GraphOperations):
    """Builds a `Network` operation by operation; every method returns the index of its node.

    Reports and drawings put nodes of one `layer` together, a part of the architecture by its name
    (``"hidden"``), or by the names of the larger parts that it lies in and its own
    (``("stage 1 cell 2", "edge 0-1")``).

    >>> builder = NetworkBuilder((40,))
    >>> hidden = builder.activation(builder.linear(builder.input, 16, layer="1"), "relu", layer="1")
    >>> builder.build(builder.linear(hidden, 10)).parameters
    826
    """

    def flatten(self, node: int, *, layer: Layer = "") -> int:
        """Lay all values of `node` in one row; a vector is returned as it is."""
        if len(self.shape(node)) == 1:
            return node
        shape = Flatten().output_shape(self.shape(node))
        return self._append(Flatten(), (node,), shape, layer=layer)

    def linear(self, node: int, features: int, *, bias: bool = True, layer: Layer = "") -> int:
        """Append a fully connected layer."""
        shape = Linear().output_shape(self.shape(node), features)
        return self._append(Linear(), (node,), shape, bias=bias, layer=layer)

    def activation(self, node: int, function: str, *, layer: Layer = "") -> int:
        """Append an activation function of `ACTIVATIONS`."""
        return self._append(Activation(), (node,), self.shape(node), function=function, layer=layer)

    def gated(self, node: int, gate: str, *, layer: Layer = "") -> int:
        """Append the first half of the channels times a function of the second, by a gate of `GATES`.

        Raises:
            NASGymError: if the channels have no halves.
        """
        channels = self.shape(node)[0]
        if channels % 2:
            raise ConfigError(f"a gate needs an even number of channels, not {channels}: pass twice as many")
        return self.operation(Gated(), node, function=GATES[gate], layer=layer)

    def add(self, *nodes: int, layer: Layer = "") -> int:
        """Append the sum of nodes of one shape; of a single node, return the node itself."""
        if len(nodes) == 1:
            return nodes[0]
        return self._append(Add(), nodes, self.shape(nodes[0]), layer=layer)

    def zero(self, node: int, shape: Shape, *, layer: Layer = "") -> int:
        """Append zeros of a shape, one for every example of `node`."""
        return self._append(Zero(), (node,), shape, layer=layer)

    def layer_norm(self, node: int, *, layer: Layer = "") -> int:
        """Append a normalisation of each example over its features."""
        return self.operation(LayerNorm(), node, layer=layer)

    def dropout(self, node: int, rate: float, *, layer: Layer = "") -> int:
        """Append dropout, of a rate in [0, 1); of rate 0, return the node itself."""
        return node if rate == 0 else self.operation(Dropout(), node, rate=float(rate), layer=layer)

    def concat(self, *nodes: int, layer: Layer = "") -> int:
        """Append nodes of the same sides, channel behind channel; of a single node, return that."""
        return nodes[0] if len(nodes) == 1 else self.operation(Concat(), *nodes, layer=layer)

    def truncate(self, node: int, channels: int, *, layer: Layer = "") -> int:
        """Append the first channels of a node; of as many as it has, return the node itself."""
        if channels == self.shape(node)[0]:
            return node
        return self.operation(Truncate(), node, kept=channels, layer=layer)

    def average(self, *nodes: int, of: str, layer: Layer = "") -> int:
        """Append the common answer of nodes of one shape, of ``"probabilities"`` or ``"values"``."""
        return self.operation(Average(), *nodes, of=of, layer=layer)
