"""Q-learning (Watkins and Dayan 1992), by one model of edited networks or by a table (Baker et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from nas_agents.agent import Agent, Session, check_discount, whole_number, within
from nas_agents.learning.experience import Experience
from nas_agents.learning.guide import Guide
from nas_agents.learning.options import check_learning
from nas_agents.learning.policy import NumberedPolicy
from nas_agents.learning.states import States
from nas_agents.learning.steps import NumberedSteps
from nas_agents.learning.successor_values import SuccessorValues
from nas_agents.warm_start import WarmStart
from nas_gym.errors import unknown
from nas_gym.traces import State, TabularPolicy

# Baker et al. 2017, table 2: each epsilon with the models trained at it, of 2,700 in all.
METAQNN = ((1.0, 1500), (0.9, 100), (0.8, 100), (0.7, 100), *((e / 10, 150) for e in range(6, 0, -1)))
SCHEDULES = ("linear", "metaqnn")
OUTPUTS = {"successors": 0.5, "actions": 0.9}
"""The forms, each with its discount where none is named."""
EXPLORATIONS = ("posterior", "epsilon")

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
    """Masked Q-learning by one model of the edited network's value that all actions share, Q(s, a) = W(s').

    W is linear in features of the network that an edit leads to, so that what one network earned tells of
    all that share choices with it (see `nas_agents.learning.successor_values`). Exploration is by a draw from
    the posterior of W at the start of each episode, and by what a network costs that was evaluated
    before. After ten steps in a row that evaluated nothing new it restarts and goes to a network that was
    not evaluated, by a shortest way over the known edits (see `nas_agents.learning.escape`). With
    ``outputs="actions"`` it is the textbook's: a table of Q(s, a), epsilon-greedy, one-step;
    truncation bootstraps, termination does not. Under an episodic reward, which only the last network of
    an episode earns, W is that reward alone.

    Sources: Watkins and Dayan, "Q-learning", 1992; Baker et al., "Designing Neural Network
    Architectures using Reinforcement Learning", 2017 (table, schedule and replay); Ernst et al.,
    "Tree-based batch mode reinforcement learning", 2005 (fitted iteration); Osband et al.,
    "Generalization and exploration via randomized value functions", 2016; Sutton, "Dyna, an integrated
    architecture for learning, planning, and reacting", 1991.

    Attributes:
        outputs: ``"successors"``, one model of edited networks, or ``"actions"``, the table.
        alpha: learning rate of the table; rewards are deterministic, so a high one is safe.
        gamma: discount; None for .5 of the model and .9 of the table.
        epsilon_schedule: ``"linear"`` from `epsilon_start` to `epsilon_end` over the budget, or
            ``"metaqnn"``, the proportions of Baker et al. over the budget; of the table, and of the model
            with ``exploration="epsilon"``.
        epsilon_start, epsilon_end: ends of the linear schedule.
        replay: of the table: after each episode, past episodes drawn uniformly and replayed from their end.
        initial_q: Q of what was never tried in the table; above ``1 / (1 - gamma)`` it is optimistic under
            the reward ``"score"`` and drives the walk to untried edits.
        exploration: of the model: ``"posterior"``, greedy by a draw from its posterior, or ``"epsilon"``,
            greedy by its mean but for uniform edits.
        novelty: of the model: what a step to a network that was evaluated before costs, in units of the
            spread of rewards, since it teaches nothing.
        n_steps: of the model: rewards of the walk in a target before the maximum.
        planning: of the model: steps simulated after each evaluation, on the known edits and a learned model
            of rewards; 0 for none.
        episode: of the model: steps after which the agent restarts by itself; None for the environment's
            horizon.
        normalise: of the model: whether rewards are centred and divided by their spread.
        demonstrations: of the model: first evaluations that a local search makes in its place, by steps.
        warm_start: of the model: networks that demonstrations go to first, see
            `nas_agents.warm_start.starts`; None for none.
        q_table: the values of the latest search by state, float64 (n,) each; empty without a table.
    """

    name = "q-learning"
    access = "walk"
    under_objectives = "refused"

    outputs: str = "successors"
    alpha: float = 0.5
    gamma: float | None = None
    epsilon_schedule: str = "linear"
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    replay: int = 0
    initial_q: float = 0.0
    exploration: str = "posterior"
    novelty: float = 3.0
    n_steps: int = 1
    planning: int = 4
    episode: int | None = None
    normalise: bool = True
    demonstrations: int = 0
    warm_start: WarmStart | None = None
    q_table: dict[str, np.ndarray] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        within("alpha", self.alpha, 0, 1, above_low=True)
        within("epsilon_start", self.epsilon_start, 0, 1)
        within("epsilon_end", self.epsilon_end, 0, 1)
        within("initial_q", self.initial_q, -1e9, 1e9)
        whole_number("replay", self.replay, at_least=0)
        if self.epsilon_schedule not in SCHEDULES:
            raise unknown("epsilon_schedule of Q-learning", self.epsilon_schedule, SCHEDULES)
        if self.outputs not in OUTPUTS:
            raise unknown("outputs of Q-learning", self.outputs, OUTPUTS)
        self.gamma = within("gamma", OUTPUTS[self.outputs] if self.gamma is None else self.gamma, 0, 1)
        if self.exploration not in EXPLORATIONS:
            raise unknown("exploration of Q-learning", self.exploration, EXPLORATIONS)
        whole_number("n_steps", self.n_steps, at_least=1)
        whole_number("planning", self.planning, at_least=0)
        check_learning(self)

    def run(self, session: Session) -> None:
        self.q_table = {}
        gamma = within("gamma", self.gamma, 0, 1)
        check_discount(gamma, session)
        if self.outputs == "successors":
            _SuccessorSearch(self, gamma, session).run()
            return
        q = QTable(self.alpha, gamma, len(session.search_space.actions), self.initial_q)
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
        if self.explores(session):
            return int(session.rng.choice(legal))
        return q.greedy(s, legal, session.rng)

    def explores(self, session: Session) -> bool:
        """Return whether this step is a random edit, by the schedule."""
        epsilon = self.epsilon(session.progress())
        session.trace.scalars({"train/epsilon": epsilon})
        return bool(session.rng.random() < epsilon)

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


class _SuccessorSearch:
    """A search by one model of edited networks.

    Args:
        agent: the hyperparameters.
        gamma: discount.
        session: the search.
    """

    def __init__(self, agent: QLearning, gamma: float, session: Session) -> None:
        self._agent, self._session = agent, session
        self._states = States(session.search_space)
        self._experience = Experience(self._states, agent.normalise, session.rng)
        self._steps = NumberedSteps(session, self._experience, agent.episode, agent.novelty)
        self._values = SuccessorValues(
            self._experience,
            gamma=0.0 if session.unwrapped.reward.episodic else gamma,
            n_steps=agent.n_steps,
            planning=agent.planning,
            novelty=agent.novelty,
            rng=session.rng,
        )
        self._guide = Guide(session, self._experience, agent.demonstrations, agent.warm_start)
        evaluated = self._experience.rewards
        session.watch(NumberedPolicy(self._states, "q_values", self._q, lambda: list(evaluated)))

    def run(self) -> None:
        """Walk until the session ends it."""
        while True:
            self._steps.reset()
            self._guide.restart()
            if self._agent.exploration == "posterior":
                self._values.draw_member()
            self._episode()

    def _episode(self) -> None:
        steps, n = self._steps, self._agent.n_steps
        for number, paid in steps.met:
            self._values.learn([number], [paid], terminal=False)
        if steps.met:
            self._values.refit()
        numbers: list[int] = []
        rewards: list[float] = []
        over = False
        while not over:
            _, _, terminated, truncated, _ = steps.step(self._act(steps.state))
            over = terminated or truncated
            if steps.seen:
                numbers, rewards = [*numbers, steps.state][-n:], [*rewards, steps.paid][-n:]
                if len(numbers) == n:
                    self._values.learn(numbers, rewards, terminated)
                self._values.refit()
        while numbers:  # what is left of the walk has shorter targets
            if len(numbers) < n:
                self._values.learn(numbers, rewards, terminated)
            numbers, rewards = numbers[1:], rewards[1:]

    def _act(self, here: int) -> int:
        agent, rng = self._agent, self._session.rng
        if self._guide.leads:
            return self._guide.action(here)
        legal, after = self._states.after(here)
        if agent.exploration == "epsilon" and agent.explores(self._session):
            return int(rng.choice(legal))
        values = self._values.values(after)
        return int(rng.choice(legal[values == values.max()]))

    def _q(self, numbers: list[int], masks: np.ndarray) -> np.ndarray:
        """Return Q(s, .) = W(s') by the mean of the posterior, float64 (states, n)."""
        after = self._states.padded_after(numbers)
        # Many states lead to the same ones.
        different, places = np.unique(np.where(masks, after, after[:, :1]), return_inverse=True)
        values = self._values.mean_values(different)[places.reshape(after.shape)]
        return np.where(masks, values, 0.0)
