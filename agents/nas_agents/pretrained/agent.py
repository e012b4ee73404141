"""The agent that searches by a policy trained before, on landscapes other than the one it searches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.pool import REFERENCE, Pool, whole_pool
from nas_agents.pretrained.state import features
from nas_agents.pretrained.weights import PolicyWeights, read_weights, shipped_weights
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture

FRESH = 30
"""Uniform candidates that are added at each step in a space too large to list."""
AROUND = 3
"""Best architectures known whose neighbours are candidates there."""
MOST_CANDIDATES = 6000
"""Candidates beyond which no uniform draws are added there."""


@dataclass(kw_only=True)
class Pretrained(Agent):
    """A policy that was trained once, on synthetic landscapes, and searches any space.

    It is a learned acquisition: at each step a small network scores every candidate, and the best is
    evaluated. What it reads of a candidate are what its network does (sizes, depth, receptive field,
    shortcuts, behaviour of activations, see `nas_agents.pretrained.readings`) and what the run so far says
    of it (posteriors of Gaussian processes over choices, pieces of graphs and readings; distances to what was
    evaluated; the best so far; the budget left). Names and the numbering of operations, edges and layers
    do not enter. Nothing is learned during a search but those posteriors: the weights stay as they are.

    It was trained by imitation: in the states of its own searches it was shown where the best architectures
    of the landscape are, so that a score is the logarithm of how likely a candidate is the best. See
    docs/pretrained.md for the training, what it was judged on, and where it fails.

    A space of at most `listed` architectures is considered whole. In a larger one candidates are the
    neighbours of the best architectures known and uniform draws.

    Attributes:
        first: evaluations that are drawn in proportion to how likely the policy thinks each candidate is the
            best; afterwards the most likely is taken.
        listed: size up to which all architectures of a space are candidates.
        memory: evaluations that posteriors remember at most; beyond it the best and the latest are kept.
        temperature: of those draws; below 1 likely candidates are drawn more often than that.
        policy: path of weights that `nas-gym pretrain` wrote; None for those of the package.
    """

    name = "pretrained"
    access = "query"
    carries = True

    first: int = 1
    listed: int = 20_000
    memory: int = 300
    temperature: float = 1.0
    policy: str | None = None

    def __post_init__(self) -> None:
        whole_number("first", self.first, at_least=1)
        whole_number("listed", self.listed, at_least=0)
        whole_number("memory", self.memory, at_least=4)
        within("temperature", self.temperature, 0, 100, above_low=True)
        if self.policy is not None and not isinstance(self.policy, str):
            raise ConfigError(f"policy must be the path of a file, not {self.policy!r}")

    def run(self, session: Session) -> None:
        weights = self._weights(session)
        # One thread: sums in another order would be other results.
        with threadpool_limits(limits=1):  # type: ignore[no-untyped-call]
            self._search(weights, session)

    def _weights(self, session: Session) -> PolicyWeights:
        start = session.start if session.start is not None else self.policy
        if isinstance(start, PolicyWeights):
            found, whence = start, "a policy"
        elif start is None:
            found, whence = shipped_weights(), "the policy of the package"
        else:
            found, whence = read_weights(start), f"the policy of {start}"
        session.started_from = f"{whence}, SHA-256 {found.digest[:16]}"
        return found

    def _search(self, weights: PolicyWeights, session: Session) -> None:
        space = session.search_space
        listed = space.size <= self.listed
        pool = whole_pool(space) if listed else Pool(space, _some(session, REFERENCE))
        beliefs, known = Beliefs(pool), dict[int, float]()
        while True:
            if len(beliefs.told) >= self.memory:
                beliefs = _remembered(pool, known, self.memory // 2)
            if not listed:
                pool.add(_candidates(beliefs, session))
                beliefs.widen()
            scores = weights.judge(features(beliefs, 1 - session.progress()), pool)
            scores[list(known)] = -np.inf
            number = self._choice(scores, len(known), session.rng)
            evaluation = session.ask([pool.architectures[number]])[0]
            known[number] = session.worth(evaluation)
            beliefs.tell(number, known[number])

    def _choice(self, scores: np.ndarray, step: int, rng: np.random.Generator) -> int:
        if step >= self.first:
            return int(np.argmax(scores))
        chances = np.exp((scores - scores.max()) / self.temperature)
        return int(rng.choice(len(scores), p=chances / chances.sum()))


def _remembered(pool: Pool, known: dict[int, float], count: int) -> Beliefs:
    """Return posteriors of the best evaluations and of the latest ones, as many of each."""
    best = sorted(known, key=known.__getitem__, reverse=True)[: count // 2]
    kept = {*best, *list(known)[-(count - count // 2) :]}
    beliefs = Beliefs(pool)
    for number, score in known.items():
        if number in kept:
            beliefs.tell(number, score)
    return beliefs


def _some(session: Session, count: int) -> list[Architecture]:
    drawn = dict.fromkeys(session.search_space.sample(session.rng) for _ in range(count))
    return list(drawn)


def _candidates(beliefs: Beliefs, session: Session) -> list[Architecture]:
    """Return what may be proposed next: neighbours of the best architectures known, and uniform draws."""
    pool = beliefs.pool
    best = np.argsort(beliefs.scores)[::-1][:AROUND].tolist() if beliefs.told else list[int]()
    around = [
        each for number in best for each in pool.space.neighbours(pool.architectures[beliefs.told[number]])
    ]
    return around if len(pool) >= MOST_CANDIDATES else around + _some(session, FRESH)
