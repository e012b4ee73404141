"""The policy: a small network that scores each candidate by what it reads of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_agents.pretrained.graphs import NODE_FEATURES, NODES, ROUNDS, GraphBatch
from nas_agents.pretrained.state import FEATURES

WIDTH = 64
GRAPH_WIDTH, EMBEDDED = 24, 12
"""Numbers of a node between two rounds, and those that a graph comes to."""


class MessagePassing(nn.Module):
    """A message-passing network over live graphs, which comes to some numbers for each graph.

    In a round a node hears the means of what it reads and of what reads it. Nodes and edges have no order,
    so that none changes what comes out.

    Source: Gilmer et al., "Neural Message Passing for Quantum Chemistry", 2017.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(len(NODE_FEATURES), GRAPH_WIDTH)
        self.hear = nn.ModuleList(nn.Linear(3 * GRAPH_WIDTH, GRAPH_WIDTH) for _ in range(ROUNDS))
        self.leave = nn.Linear(2 * GRAPH_WIDTH, EMBEDDED)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Return what each graph comes to, (graphs, `EMBEDDED`)."""
        sources, targets, owners = (
            torch.from_numpy(each) for each in (batch.sources, batch.targets, batch.owners)
        )
        hidden = torch.relu(self.enter(torch.from_numpy(batch.nodes)))
        read, readers = _counts(targets, len(hidden)), _counts(sources, len(hidden))
        for hear in self.hear:
            before = torch.zeros_like(hidden).index_add(0, targets, hidden[sources]) / read
            after = torch.zeros_like(hidden).index_add(0, sources, hidden[targets]) / readers
            hidden = hidden + torch.relu(hear(torch.cat([hidden, before, after], dim=1)))
        total = hidden.new_zeros((batch.graphs, GRAPH_WIDTH)).index_add(0, owners, hidden)
        pooled = torch.cat([total / _counts(owners, batch.graphs), total / NODES], dim=1)
        embedded: Tensor = torch.tanh(self.leave(pooled))
        return embedded


class PolicyNetwork(nn.Module):
    """Scores of candidates: the logarithm of how likely each is the best one, up to a constant.

    Every candidate is scored by the same weights, so that the order of candidates changes nothing.

    Args:
        graph: whether it reads the graphs of networks by message passing, too.
    """

    def __init__(self, *, graph: bool = True) -> None:
        super().__init__()
        self.graph = MessagePassing() if graph else None
        self.first = nn.Linear(len(FEATURES) + (EMBEDDED if graph else 0), WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)
        self.score = nn.Linear(WIDTH, 1)

    def forward(self, features: Tensor, embedded: Tensor | None = None) -> Tensor:
        """Return scores, (..., candidates).

        Args:
            features: (..., candidates, `FEATURES`).
            embedded: what the candidates' graphs come to, (..., candidates, `EMBEDDED`); None where the
                network reads no graphs.
        """
        seen = features if embedded is None else torch.cat([features, embedded], dim=-1)
        hidden = torch.relu(self.first(seen))
        hidden = hidden + torch.relu(self.second(hidden))
        scores: Tensor = self.score(hidden)[..., 0]
        return scores


def _counts(numbers: Tensor, size: int) -> Tensor:
    """Return how often each number occurs, at least 1, (size, 1)."""
    return torch.bincount(numbers, minlength=size).clamp(min=1).to(torch.float32)[:, None]
