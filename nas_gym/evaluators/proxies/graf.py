"""GRAF: countable features of the graph of a network, which need no weights.

Source: Kadlecová et al. 2024, "Surprisingly Strong Performance Prediction with Neural Graph Features". Their
features feed a predictor; each of `GRAPH_PROXIES` is one of them alone.
"""

from __future__ import annotations

from collections import Counter

from nas_gym.evaluators.proxies.base import NO_PATH, NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Probe, live_nodes
from nas_gym.networks import Network, Node


def graf_features(network: Network) -> dict[str, float]:
    """Return counts of what is on paths from the input to the output, by name.

    - ``"nodes"`` and ``"edges"``; ``"count OPERATION"`` for each kind of operation;
    - ``"paths"``, ``"shortest path"`` and ``"longest path"``, in nodes with weights, of all paths;
    - ``"mean inputs"`` and ``"most inputs"`` of a node, ``"most readers"`` of a result.

    All are 0 where there is no path.
    """
    live = live_nodes(network)
    on_path = {0, *live} if live else set[int]()
    paths, shortest, longest = {0: 1}, {0: 0}, {0: 0}
    readers: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    degrees = []
    for number in live:
        node = network.nodes[number]
        sources = [place for place in node.inputs if place in on_path]
        readers.update(sources)
        degrees.append(len(sources))
        kinds[_kind(node)] += 1
        layer = int(bool(node.parameter_shapes) and not node.operation.normalises)
        paths[number] = sum(paths[place] for place in sources)
        shortest[number] = min(shortest[place] for place in sources) + layer
        longest[number] = max(longest[place] for place in sources) + layer
    last = live[-1] if live else None
    return {
        "nodes": float(len(live)),
        "edges": float(sum(degrees)),
        "paths": float(paths[last]) if last is not None else 0.0,
        "shortest path": float(shortest[last]) if last is not None else 0.0,
        "longest path": float(longest[last]) if last is not None else 0.0,
        "mean inputs": sum(degrees) / len(live) if live else 0.0,
        "most inputs": float(max(degrees, default=0)),
        "most readers": float(max(readers.values(), default=0)),
        **{f"count {kind}": float(count) for kind, count in sorted(kinds.items())},
    }


class _Feature(Proxy):
    needs = "network"
    feature: str

    def value(self, probe: Probe) -> float:
        if not probe.live:
            raise NoValueError(NO_PATH)
        return graf_features(probe.network)[self.feature]


class Nodes(_Feature):
    """Operations on paths from the input to the output."""

    name, feature = "graf_nodes", "nodes"


class ShortestPath(_Feature):
    """Layers with weights on the path with the fewest."""

    name, feature = "graf_shortest_path", "shortest path"


class LongestPath(_Feature):
    """Layers with weights on the path with the most."""

    name, feature = "graf_longest_path", "longest path"


class MeanInputs(_Feature):
    """Inputs of an operation, on average."""

    name, feature = "graf_mean_inputs", "mean inputs"


GRAPH_PROXIES = (Nodes, ShortestPath, LongestPath, MeanInputs)


def _kind(node: Node) -> str:
    sides = f" {node.kernel}" if node.kernel > 1 else ""
    return f"{node.operation.label(node)}{sides}"
