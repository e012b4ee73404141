"""Tabular Q-learning (Watkins and Dayan 1992), for architectures as in Baker et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from nas_agents.agent import Agent, Session, check_discount, whole_number, within
from nas_gym.errors import unknown
from nas_gym.traces import State, TabularPolicy

# Baker et al. 2017, table 2: each epsilon with the models trained at it, of 2,700 in all.
METAQNN = ((1.0, 1500), (0.9, 100), (0.8, 100), (0.7, 100), *((e / 10, 150) for e in range(6, 0, -1)))
SCHEDULES = ("linear", "metaqnn")

Q = TypeVar("Q", float, np.ndarray)


class Transition(NamedTuple):
    """A step from s by a to s'; s' is None where the episode terminated."""

    s: str
    a: int
    r: float
    s_next: str | None
    legal_next: np.ndarray


def updated(q: Q, r: Q, future: Q, alpha: float, gamma: float) -> Q:
    """Return Q(s, a) + alpha [r + gamma max_a' Q(s', a') - Q(s, a)], Watkins' rule, of a pair or of arrays.

    Args:
        q: Q(s, a).
        r: reward of the step.
        future: max_a' Q(s', a') over legal a', 0 where the step ends the episode.
        alpha: learning rate.
        gamma: discount.
    """
    learned: Q = q + alpha * (r + gamma * future - q)
    return learned


class QTable:
    """Q(s, a) by the text of s.

    Args:
        alpha: learning rate.
        gamma: discount.
        actions: n, number of actions.
        initial: value of what was never updated.

    Attributes:
        values: for each state met, float64 (n,); entries of illegal actions stay `initial`.
    """

    def __init__(self, alpha: float, gamma: float, actions: int, initial: float = 0.0) -> None:
        self.alpha, self.gamma, self.actions, self.initial = alpha, gamma, actions, initial
        self.values: dict[str, np.ndarray] = {}

    def of(self, s: str) -> np.ndarray:
        """Return Q(s, .), float64 (n,)."""
        q = self.values.get(s)
        if q is None:
            q = self.values[s] = np.full(self.actions, self.initial, dtype=np.float64)
        return q

    def greedy(self, s: str, legal: np.ndarray, rng: np.random.Generator) -> int:
        """Return a legal action of highest value, uniform over ties."""
        q = self.of(s)[legal]
        return int(rng.choice(legal[q == q.max()]))

    def update(self, step: Transition) -> None:
        """Learn from a step by `updated`."""
        s, a, r, s_next, legal_next = step
        future = 0.0 if s_next is None else self.of(s_next)[legal_next].max()
        q = self.of(s)
        q[a] = updated(q[a], r, future, self.alpha, self.gamma)


def _state(session: Session, info: dict[str, Any], t: int) -> str:
    """Return the state after t steps; what an episodic reward pays depends on the steps left too."""
    unwrapped = session.unwrapped
    steps_left = unwrapped.horizon - t if unwrapped.reward.episodic else None
    return State(info["architecture"], steps_left).key


@dataclass(kw_only=True)
class QLearning(Agent):
    """Masked, epsilon-greedy, one-step Q-learning; truncation bootstraps, termination does not.

    Sources: Watkins and Dayan, "Q-learning", 1992; Baker et al., "Designing Neural Network
    Architectures using Reinforcement Learning", 2017 (schedule and replay).

    Attributes:
        alpha: learning rate; rewards are deterministic, so a high one is safe.
        gamma: discount.
        epsilon_schedule: ``"linear"`` from `epsilon_start` to `epsilon_end` over the budget, or
            ``"metaqnn"``, the proportions of Baker et al. over the budget.
        epsilon_start, epsilon_end: ends of the linear schedule.
        replay: after each episode, past episodes drawn uniformly and replayed from their end.
        initial_q: Q of what was never tried; above ``1 / (1 - gamma)`` it is optimistic under the
            reward ``"score"`` and drives the walk to untried edits.
        q_table: the values of the latest search by state, float64 (n,) each.
    """

    name = "q-learning"
    access = "walk"

    alpha: float = 0.5
    gamma: float = 0.9
    epsilon_schedule: str = "linear"
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    replay: int = 0
    initial_q: float = 0.0
    q_table: dict[str, np.ndarray] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        within("alpha", self.alpha, 0, 1, above_low=True)
        within("gamma", self.gamma, 0, 1)
        within("epsilon_start", self.epsilon_start, 0, 1)
        within("epsilon_end", self.epsilon_end, 0, 1)
        within("initial_q", self.initial_q, -1e9, 1e9)
        whole_number("replay", self.replay, at_least=0)
        if self.epsilon_schedule not in SCHEDULES:
            raise unknown("epsilon_schedule of Q-learning", self.epsilon_schedule, SCHEDULES)

    def run(self, session: Session) -> None:
        check_discount(self.gamma, session)
        q = QTable(self.alpha, self.gamma, len(session.search_space.actions), self.initial_q)
        self.q_table = q.values
        session.watch(TabularPolicy(session.search_space, q.values))
        memory: list[list[Transition]] = []
        _, info = session.env.reset()
        while True:
            memory.append(self._episode(session, q, info))
            for number in session.rng.integers(len(memory), size=self.replay):
                for step in reversed(memory[number]):
                    q.update(step)
            _, info = session.env.reset()

    def _episode(self, session: Session, q: QTable, info: dict[str, Any]) -> list[Transition]:
        steps: list[Transition] = []
        s, legal, done = _state(session, info, 0), np.flatnonzero(info["action_mask"]), False
        while not done:
            a = self._act(session, q, s, legal)
            _, r, terminated, truncated, info = session.env.step(a)
            s_next, legal = _state(session, info, len(steps) + 1), np.flatnonzero(info["action_mask"])
            steps.append(Transition(s, a, float(r), None if terminated else s_next, legal))
            q.update(steps[-1])
            s, done = s_next, terminated or truncated
        return steps

    def _act(self, session: Session, q: QTable, s: str, legal: np.ndarray) -> int:
        epsilon = self.epsilon(session.progress())
        session.trace.scalars({"train/epsilon": epsilon})
        if session.rng.random() < epsilon:
            return int(session.rng.choice(legal))
        return q.greedy(s, legal, session.rng)

    def epsilon(self, progress: float) -> float:
        """Return the probability of a random edit when a part of the budget, in [0, 1], is spent."""
        if self.epsilon_schedule == "metaqnn":
            return metaqnn_epsilon(progress)
        return self.epsilon_start + progress * (self.epsilon_end - self.epsilon_start)


def metaqnn_epsilon(progress: float) -> float:
    """Return the epsilon of Baker et al. 2017 when a part of the budget, in [0, 1], is spent."""
    models = progress * sum(count for _, count in METAQNN)
    for epsilon, count in METAQNN:
        if models < count:
            return epsilon
        models -= count
    return METAQNN[-1][0]
