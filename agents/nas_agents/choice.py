"""The agent to search with where nobody names one."""

from __future__ import annotations

from typing import NamedTuple

FEW, MANY = 20, 500
CARRIED = ("cell", "conv", "macro", "mlp")
"""Spaces on whose tables `pretrained` needs the fewest evaluations to the best network, and has the lowest
regret after 20 (docs/pretrained.md: NAS-Bench-201, NAS-Bench-Macro, perceptrons, convolutions for signals and
for speech); at 100 both it and `model-based` are there (docs/reinforcement.md)."""
CARRIED_AT_FIRST = ("graph", "recurrent")
"""Spaces on whose tables it has the lowest regret after 20 evaluations, and nothing is known of more."""


class BestAgent(NamedTuple):
    """An agent by name, and why it is taken, a clause."""

    name: str
    why: str


def best_agent(space: str, evaluations: float | None = None, *, objectives: int = 1) -> BestAgent:
    """Return the agent that does best by our own comparisons.

    Args:
        space: name of the search space.
        evaluations: evaluations that it may make; None where time is the limit.
        objectives: number of objectives.
    """
    if objectives > 1:
        return BestAgent("model-based", "the largest hypervolume after 100 and 200 evaluations")
    if evaluations is not None and evaluations > MANY:
        return BestAgent(
            "local-search",
            f"beyond {MANY} evaluations as good as any, and it takes no time of its own",
        )
    if space in CARRIED:
        return BestAgent("pretrained", f"the fewest evaluations to the best network on {space} tables")
    if space in CARRIED_AT_FIRST and evaluations is not None and evaluations <= FEW:
        return BestAgent("pretrained", f"the lowest regret after {FEW} evaluations on {space} tables")
    return BestAgent(
        "model-based", "the fewest evaluations to the best network of the agents that start from nothing"
    )
