"""What an example is: numbers, or codes of letters and graphs in the same kind of array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

Inputs = Literal["features", "signal", "image", "tokens", "graph"]
INPUTS: tuple[Inputs, ...] = ("features", "signal", "image")
"""Kinds of examples of numbers, by their number of sides less one."""
PADDING = 0
"""The code that fills up a sequence after its end; it stands for nothing."""


@dataclass(frozen=True)
class TokenInputs:
    """Sequences of codes, float32 (length,): whole numbers that stand for letters, parts of words or phones.

    Codes stay as they are: nothing standardises them and no noise is added. An example is one sequence, or
    several, one after another, each filled up to its own length with `PADDING`.

    Attributes:
        vocabulary: what each code stands for; the first is ``""``, the padding.
        lengths: lengths of the sequences of an example. Of two the first is read, as the source of a
            translation, and the second is what was answered so far, by which the next answer is given.
    """

    vocabulary: tuple[str, ...]
    lengths: tuple[int, ...]
    kind: ClassVar[Inputs] = "tokens"
    plain_words: ClassVar[str] = "how often each token is there"

    @property
    def options(self) -> Mapping[str, Any]:
        """What a search space is told, by the name of its option."""
        return {"vocabulary": len(self.vocabulary), "lengths": list(self.lengths)}

    def plain(self, x: np.ndarray) -> np.ndarray:
        """Return examples as methods without a notion of order read them: how often each code is there.

        Args:
            x: (n, length).

        Returns:
            float32 (n, codes without the padding).
        """
        codes = np.arange(1, len(self.vocabulary))
        return np.stack([(x == code).sum(axis=1) for code in codes], axis=1).astype(np.float32)

    def drawn(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return examples of codes drawn with equal chances, each sequence of 1 to as many as fit.

        Returns:
            float32 (count, length).
        """
        parts = []
        for length in self.lengths:
            codes = rng.integers(1, len(self.vocabulary), size=(count, length))
            kept = np.arange(length) < rng.integers(1, length + 1, size=(count, 1))
            parts.append(np.where(kept, codes, PADDING))
        return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True)
class GraphInputs:
    """Graphs of at most so many nodes, float32 (features + nodes, nodes).

    The first rows hold the features of the nodes, zeros where there is no node; every other row holds the
    edges of one node: 0 for none, else the number of the kind of the edge, from 1. The first feature of a
    node is 1, so that it tells which nodes are there. The edges are symmetric, none from a node to itself.

    Attributes:
        features: a name per feature of a node; the first is ``"node"``.
        edges: a name per kind of edge.
        nodes: most nodes of a graph.
    """

    features: tuple[str, ...]
    edges: tuple[str, ...]
    nodes: int
    kind: ClassVar[Inputs] = "graph"
    plain_words: ClassVar[str] = "sums over the nodes"

    @property
    def options(self) -> Mapping[str, Any]:
        """What a search space is told, by the name of its option."""
        return {"node_features": len(self.features), "edge_kinds": len(self.edges)}

    def plain(self, x: np.ndarray) -> np.ndarray:
        """Return graphs as methods that know no edges read them: sums of features, and counts of edges.

        Args:
            x: (n, features + nodes, nodes).

        Returns:
            float32 (n, features + kinds of edges).
        """
        count = len(self.features)
        sums, edges = x[:, :count].sum(axis=2), x[:, count:]
        kinds = [(edges == kind).sum(axis=(1, 2)) / 2 for kind in range(1, len(self.edges) + 1)]
        return np.concatenate([sums, np.stack(kinds, axis=1)], axis=1).astype(np.float32)


CodedInputs = TokenInputs | GraphInputs
