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

STARTING = 1.2e-3
"""Seconds in which `pretrained` reads one candidate before its first evaluation, on one core (of `mlp`)."""
MOST_READ = 20_000
"""Networks up to which it reads a whole space; of a larger one it reads about a twentieth as many."""
MOST_STARTING = 0.5
"""Share of a limit by the clock that may go by before the first evaluation."""


class BestAgent(NamedTuple):
    """An agent by name, and why it is taken, a clause."""

    name: str
    why: str


def best_agent(
    space: str,
    evaluations: float | None = None,
    *,
    seconds: float | None = None,
    size: int | None = None,
    objectives: int = 1,
) -> BestAgent:
    """Return the agent that does best by our own comparisons.

    Args:
        space: name of the search space.
        evaluations: evaluations that it may make; None where time is the limit.
        seconds: limit by the clock, in which the agent has to start, too; None where there is none.
        size: number of networks of the space, of which the time to start depends; None where it is not known.
        objectives: number of objectives.
    """
    if objectives > 1:
        return BestAgent("model-based", "the largest hypervolume after 100 and 200 evaluations")
    if evaluations is not None and evaluations > MANY:
        return BestAgent(
            "local-search",
            f"beyond {MANY} evaluations as good as any, and it takes no time of its own",
        )
    if _starts_late(size, seconds):
        return BestAgent("model-based", "it starts at once, which little time asks for")
    if space in CARRIED:
        return BestAgent("pretrained", f"the fewest evaluations to the best network on {space} tables")
    if space in CARRIED_AT_FIRST and evaluations is not None and evaluations <= FEW:
        return BestAgent("pretrained", f"the lowest regret after {FEW} evaluations on {space} tables")
    return BestAgent(
        "model-based", "the fewest evaluations to the best network of the agents that start from nothing"
    )


def _starts_late(size: int | None, seconds: float | None) -> bool:
    """Return whether `pretrained` would take most of a limit by the clock to start in a space."""
    if size is None or seconds is None or size > MOST_READ:
        return False
    return STARTING * size > MOST_STARTING * seconds
