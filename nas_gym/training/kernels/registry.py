"""The operations that have fused kernels."""

from __future__ import annotations

from nas_gym.networks import (
    GRU,
    LSTM,
    Activation,
    Add,
    Adjacency,
    Aggregate,
    Attention,
    AttentionReadout,
    AvgPool,
    Basis,
    BatchNorm,
    CategoryEmbedding,
    CausalConv,
    CausalDepthwise,
    ChannelLayerNorm,
    Concat,
    Conv,
    DilatedConv,
    Dropout,
    EdgeCounts,
    Embedding,
    FeatureTokens,
    Gated,
    GlobalAvgPool,
    GraphAttention,
    LayerNorm,
    LearnedPositions,
    Linear,
    LogMel,
    Masked,
    MaskedMean,
    MaxPool,
    MovingAverage,
    Network,
    Node,
    NodeFeatures,
    Operation,
    PaddingMask,
    Periodic,
    PiecewiseLinear,
    PlainRecurrent,
    Readout,
    RecurrentCell,
    RMSNorm,
    Select,
    SinusoidalPositions,
    Spread,
    SqueezeExcitation,
    Truncate,
    Zero,
)
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.operations import (
    activation,
    add,
    batch_norm,
    concat,
    conv,
    dilated_conv,
    dropout,
    gated,
    global_avg_pool,
    layer_norm,
    linear,
    log_mel,
    pool,
    squeeze_excitation,
    truncate,
    zero,
)
from nas_gym.training.kernels.operations.graphs import (
    adjacency,
    aggregate,
    attention_readout,
    edge_counts,
    graph_attention,
    node_features,
    readout,
)
from nas_gym.training.kernels.operations.recurrent import cell, gru, lstm, rnn, spread
from nas_gym.training.kernels.operations.sequences import (
    attention,
    causal_depthwise,
    channel_norm,
    embedding,
    masked,
    masked_mean,
    padding_mask,
    positions,
)
from nas_gym.training.kernels.operations.series import basis, causal_conv, moving_average
from nas_gym.training.kernels.operations.tables import (
    category_embedding,
    feature_tokens,
    periodic,
    piecewise_linear,
    select,
)

# By class: a subclass computes something else.
KERNELS: dict[type[Operation], Kernels] = {
    Activation: activation.KERNELS,
    Add: add.KERNELS,
    Adjacency: adjacency.KERNELS,
    Aggregate: aggregate.KERNELS,
    AttentionReadout: attention_readout.KERNELS,
    Attention: attention.KERNELS,
    AvgPool: pool.AVERAGE_KERNELS,
    Basis: basis.KERNELS,
    BatchNorm: batch_norm.KERNELS,
    CategoryEmbedding: category_embedding.KERNELS,
    CausalDepthwise: causal_depthwise.KERNELS,
    ChannelLayerNorm: channel_norm.KERNELS,
    CausalConv: causal_conv.KERNELS,
    Concat: concat.KERNELS,
    Conv: conv.KERNELS,
    DilatedConv: dilated_conv.KERNELS,
    Dropout: dropout.KERNELS,
    EdgeCounts: edge_counts.KERNELS,
    GRU: gru.KERNELS,
    LSTM: lstm.KERNELS,
    PlainRecurrent: rnn.KERNELS,
    RecurrentCell: cell.KERNELS,
    Spread: spread.KERNELS,
    Embedding: embedding.KERNELS,
    FeatureTokens: feature_tokens.KERNELS,
    Gated: gated.KERNELS,
    GlobalAvgPool: global_avg_pool.KERNELS,
    GraphAttention: graph_attention.KERNELS,
    LayerNorm: layer_norm.KERNELS,
    LearnedPositions: positions.KERNELS,
    Linear: linear.KERNELS,
    Masked: masked.KERNELS,
    MaskedMean: masked_mean.KERNELS,
    LogMel: log_mel.KERNELS,
    MaxPool: pool.MAXIMUM_KERNELS,
    NodeFeatures: node_features.KERNELS,
    MovingAverage: moving_average.KERNELS,
    Periodic: periodic.KERNELS,
    PiecewiseLinear: piecewise_linear.KERNELS,
    Readout: readout.KERNELS,
    PaddingMask: padding_mask.KERNELS,
    RMSNorm: channel_norm.KERNELS,
    Select: select.KERNELS,
    SinusoidalPositions: positions.KERNELS,
    SqueezeExcitation: squeeze_excitation.KERNELS,
    Truncate: truncate.KERNELS,
    Zero: zero.KERNELS,
}


def kernels_of(node: Node) -> Kernels:
    """Return the kernels of a node's operation."""
    return KERNELS[type(node.operation)]


def is_fusible(network: Network) -> bool:
    """Return whether every operation that a network computes has kernels."""
    return all(
        type(node.operation) in KERNELS or node.operation.is_identity(node) for node in network.nodes[1:]
    )
