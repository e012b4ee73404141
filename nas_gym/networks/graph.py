"""The one intermediate form of a network: a small graph of operations.

Search spaces produce a `Network`; training, counting, drawing and export read it. Shapes carry no
batch dimension: ``(features,)`` for vectors, ``(channels, length)`` for signals and
``(channels, height, width)`` for images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any

from nas_gym._checks import plain
from nas_gym.errors import ConfigError
from nas_gym.networks.operations.activation import Activation
from nas_gym.networks.operations.add import Add
from nas_gym.networks.operations.average import Average
from nas_gym.networks.operations.base import Node, Operation, Shape
from nas_gym.networks.operations.batch_norm import BatchNorm
from nas_gym.networks.operations.concat import Concat
from nas_gym.networks.operations.conv import Conv
from nas_gym.networks.operations.dilated_conv import DilatedConv
from nas_gym.networks.operations.dropout import Dropout
from nas_gym.networks.operations.flatten import Flatten
from nas_gym.networks.operations.global_avg_pool import GlobalAvgPool
from nas_gym.networks.operations.graphs.adjacency import Adjacency
from nas_gym.networks.operations.graphs.aggregate import Aggregate
from nas_gym.networks.operations.graphs.edge_counts import EdgeCounts
from nas_gym.networks.operations.graphs.graph_attention import GraphAttention
from nas_gym.networks.operations.graphs.node_features import NodeFeatures
from nas_gym.networks.operations.graphs.readout import AttentionReadout, Readout
from nas_gym.networks.operations.input import Input
from nas_gym.networks.operations.layer_norm import LayerNorm
from nas_gym.networks.operations.linear import Linear
from nas_gym.networks.operations.log_mel import LogMel
from nas_gym.networks.operations.pool import AvgPool, MaxPool
from nas_gym.networks.operations.recurrent.cell import RecurrentCell
from nas_gym.networks.operations.recurrent.gru import GRU
from nas_gym.networks.operations.recurrent.lstm import LSTM
from nas_gym.networks.operations.recurrent.rnn import PlainRecurrent
from nas_gym.networks.operations.recurrent.spread import Spread
from nas_gym.networks.operations.sequences.as_sequence import AsSequence
from nas_gym.networks.operations.sequences.attention import Attention
from nas_gym.networks.operations.sequences.causal_depthwise import CausalDepthwise
from nas_gym.networks.operations.sequences.channel_norm import ChannelLayerNorm, RMSNorm
from nas_gym.networks.operations.sequences.embedding import Embedding
from nas_gym.networks.operations.sequences.masked import Masked
from nas_gym.networks.operations.sequences.masked_mean import MaskedMean
from nas_gym.networks.operations.sequences.padding_mask import PaddingMask
from nas_gym.networks.operations.sequences.positions import LearnedPositions, SinusoidalPositions
from nas_gym.networks.operations.series.as_signal import AsSignal
from nas_gym.networks.operations.series.basis import Basis
from nas_gym.networks.operations.series.causal_conv import CausalConv
from nas_gym.networks.operations.series.moving_average import MovingAverage
from nas_gym.networks.operations.squeeze_excitation import SqueezeExcitation
from nas_gym.networks.operations.tables.category_embedding import CategoryEmbedding
from nas_gym.networks.operations.tables.periodic import Periodic
from nas_gym.networks.operations.tables.piecewise_linear import PiecewiseLinear
from nas_gym.networks.operations.tables.select import Select
from nas_gym.networks.operations.truncate import Truncate
from nas_gym.networks.operations.zero import Zero

RECURRENT = {"gru": GRU(), "lstm": LSTM(), "rnn": PlainRecurrent()}
POOLS = {"max": MaxPool(), "avg": AvgPool()}
CHANNEL_NORMS = {"layer": ChannelLayerNorm(), "rms": RMSNorm()}
POSITIONS = {"sines": SinusoidalPositions(), "trained": LearnedPositions()}
Layer = str | tuple[str, ...]
"""The part of the architecture that a node belongs to: its name, or that after those of larger parts."""
NODE_FIELDS = ("function", "kernel", "stride", "groups", "bias")


@dataclass(frozen=True)
class Network:
    """A network as a graph of operations in topological order.

    Attributes:
        nodes: node 0 is the input, the last node is the output, of as many values as the task asks for.
    """

    nodes: tuple[Node, ...]

    @property
    def input_shape(self) -> Shape:
        """Shape of one example."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one example."""
        return self.nodes[-1].shape

    @cached_property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(node.parameters for node in self.nodes)

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of a forward pass of one example (see `Node.flops`)."""
        return sum(node.flops for node in self.nodes)


class NetworkBuilder:
    """Builds a `Network` operation by operation; every method returns the index of its node.

    Reports and drawings put nodes of one `layer` together, a part of the architecture by its name
    (``"hidden"``), or by the names of the larger parts that it lies in and its own
    (``("stage 1 cell 2", "edge 0-1")``).

    >>> builder = NetworkBuilder((40,))
    >>> hidden = builder.activation(builder.linear(builder.input, 16, layer="1"), "relu", layer="1")
    >>> builder.build(builder.linear(hidden, 10)).parameters
    826
    """

    def __init__(self, input_shape: Shape) -> None:
        shape = _whole(input_shape)
        self._nodes = [Node(Input(), (), shape, shape)]

    @property
    def input(self) -> int:
        """Index of the input node."""
        return 0

    def shape(self, node: int) -> Shape:
        """Return the output shape of a node."""
        return self._nodes[node].shape

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

    def conv(
        self,
        node: int,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a convolution over every side of its input, with padding ``kernel // 2``."""
        shape = Conv().output_shape(self.shape(node), channels, stride)
        sizes = {"kernel": index(kernel), "stride": index(stride), "groups": index(groups)}
        return self._append(Conv(), (node,), shape, **sizes, bias=bias, layer=layer)

    def dilated_conv(
        self,
        node: int,
        channels: int,
        kernel: int,
        *,
        dilation: int,
        groups: int = 1,
        bias: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a convolution of stride 1 that reads every `dilation`-th position; of 1, a `conv`."""
        if dilation == 1:
            return self.conv(node, channels, kernel, groups=groups, bias=bias, layer=layer)
        shape = DilatedConv().output_shape(self.shape(node), channels, 1)
        sizes = {"kernel": index(kernel), "groups": index(groups)}
        options = (("dilation", index(dilation)),)
        return self._append(DilatedConv(), (node,), shape, **sizes, bias=bias, layer=layer, options=options)

    def log_mel(self, node: int, bands: int, *, window: int, hop: int, rate: int, layer: Layer = "") -> int:
        """Append the log-mel frames of raw samples (1, samples), of so many samples a second."""
        return self.operation(LogMel(), node, bands=bands, window=window, hop=hop, rate=rate, layer=layer)

    def batch_norm(self, node: int, *, layer: Layer = "") -> int:
        """Append a batch normalisation per channel."""
        return self._append(BatchNorm(), (node,), self.shape(node), layer=layer)

    def activation(self, node: int, function: str, *, layer: Layer = "") -> int:
        """Append an activation function of `ACTIVATIONS`."""
        return self._append(Activation(), (node,), self.shape(node), function=function, layer=layer)

    def pool(self, node: int, kind: str, kernel: int = 3, *, stride: int, layer: Layer = "") -> int:
        """Append pooling of kind ``"max"`` or ``"avg"``, of an odd kernel or of kernel 2 with stride 2."""
        pool = POOLS[kind]
        shape = pool.output_shape(self.shape(node), stride)
        return self._append(pool, (node,), shape, kernel=index(kernel), stride=index(stride), layer=layer)

    def global_avg_pool(self, node: int, *, layer: Layer = "") -> int:
        """Append the mean of every channel."""
        shape = GlobalAvgPool().output_shape(self.shape(node))
        return self._append(GlobalAvgPool(), (node,), shape, layer=layer)

    def squeeze_excitation(self, node: int, squeezed: int, *, layer: Layer = "") -> int:
        """Append weights of the channels, computed from their means by way of `squeezed` numbers."""
        return self.operation(SqueezeExcitation(), node, squeezed=index(squeezed), layer=layer)

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

    def select(self, node: int, places: Sequence[int], *, layer: Layer = "") -> int:
        """Append the features at some places; of all of them in order, return the node itself."""
        if list(places) == list(range(self.shape(node)[0])):
            return node
        return self.operation(Select(), node, places=tuple(map(int, places)), layer=layer)

    def category_embedding(self, node: int, size: int, *, layer: Layer = "") -> int:
        """Append `size` trained numbers for the category of a column in one-hot form."""
        return self.operation(CategoryEmbedding(), node, size=size, layer=layer)

    def periodic(self, node: int, frequencies: int, *, layer: Layer = "") -> int:
        """Append each number with sines and cosines of it, of so many trained frequencies."""
        return self.operation(Periodic(), node, frequencies=frequencies, layer=layer)

    def piecewise_linear(self, node: int, bins: int, *, layer: Layer = "") -> int:
        """Append how far each number reaches into each of so many intervals, at least 2."""
        return self.operation(PiecewiseLinear(), node, bins=bins, layer=layer)

    def concat(self, *nodes: int, layer: Layer = "") -> int:
        """Append nodes of the same sides, channel behind channel; of a single node, return that."""
        return nodes[0] if len(nodes) == 1 else self.operation(Concat(), *nodes, layer=layer)

    def truncate(self, node: int, channels: int, *, layer: Layer = "") -> int:
        """Append the first channels of a node; of as many as it has, return the node itself."""
        if channels == self.shape(node)[0]:
            return node
        return self.operation(Truncate(), node, kept=channels, layer=layer)

    def node_features(self, node: int, kept: int, *, layer: Layer = "") -> int:
        """Append the first features of the nodes of a packed graph, of which the first is their mask."""
        return self.operation(NodeFeatures(), node, kept=index(kept), layer=layer)

    def edge_counts(self, node: int, features: int, kinds: int, *, layer: Layer = "") -> int:
        """Append how many edges of each kind each node of a packed graph has."""
        return self.operation(EdgeCounts(), node, features=index(features), kinds=index(kinds), layer=layer)

    def adjacency(self, node: int, features: int, weights: str, *, kind: int = 0, layer: Layer = "") -> int:
        """Append the weights with which the nodes of a packed graph read each other (see `Adjacency`)."""
        return self.operation(
            Adjacency(), node, features=index(features), weights=weights, kind=index(kind), layer=layer
        )

    def aggregate(self, node: int, adjacency: int, *, layer: Layer = "") -> int:
        """Append the weighted sum over the neighbours of each node."""
        return self.operation(Aggregate(), node, adjacency, layer=layer)

    def graph_attention(self, node: int, adjacency: int, *, heads: int = 1, layer: Layer = "") -> int:
        """Append the mean over the neighbours of each node by attention, of so many heads."""
        return self.operation(GraphAttention(), node, adjacency, heads=index(heads), layer=layer)

    def readout(self, node: int, mask: int, function: str, *, layer: Layer = "") -> int:
        """Append one vector for the nodes where the mask is 1, by a function of `READOUTS`."""
        if function == "attention":
            return self.operation(AttentionReadout(), node, mask, layer=layer)
        return self.operation(Readout(), node, mask, reduction=function, layer=layer)

    def embedding(self, node: int, size: int, *, codes: int, layer: Layer = "") -> int:
        """Append `size` trained numbers for each code, of codes below `codes`; 0 gives zeros."""
        return self.operation(Embedding(), node, size=index(size), codes=index(codes), layer=layer)

    def padding_mask(self, node: int, *, layer: Layer = "") -> int:
        """Append where a sequence of codes has tokens: (1, length), 1 or 0."""
        return self.operation(PaddingMask(), node, layer=layer)

    def masked(self, node: int, mask: int, *, layer: Layer = "") -> int:
        """Append a sequence with zeros where the mask, (1, length), is 0."""
        return self.operation(Masked(), node, mask, layer=layer)

    def masked_mean(self, node: int, mask: int, *, layer: Layer = "") -> int:
        """Append the mean of each channel where the mask, (1, length), is 1."""
        return self.operation(MaskedMean(), node, mask, layer=layer)

    def positions(self, node: int, kind: str, *, layer: Layer = "") -> int:
        """Append a sequence with what tells its positions apart added, ``"sines"`` or ``"trained"``."""
        return self.operation(POSITIONS[kind], node, layer=layer)

    def channel_norm(self, node: int, kind: str, *, layer: Layer = "") -> int:
        """Append a normalisation over the channels at each position, ``"layer"`` or ``"rms"``."""
        return self.operation(CHANNEL_NORMS[kind], node, layer=layer)

    def recurrent(
        self,
        node: int,
        kind: str,
        size: int,
        *,
        mask: int | None = None,
        last: bool = False,
        reverse: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a recurrent layer of `RECURRENT`, whose state stays where the mask has no tokens."""
        inputs = (node,) if mask is None else (node, mask)
        return self.operation(RECURRENT[kind], *inputs, size=size, last=last, reverse=reverse, layer=layer)

    def recurrent_cell(
        self,
        node: int,
        size: int,
        previous: Sequence[int],
        functions: Sequence[str],
        *,
        mask: int | None = None,
        last: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a recurrent cell, of which each node reads an earlier one and has a function."""
        inputs = (node,) if mask is None else (node, mask)
        nodes: dict[str, Any] = {"previous": tuple(map(int, previous)), "functions": tuple(functions)}
        return self.operation(
            RecurrentCell(), *inputs, size=size, last=last, reverse=False, **nodes, layer=layer
        )

    def spread(self, node: int, length: int, *, layer: Layer = "") -> int:
        """Append a vector at each of so many positions."""
        return self.operation(Spread(), node, length=length, layer=layer)

    def as_sequence(self, node: int, *, layer: Layer = "") -> int:
        """Lay the positions of an image in one row: (channels, positions)."""
        return self.operation(AsSequence(), node, layer=layer)

    def attention(
        self,
        q: int,
        k: int,
        v: int,
        mask: int | None = None,
        *,
        heads: int,
        causal: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append attention of queries to keys and values, where the mask of the keys, (1, length), is 1.

        Raises:
            NASGymError: if the heads do not divide the channels.
        """
        if self.shape(q)[0] % heads or self.shape(v)[0] % heads:
            raise ConfigError(f"{heads} heads do not divide {self.shape(q)[0]} channels: pass a divisor")
        nodes = (q, k, v) if mask is None else (q, k, v, mask)
        options: dict[str, Any] = {"heads": index(heads), "causal": bool(causal), "keys": self.shape(k)[1]}
        return self.operation(Attention(), *nodes, layer=layer, **options)

    def causal_depthwise(self, node: int, kernel: int, *, layer: Layer = "") -> int:
        """Append a convolution of each channel by itself over a position and those before it."""
        return self.operation(CausalDepthwise(), node, kernel=index(kernel), layer=layer)

    def average(self, *nodes: int, of: str, layer: Layer = "") -> int:
        """Append the common answer of nodes of one shape, of ``"probabilities"`` or ``"values"``."""
        return self.operation(Average(), *nodes, of=of, layer=layer)

    def moving_average(self, node: int, kernel: int, *, remainder: bool = False, layer: Layer = "") -> int:
        """Append the mean of an odd number of steps around each step, or what it leaves."""
        return self.operation(MovingAverage(), node, kernel=kernel, remainder=remainder, layer=layer)

    def basis(
        self, node: int, of: str, channels: int, steps: int, *, period: int = 1, layer: Layer = ""
    ) -> int:
        """Append sums of functions of time, ``"trend"`` or ``"season"``, whose weights `node` gives."""
        return self.operation(
            Basis(), node, of=of, channels=channels, steps=steps, period=period, layer=layer
        )

    def causal_conv(
        self, node: int, channels: int, kernel: int, *, dilation: int = 1, stride: int = 1, layer: Layer = ""
    ) -> int:
        """Append a convolution over steps that have been, each `dilation` before the next."""
        sizes: dict[str, Any] = {"kernel": kernel, "dilation": dilation, "stride": stride}
        return self.operation(CausalConv(), node, channels=channels, **sizes, layer=layer)

    def as_signal(self, node: int, channels: int, *, layer: Layer = "") -> int:
        """Append the numbers of a row as so many channels over time."""
        return self.operation(AsSignal(), node, channels=channels, layer=layer)

    def operation(
        self,
        operation: Operation,
        *nodes: int,
        shape: Shape | None = None,
        layer: Layer = "",
        **options: Any,
    ) -> int:
        """Append an operation of one's own.

        Args:
            operation: what is computed.
            nodes: the inputs.
            shape: shape of the output; by default what the operation says of inputs and options.
            layer: the part of the architecture that the node belongs to, as in the class.
            options: what `operation` reads by `Node.option`: numbers, texts and tuples of them. Those
                that every node has (``kernel``, ``stride``, ...) are attributes of the node.

        Raises:
            NASGymError: if the operation is a class, has attributes of its own or no input, or if an
                option may change.
        """
        if not isinstance(operation, Operation) or vars(operation):
            raise ConfigError(
                f"an operation must be an object of a subclass of Operation without attributes, "
                f"not {operation!r}: pass what differs between nodes as options"
            )
        if not nodes:
            raise ConfigError(f"operation {operation!r} needs at least one input: pass a node")
        if shape is None:
            shape = operation.output_shape(*map(self.shape, nodes), **options)
        options = {name: plain(value) for name, value in options.items()}
        named = {name: options.pop(name) for name in NODE_FIELDS if name in options}
        kept = tuple(sorted(options.items()))
        try:
            hash(kept)
        except TypeError:
            raise ConfigError(f"options must be numbers, texts or tuples of them, not {options!r}") from None
        return self._append(operation, nodes, shape, layer=layer, **named, options=kept)

    def build(self, output: int) -> Network:
        """Return the network whose output is `output`, the node appended last."""
        if output != len(self._nodes) - 1:
            raise ValueError(f"the output must be the last node, {len(self._nodes) - 1}, not {output}")
        return Network(tuple(self._nodes))

    def _append(
        self, operation: Operation, nodes: tuple[int, ...], shape: Shape, *, layer: Layer, **fields: Any
    ) -> int:
        names = (layer,) if isinstance(layer, str) else layer
        parts = tuple(name for name in names if name)
        self._nodes.append(Node(operation, nodes, self.shape(nodes[0]), _whole(shape), parts, **fields))
        return len(self._nodes) - 1


def _whole(shape: Shape) -> Shape:
    """Return a shape whose sides are Python's whole numbers, also of a space that computes in NumPy."""
    return tuple(map(index, shape))
