"""The agent that searches by a policy trained before, on landscapes other than the one it searches."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.pretrained.search import PolicySearch
from nas_agents.pretrained.weights import PolicyWeights, read_weights, shipped_weights
from nas_gym.errors import ConfigError
from nas_gym.traces import ValuePolicy

DETOUR_COST = 0.7
"""What a network on the way that is not known costs, in the logarithm of how likely one is the best."""


@dataclass(kw_only=True)
class Pretrained(Agent):
    """A policy that was trained once, on synthetic landscapes, and searches any space.

    It is a learned acquisition: at each step a small network scores every candidate, and the best is
    evaluated. What it reads of a candidate are what its network does (sizes, depth, receptive field,
    shortcuts, behaviour of activations, see `nas_agents.pretrained.readings`; and its live graph, by message
    passing) and what the run so far says of it (posteriors of Gaussian processes over choices, pieces of
    graphs and readings; distances to what was evaluated; the best so far; the budget left). Names and the
    numbering of operations, edges and layers do not enter. Nothing is learned during a search but those
    posteriors: the weights stay as they are.

    It was trained by imitation: in the states of its own searches it was shown where the best architectures
    of the landscape are, so that a score is the logarithm of how likely a candidate is the best. See
    docs/pretrained.md for the training, what it was judged on, and where it fails.

    A space of at most `listed` architectures is considered whole. In a larger one candidates are the
    neighbours of the best architectures known and uniform draws.

    `pretrained-walk` is the same policy as an agent that only steps.

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
            search = PolicySearch(
                weights, session.search_space, session.rng, listed=self.listed, memory=self.memory
            )
            self._search(search, session)

    def learn(self, runs: Sequence[Path], out: Path) -> None:
        """Train the policy further on finished runs, as ``nas-gym pretrain --from`` does."""
        from nas_agents.pretrained.training.whole import pretrain_policy

        start = None if self.policy is None else Path(self.policy)
        words = [f"--out={out.name}", *(f"--from={run}" for run in runs)]
        words += [f"--start={start}"] if start else []
        command = shlex.join(["nas-gym", "pretrain", *words])
        pretrain_policy(out, {}, command, runs=runs, start=start, work=out.with_suffix(".training"))

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

    def _search(self, search: PolicySearch, session: Session) -> None:
        edits = edit_policy(session)
        while True:
            scores = search.scores(1 - session.progress())
            edits.put(search.pool.architectures, open_scores(scores), list(search.known))
            number = self._choice(scores, len(search.known), session.rng)
            evaluation = session.ask([search.pool.architectures[number]])[0]
            search.tell(number, session.worth(evaluation))

    def _choice(self, scores: np.ndarray, step: int, rng: np.random.Generator) -> int:
        if step >= self.first:
            return int(np.argmax(scores))
        chances = np.exp((scores - scores.max()) / self.temperature)
        return int(rng.choice(len(scores), p=chances / chances.sum()))


def edit_policy(session: Session, detour_cost: float = DETOUR_COST) -> ValuePolicy:
    """Return the policy over edits that follows from scores of architectures, which the session records."""
    unwrapped = session.unwrapped
    policy = ValuePolicy(
        session.search_space,
        steps=unwrapped.horizon,
        last_only=unwrapped.reward.episodic,
        detour_cost=detour_cost,
    )
    session.watch(policy)
    return policy


def open_scores(scores: np.ndarray) -> np.ndarray:
    """Return scores with the least of them in place of -inf, which the evaluated candidates have."""
    finite = np.isfinite(scores)
    return np.where(finite, scores, scores.min(initial=0.0, where=finite))
