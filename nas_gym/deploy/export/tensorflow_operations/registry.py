"""What TensorFlow computes for each operation, by its name; a line adds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.deploy.export.tensorflow_operations import graphs, layers, recurrent, sequences, series
from nas_gym.networks import Node

OPERATIONS: dict[str, Callable[[Any, Node, Sequence[Any], Mapping[str, np.ndarray]], Any]] = {
    "activation": layers.activation,
    "add": layers.add,
    "adjacency": graphs.adjacency,
    "aggregate": graphs.aggregate,
    "as_sequence": sequences.as_sequence,
    "as_signal": series.as_signal,
    "attention": sequences.attention,
    "attention_readout": graphs.attention_readout,
    "average": layers.average,
    "avg_pool": layers.avg_pool,
    "basis": series.time_map,
    "batch_norm": layers.batch_norm,
    "category_embedding": layers.category_embedding,
    "causal_conv": series.causal_conv,
    "causal_depthwise": sequences.causal_depthwise,
    "channel_layer_norm": sequences.channel_layer_norm,
    "concat": layers.concat,
    "conv": layers.conv,
    "dilated_conv": layers.conv,
    "dropout": layers.dropout,
    "edge_counts": graphs.edge_counts,
    "embedding": sequences.embedding,
    "feature_tokens": layers.feature_tokens,
    "flatten": layers.flatten,
    "gated": layers.gated,
    "global_avg_pool": layers.global_avg_pool,
    "graph_attention": graphs.graph_attention,
    "gru": recurrent.gru,
    "layer_norm": layers.layer_norm,
    "learned_positions": sequences.learned_positions,
    "linear": layers.linear,
    "log_mel": sequences.log_mel,
    "lstm": recurrent.lstm,
    "masked": sequences.masked,
    "masked_mean": sequences.masked_mean,
    "max_pool": layers.max_pool,
    "moving_average": series.time_map,
    "node_features": graphs.node_features,
    "padding_mask": sequences.padding_mask,
    "periodic": layers.periodic,
    "piecewise_linear": layers.piecewise_linear,
    "readout": graphs.readout,
    "recurrent_cell": recurrent.recurrent_cell,
    "rms_norm": sequences.rms_norm,
    "rnn": recurrent.plain,
    "select": layers.select,
    "sinusoidal_positions": sequences.sinusoidal_positions,
    "spread": sequences.spread,
    "squeeze_excitation": layers.squeeze_excitation,
    "truncate": layers.truncate,
    "zero": layers.zero,
}
