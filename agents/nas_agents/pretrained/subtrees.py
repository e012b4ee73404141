"""The pieces of a network's graph: what each operation does, and what lies before it.

Two networks that compute the same by the same operations have the same pieces, whatever operations, edges and
layers are called and however they are numbered.

Source: Shervashidze et al., "Weisfeiler-Lehman Graph Kernels", 2011; Ru et al., "Interpretable Neural
Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels", 2021.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from nas_agents.pretrained.readings import is_weighted, is_window, live_nodes, merged_sums
from nas_gym.networks import Activation, Network, Node

DEPTH = 3
"""Operations before an operation that a piece has at most."""
Pieces = dict[Any, int]


def subtrees(network: Network, known: Pieces) -> Counter[int]:
    """Count the pieces of the live part of a network, by their numbers in `known`.

    New ones are added there. Activations, normalisations and the like are not pieces of their own: they tell
    apart what stands before an operation.
    """
    nodes = network.nodes
    sources: dict[int, list[tuple[int, tuple[str, ...]]]] = {}
    kept: dict[int, tuple[tuple[int, tuple[str, ...]], ...]] = {}
    used = live_nodes(nodes)
    merged = merged_sums(nodes, used)
    for number in used:
        node = nodes[number]
        before = [source for each in node.inputs for source in sources.get(each, ())]
        several = len(before) != 1 and number not in merged
        if several or is_weighted(node) or is_window(node) or number == len(nodes) - 1:
            kept[number] = tuple(before)
            sources[number] = [(number, ())]
        elif node.operation.sums:
            sources[number] = before
        else:
            word = node.function if isinstance(node.operation, Activation) else type(node.operation).__name__
            sources[number] = [(source, (*passed, word)) for source, passed in before]
    labels = {number: known.setdefault(_what(nodes[number]), len(known)) for number in kept}
    found = Counter(labels.values())
    for _ in range(DEPTH):
        labels = {
            number: known.setdefault(
                (labels[number], tuple(sorted((labels[source], passed) for source, passed in before))),
                len(known),
            )
            for number, before in kept.items()
        }
        found.update(labels.values())
    return found


def _what(node: Node) -> tuple[Any, ...]:
    """Return what an operation does, without names that a space gave it."""
    return (
        type(node.operation).__name__,
        node.kernel,
        node.stride,
        node.groups > 1,
        node.shape,
        node.options,
    )
