"""The spaces that the contract is checked on: every registered one, several options, 1-D and 2-D."""

from __future__ import annotations

from typing import Any

import pytest

from nas_gym.search_spaces import SearchSpace, make_search_space

CATALOGUE: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "mlp on a table": ({"name": "mlp"}, (30,)),
    "mlp on images": ({"name": "mlp", "max_layers": 2, "widths": [8, 3, 5]}, (1, 8, 8)),
    "mlp, classic": (
        {"name": "mlp", "max_layers": 3, "widths": [64], "activations": ["relu", "sigmoid"]},
        (1, 40),
    ),
    "mlp, one layer": ({"name": "mlp", "max_layers": 1}, (5,)),
    "conv on signals": ({"name": "conv"}, (1, 40)),
    "conv on images": ({"name": "conv"}, (1, 8, 8)),
    "conv, small": (
        {
            "name": "conv",
            "max_layers": 3,
            "operations": ["conv3", "max_pool"],
            "channels": [4],
            "activations": ["relu"],
        },
        (1, 3),
    ),
    "conv, pools first": (
        {"name": "conv", "max_layers": 4, "operations": ["avg_pool", "sep5", "conv1"], "channels": [6, 3]},
        (2, 6, 9),
    ),
    "conv, no room for pools": ({"name": "conv", "max_layers": 3}, (3, 1, 5)),
    "conv, one layer": ({"name": "conv", "max_layers": 1}, (3, 7)),
    "conv, huge": ({"name": "conv", "max_layers": 12}, (3, 16, 16)),
    "edits of one's own": ({"name": "tests.helpers.own_graph_space:Walls"}, (1, 8, 8)),
    "choices of one's own": ({"name": "tests.helpers.own_space:OwnSpace"}, (1, 8, 8)),
    "cell on signals": ({"name": "cell"}, (1, 40)),
    "cell on images": ({"name": "cell"}, (1, 8, 8)),
    "cell, three operations": (
        {
            "name": "cell",
            "operations": ["nor_conv_1x1", "none", "avg_pool_3x3"],
            "channels": [4, 6, 6],
            "cells": 2,
        },
        (3, 7, 5),
    ),
    "cell, two operations": (
        {"name": "cell", "operations": ["none", "skip_connect"], "channels": [3]},
        (2, 9),
    ),
    "recurrent on tokens": ({"name": "recurrent", "vocabulary": 9, "lengths": [7], "max_layers": 2}, (7,)),
    "seq2seq": ({"name": "seq2seq", "vocabulary": 9, "lengths": [5, 3], "positions": 3}, (8,)),
    "recurrent cell, the next token": (
        {"name": "recurrent_cell", "vocabulary": 9, "positions": 7, "causal": True, "nodes": 3},
        (7,),
    ),
    "asr_cell on frames": ({"name": "asr_cell", "channels": [8, 12]}, (6, 21)),
    "asr_cell on samples": ({"name": "asr_cell", "channels": [8], "cells": 2, "rate": 400}, (1, 320)),
    "tabular, numbers": ({"name": "tabular"}, (5,)),
    "tabular, columns": ({"name": "tabular", "columns": [1, 6, 1, 3, 7], "max_layers": 4}, (18,)),
    "tabular, categories": (
        {"name": "tabular", "columns": [5, 2], "widths": [4], "activations": ["relu"], "dropouts": [0.25]},
        (7,),
    ),
    "tabular, one layer": (
        {"name": "tabular", "max_layers": 1, "numbers": ["plain"], "normalisations": ["batch_norm"]},
        (3,),
    ),
    "ft_transformer, numbers": ({"name": "ft_transformer"}, (5,)),
    "ft_transformer, columns": (
        {"name": "ft_transformer", "columns": [6, 1, 3, 1], "max_layers": 2, "activations": ["glu", "relu"]},
        (11,),
    ),
    "ft_transformer, categories": (
        {"name": "ft_transformer", "columns": [2, 3], "channels": 6, "heads": [1, 3], "max_layers": 1},
        (5,),
    ),
    "transformer on tokens": ({"name": "transformer", "vocabulary": 30, "max_layers": 3}, (9,)),
    "transformer, an answer at each position": (
        {
            "name": "transformer",
            "vocabulary": 30,
            "positions": 5,
            "causal": True,
            "blocks": ["attention", "convolution"],
            "heads": [3],
            "channels": 6,
            "kernels": [3, 7],
            "norms": ["rms"],
            "max_layers": 2,
        },
        (5,),
    ),
    "transformer on signals": (
        {"name": "transformer", "position_encoding": "trained", "max_layers": 1},
        (2, 130),
    ),
    "transformer on images": (
        {"name": "transformer", "stride": 2, "max_layers": 1, "dropout": 0.1},
        (1, 8, 8),
    ),
    "forecaster": ({"name": "forecaster"}, (1, 32)),
    "forecaster of two series": (
        {"name": "forecaster", "horizon": 5, "season": 4, "max_layers": 2, "kernels": [3], "widths": [4]},
        (3, 9),
    ),
    "forecaster, one block": (
        {"name": "forecaster", "max_layers": 1, "kinds": ["causal", "season"], "channels": [3]},
        (2, 2),
    ),
    "graph": ({"name": "graph", "node_features": 4, "edge_kinds": 3}, (9, 5)),
    "nasbench_graph": ({"name": "nasbench_graph", "node_features": 3, "channels": 4}, (7, 4)),
    "graph, every form": (
        {
            "name": "graph",
            "node_features": 3,
            "edge_kinds": 2,
            "max_layers": 2,
            "widths": [4],
            "edges": ["edge_weights", "edge_vectors"],
            "jumping": ["concat"],
            "normalisations": ["no_norm", "layer_norm"],
        },
        (7, 4),
    ),
    "macro on signals": ({"name": "macro"}, (1, 40)),
    "macro on images": ({"name": "macro", "channels": 4, "head": 12}, (3, 7, 5)),
    "macro, squeezed": (
        {"name": "macro", "channels": 2, "head": 3, "blocks": ["mb3_k3_se", "mb6_k5"]},
        (1, 9),
    ),
    "nasbench101 on signals": ({"name": "nasbench101"}, (1, 40)),
    "nasbench101 on images": (
        {
            "name": "nasbench101",
            "operations": ["conv1x1-bn-relu", "maxpool3x3"],
            "vertices": 5,
            "channels": 5,
            "stacks": 3,
            "cells": 2,
        },
        (3, 7, 5),
    ),
    "nasbench101, one operation": (
        {"name": "nasbench101", "vertices": 4, "edges": 5, "operations": ["maxpool3x3"]},
        (2, 9),
    ),
}


# Some are for tasks of values; the others have one output per class of ten.
OUTPUTS = {"mlp on a table": 1, "conv on signals": 2, "cell on images": 1, "macro on signals": 1} | {
    "recurrent cell, the next token": 14,
    "seq2seq": 12,
}


def built(name: str) -> SearchSpace[Any]:
    """A space of the catalogue."""
    spec, input_shape = CATALOGUE[name]
    return make_search_space(spec, input_shape, OUTPUTS.get(name, 10))


@pytest.fixture(scope="session", params=CATALOGUE)
def space(request: pytest.FixtureRequest) -> SearchSpace[Any]:
    return built(request.param)


@pytest.fixture(scope="session", params=["mlp, classic", "mlp, one layer", "conv, one layer", "conv, small"])
def small_space(request: pytest.FixtureRequest) -> SearchSpace[Any]:
    """Spaces small enough to count every architecture."""
    return built(request.param)
