"""Five searches of NAS-Bench-201 exactly as their protocol says, in loops of their own.

They stand beside the figures of an independent replay of the protocol and beside those that Dong and
Yang published (see `SOURCES` of nasbench201_report.py), so nothing of nas-gym's agents, budget or
environment is in them: the evaluation that crosses the limit of seconds is made and counts, and the
choice is the highest accuracy seen. Cells are numbers whose digits to base 5 are the operations of the
six edges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

EDGES, OPERATIONS = 6, 5
SIZE = OPERATIONS**EDGES
PLACES = OPERATIONS ** np.arange(EDGES)[::-1]
FIRST_CELLS, PARENTS = 10, 3


class LimitReached(Exception):  # noqa: N818 - the usual end of a search
    """The seconds are spent."""


@dataclass
class Clock:
    """Answers with recorded accuracies and adds up what they cost.

    Attributes:
        accuracy: what the search sees, by cell.
        seconds: what one look costs, by cell.
        limit: seconds of a search.
        repeats_paid: whether a cell that was seen costs again.
    """

    score: np.ndarray
    seconds: np.ndarray
    limit: float
    repeats_paid: bool
    spent: float = 0.0
    seen: dict[int, float] = field(default_factory=dict)

    def see(self, cell: int) -> float:
        """The accuracy of a cell.

        Raises:
            LimitReached: after the look that crosses the limit, which counts.
        """
        new = cell not in self.seen
        self.seen[cell] = float(self.score[cell])
        if new or self.repeats_paid:
            self.spent += float(self.seconds[cell])
            if self.spent >= self.limit:
                raise LimitReached
        return self.seen[cell]

    def choice(self) -> int:
        """The cell of the highest accuracy seen, the first of ties."""
        return max(self.seen, key=self.seen.__getitem__)


Search = Callable[[Clock, np.random.Generator], None]


def random_search(clock: Clock, rng: np.random.Generator) -> None:
    """Uniform with replacement."""
    while True:
        clock.see(int(rng.integers(SIZE)))


def evolution(clock: Clock, rng: np.random.Generator) -> None:
    """The best of three drawn with replacement is mutated at one edge; the oldest is removed."""
    population = deque((cell, clock.see(cell)) for cell in rng.integers(SIZE, size=FIRST_CELLS).tolist())
    while True:
        drawn = [population[number] for number in rng.integers(len(population), size=PARENTS)]
        parent = max(drawn, key=lambda individual: individual[1])[0]
        child = int(rng.choice(neighbours(parent)))
        population.append((child, clock.see(child)))
        population.popleft()


def reinforce(clock: Clock, rng: np.random.Generator) -> None:
    """A softmax for each edge, moved by Adam along the score times reward minus baseline."""
    logits = 1e-3 * rng.standard_normal((EDGES, OPERATIONS))
    first, second, mean = np.zeros_like(logits), np.zeros_like(logits), 0.0
    t = 0
    while True:
        t += 1
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = weights / weights.sum(axis=1, keepdims=True)
        # By the inverse of the distribution function; rounding can leave the last one below 1.
        drawn = np.minimum((p.cumsum(axis=1) < rng.random((EDGES, 1))).sum(axis=1), OPERATIONS - 1)
        reward = 100 * clock.see(int(drawn @ PLACES))
        mean = 0.9 * mean + 0.1 * reward
        gradient = (p - np.eye(OPERATIONS)[drawn]) * (reward - mean / (1 - 0.9**t))
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        logits -= 0.01 * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)


def local_search_best(clock: Clock, rng: np.random.Generator) -> None:
    """All 24 neighbours; to the best of them if it is better, else a new uniform start."""
    while True:
        here = int(rng.integers(SIZE))
        value = clock.see(here)
        while True:
            around = rng.permutation(neighbours(here)).tolist()
            best = max(around, key=clock.see)
            if clock.seen[best] <= value:
                break
            here, value = best, clock.seen[best]


def local_search_first(clock: Clock, rng: np.random.Generator) -> None:
    """The neighbours in a random order; to the first that is better, else a new uniform start."""
    while True:
        here = int(rng.integers(SIZE))
        value = clock.see(here)
        better: int | None = here
        while better is not None:
            around = rng.permutation(neighbours(here)).tolist()
            better = next((cell for cell in around if clock.see(cell) > value), None)
            if better is not None:
                here, value = better, clock.seen[better]


def neighbours(cell: int) -> list[int]:
    """The 24 cells that differ in one edge."""
    digits = cell // PLACES % OPERATIONS
    return [
        int(cell + (operation - digits[edge]) * PLACES[edge])
        for edge in range(EDGES)
        for operation in range(OPERATIONS)
        if operation != digits[edge]
    ]


@dataclass(frozen=True)
class Protocol:
    """A search, and what others found by it.

    Attributes:
        search: the loop.
        repeats_paid: whether a cell that was seen costs again.
        replayed: result of an independent replay of the protocol, test accuracy in percent by seconds: its
            mean over 500 seeds and their standard deviation, None where it was not given.
        published: the same of Dong and Yang 2020, table 5.
    """

    search: Search
    repeats_paid: bool
    replayed: dict[int, tuple[float, float | None]]
    published: dict[int, tuple[float, float]] = field(default_factory=dict)


PROTOCOLS = {
    "random": Protocol(
        random_search, True, {12_000: (93.75, 0.34), 20_000: (93.89, 0.26)}, {12_000: (93.70, 0.36)}
    ),
    "evolution": Protocol(evolution, True, {12_000: (93.95, 0.39), 20_000: (94.09, 0.29)}),
    "reinforce": Protocol(
        reinforce, True, {12_000: (93.80, 0.30), 20_000: (93.93, 0.24)}, {12_000: (93.85, 0.37)}
    ),
    "local search, best": Protocol(local_search_best, False, {12_000: (94.02, 0.35), 20_000: (94.17, 0.26)}),
    "local search, first": Protocol(
        local_search_first, False, {12_000: (94.15, None), 20_000: (94.27, None)}
    ),
}


def replay(
    protocol: Protocol, score: np.ndarray, seconds: np.ndarray, limit: float, seeds: int
) -> np.ndarray:
    """The choices of searches from seeds 0, 1, ..., int (seeds,)."""
    choices = []
    for seed in range(seeds):
        clock = Clock(score, seconds, limit, protocol.repeats_paid)
        try:
            protocol.search(clock, np.random.default_rng(seed))
        except LimitReached:
            choices.append(clock.choice())
    return np.array(choices)
