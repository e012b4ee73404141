"""The values that the members of a chunk compute, numbered through, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_gym.networks import Node
from nas_gym.training.program.reduced_graph import Graph

Ids = NDArray[np.int64]
"""Values by their position among all of a chunk."""


class Values:
    """Every value of every member, in the order of members and of their nodes.

    A value is known by its position, so that what concerns many of them is arithmetic on arrays.

    Args:
        graphs: graph of each member.

    Attributes:
        nodes: what computes each value.
        members: member of each value.
        numbers: number in the network of the node that computes it.
        outputs: for each member the value that its network gives.
        signatures: what values must share to be computed by one kernel, by rank.
        futures: what sorts values with a like continuation together.
        trainable: whether a gradient must reach the value.
        drawn: random numbers that initial weights of earlier nodes take; -1 where this is not known.
        inputs: how many values it reads.
        readers: how many times it is read.
        overwritable: whether its only reader may overwrite it.
    """

    def __init__(self, graphs: Sequence[Graph]) -> None:
        self.nodes: list[Node] = []
        numbers, signatures, futures = [], [], []
        trainable, drawn, inputs, readers, outputs = [], [], [], [], []
        sources, places, targets = [], [], []
        for graph in graphs:
            ids = {number: id_ for id_, number in enumerate(graph.nodes, start=len(numbers))}
            outputs.append(ids[graph.output])
            numbers += graph.nodes
            futures += [graph.future[number] for number in graph.nodes]
            trainable += [number in graph.trainable for number in graph.nodes]
            drawn += [-1] * len(ids) if graph.drawn is None else map(graph.drawn.__getitem__, graph.nodes)
            read = dict.fromkeys(graph.nodes, 0)
            for node in graph.nodes.values():
                self.nodes.append(node.node)
                signatures.append(node.signature)
                inputs.append(len(node.inputs))
                for source in node.inputs:
                    sources.append(ids[source])
                    places.append(read[source])
                    read[source] += 1
            readers += read.values()
            targets += [ids[reader] for each in graph.consumers.values() for reader, _ in each]
        self.members = np.repeat(np.arange(len(graphs)), [len(graph.nodes) for graph in graphs])
        self.numbers, self.outputs = _array(numbers), _array(outputs)
        self.signatures, self.futures = _ranks(signatures), _ranks(futures)
        self.trainable, self.drawn = np.array(trainable, dtype=bool), _array(drawn)
        self.inputs, self.readers = _array(inputs), _array(readers)
        kept = np.array([node.operation.keeps_result for node in self.nodes], dtype=bool)
        self.overwritable = (self.readers == 1) & ~kept
        self._sources, self._places, self._targets = _array(sources), _array(places), _array(targets)
        self._first_source = np.cumsum(self.inputs) - self.inputs
        self._first_target = np.cumsum(self.readers) - self.readers

    def __len__(self) -> int:
        return len(self.nodes)

    def sources(self, ids: Ids, position: int) -> tuple[Ids, Ids]:
        """Return what values read at an input position, and as which of its readers each does so."""
        at = self._first_source[ids] + position
        return self._sources[at], self._places[at]

    def targets(self, ids: Ids) -> Ids:
        """Return what reads values, as often as it does."""
        counts = self.readers[ids]
        before = np.cumsum(counts) - counts
        at = np.arange(counts.sum()) + np.repeat(self._first_target[ids] - before, counts)
        found: Ids = self._targets[at]
        return found


def _array(numbers: list[int]) -> Ids:
    return np.array(numbers, dtype=np.int64)


def _ranks(texts: list[Any]) -> Ids:
    rank = {text: place for place, text in enumerate(sorted(set(texts)))}
    return _array([rank[text] for text in texts])
