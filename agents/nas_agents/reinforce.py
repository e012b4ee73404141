"""REINFORCE (Zoph and Le 2017): a policy over whole architectures, moved along the score function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.learning.experience import MEMBERS, Experience
from nas_agents.learning.guide import demonstrated
from nas_agents.learning.options import check_demonstrations
from nas_agents.learning.states import States
from nas_agents.warm_start import WarmStart
from nas_gym.search_spaces import Architecture, SearchSpace

PERCENT = 100.0
INITIAL_SPREAD = 1e-3
SIMULATED_DRAWS = 16
IMITATION_STEPS = 20
SETTLED = 30
"""Calls in a row that ask for nothing new, after which uniform draws are asked for until one is new."""
STILL_SETTLED = 10
"""Calls of a settled policy between two new networks by uniform draws; a new one of its own unsettles it."""
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(kw_only=True)
class Reinforce(Agent):
    """REINFORCE over the fixed-length form: an independent softmax for each of its variables.

    Between two evaluations the policy is trained on draws of its own that a linear model of rewards judges,
    which evaluates nothing (see `nas_agents.learning.experience`); networks that were evaluated are judged
    down there, so that it goes on to others. A policy that asks for nothing new in `SETTLED` calls in a row
    is helped by uniform draws until one is new. Plain REINFORCE, with the settings of NAS-Bench-201, is
    ``planning=0, learning_rate=0.01``: the reward is then the score in percent, and a policy that has settled
    asks for what it knows, which costs nothing here and ends the search by its bound on steps.

    Sources: Zoph and Le, "Neural Architecture Search with Reinforcement Learning", 2017; a policy
    without a recurrent network as in Dong and Yang, "NAS-Bench-201", 2020; Sutton, "Dyna, an integrated
    architecture for learning, planning, and reacting", 1991.

    Attributes:
        learning_rate: learning rate of Adam.
        momentum: momentum of the baseline, an exponential mean of the rewards corrected for its start; it
            has a reward in it when that reward is compared with it.
        batch: architectures drawn from one policy and evaluated in one call, whose gradients are
            averaged; NAS-Bench-201's is 1.
        planning: gradient steps on simulated draws after each call; 0 for none.
        novelty: what a simulated draw of an evaluated network costs, in units of the spread of rewards.
        entropy: weight of the policy's entropy in simulated steps, in the same units, so that it does not
            settle where everything is evaluated.
        demonstrations: first evaluations that a local search makes; the policy begins by imitating the best
            quarter of them.
        warm_start: networks that half of the demonstrations are of, see `nas_agents.warm_start.starts`;
            None for none.
    """

    name = "reinforce"
    access = "query"

    learning_rate: float = 0.05
    momentum: float = 0.9
    batch: int = 1
    planning: int = 4
    novelty: float = 3.0
    entropy: float = 0.1
    demonstrations: int = 0
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        within("learning_rate", self.learning_rate, 0, 10, above_low=True)
        within("momentum", self.momentum, 0, 0.999)
        whole_number("batch", self.batch, at_least=1)
        whole_number("planning", self.planning, at_least=0)
        within("novelty", self.novelty, 0, 100)
        within("entropy", self.entropy, 0, 100)
        check_demonstrations(self.demonstrations, self.warm_start)

    def run(self, session: Session) -> None:
        policy = SoftmaxPolicy(session.search_space, session.rng)
        adam = Adam(self.learning_rate, policy.logits.shape)
        baseline = Baseline(self.momentum)
        planner = _Planner(session, policy, self) if self.planning else None
        if self.demonstrations:
            found = demonstrated(session, self.demonstrations, self.warm_start)
            _imitate(policy, adam, found)
            if planner is not None:
                planner.tell(list(found), list(found.values()))
        while True:
            drawn = [policy.draw(session.rng) for _ in range(self.batch)]
            if planner is not None and planner.is_settled:
                drawn = [policy.choices(session.search_space.sample(session.rng)) for _ in drawn]
            architectures = [policy.architecture(choices) for choices in drawn]
            worths = [session.worth(evaluation) for evaluation in session.ask(architectures)]
            rewards = [PERCENT * worth for worth in worths]
            advantages = [reward - baseline.updated(reward) for reward in rewards]
            policy.logits += adam.step(policy.score_gradient(drawn, advantages))
            if planner is not None:
                planner.tell(architectures, worths)
                for _ in range(self.planning):
                    policy.logits += adam.step(planner.gradient())


class _Planner:
    """Gradients from draws of the policy that a model of rewards judges.

    Args:
        session: the search, whose generator draws.
        policy: the policy.
        agent: the hyperparameters.
    """

    def __init__(self, session: Session, policy: SoftmaxPolicy, agent: Reinforce) -> None:
        self._policy, self._agent, self._rng = policy, agent, session.rng
        self._states = States(session.search_space)
        self._experience = Experience(self._states, True, session.rng)
        self._numbers: dict[bytes, int] = {}
        self._repeats = 0

    @property
    def is_settled(self) -> bool:
        """Whether the policy has asked for nothing new in many calls."""
        return self._repeats >= SETTLED

    def tell(self, architectures: Sequence[Architecture], worths: Sequence[float]) -> None:
        """Learn what networks earned, of the policy's own draws or of uniform ones while it is settled."""
        evaluated = len(self._experience)
        for architecture, worth in zip(architectures, worths, strict=True):
            self._experience.tell(self._states.of(architecture), worth)
        if len(self._experience) == evaluated:
            self._repeats += 1
        else:
            self._repeats = SETTLED - STILL_SETTLED if self.is_settled else 0

    def gradient(self) -> np.ndarray:
        """Return the gradient of simulated draws, judged by a draw from the model's posterior."""
        drawn = self._policy.draws(self._rng, SIMULATED_DRAWS)
        numbers = np.array([self._number(choices) for choices in drawn])
        rewards = self._experience.expected(numbers, int(self._rng.integers(MEMBERS)))
        rewards = rewards - self._agent.novelty * self._experience.known(numbers)
        gradient = self._policy.score_gradient(drawn, rewards - rewards.mean())
        return gradient + self._agent.entropy * self._policy.entropy_gradient()

    def _number(self, choices: np.ndarray) -> int:
        """Return the number of the network of a draw; the same draws come again and again."""
        key = choices.tobytes()
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._states.of(self._policy.architecture(choices))
        return number


def _imitate(policy: SoftmaxPolicy, adam: Adam, found: dict[Architecture, float]) -> None:
    """Raise the probability of the best quarter of some networks."""
    best = sorted(found, key=found.__getitem__, reverse=True)[: max(1, len(found) // 4)]
    choices = [policy.choices(architecture) for architecture in best]
    for _ in range(IMITATION_STEPS):
        policy.logits += adam.step(policy.score_gradient(choices, [1.0] * len(choices)))


class SoftmaxPolicy:
    """A categorical distribution for each variable of a search space, independent of the others.

    Args:
        search_space: search space whose `variables` are drawn.
        rng: generator of the first logits, which are normal with standard deviation .001.

    Attributes:
        logits: float64 (variables, most choices), -inf where a variable has no such choice.
    """

    def __init__(self, search_space: SearchSpace[Architecture], rng: np.random.Generator) -> None:
        self._space = search_space
        self._names = list(search_space.variables)
        counts = np.array([len(variable.choices) for variable in search_space.variables.values()])
        self._last = counts - 1
        self.logits = INITIAL_SPREAD * rng.standard_normal((len(counts), counts.max()))
        self.logits[np.arange(counts.max()) >= counts[:, None]] = -np.inf

    def probabilities(self) -> np.ndarray:
        """Return the probability of each choice, float64 (variables, most choices)."""
        weights = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return the number of a choice for each variable, int (variables,)."""
        return np.asarray(self.draws(rng, 1)[0])

    def draws(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return as many independent draws, int (count, variables)."""
        bounds = self.probabilities().cumsum(axis=1)
        below = bounds <= rng.random((count, len(self._names), 1))
        # A sum of probabilities may round to just below 1.
        return np.asarray(np.minimum(below.sum(axis=2), self._last))

    def architecture(self, choices: np.ndarray) -> Architecture:
        """Return the architecture of a draw."""
        return self._space.decode(dict(zip(self._names, choices.tolist(), strict=True)))

    def choices(self, architecture: Architecture) -> np.ndarray:
        """Return the number of a choice for each variable of an architecture, int (variables,)."""
        values = self._space.encode(architecture)
        return np.array([values[name] for name in self._names])

    def score_gradient(
        self, drawn: np.ndarray | Sequence[np.ndarray], advantages: np.ndarray | Sequence[float]
    ) -> np.ndarray:
        """Return the gradient of the mean of advantage x log p(draw) by the logits, of their shape."""
        choices, weights = np.asarray(drawn), np.asarray(advantages, dtype=np.float64)
        places = np.arange(choices.shape[1]) * self.logits.shape[1] + choices
        taken = np.bincount(
            places.ravel(), np.repeat(weights, choices.shape[1]), minlength=self.logits.size
        ).reshape(self.logits.shape)
        return np.asarray((taken - weights.sum() * self.probabilities()) / len(choices))

    def entropy_gradient(self) -> np.ndarray:
        """Return the gradient of the entropy by the logits, of their shape."""
        probabilities = self.probabilities()
        surprise = -np.log(np.maximum(probabilities, 1e-12))
        entropy = (probabilities * surprise).sum(axis=1, keepdims=True)
        return np.asarray(probabilities * (surprise - entropy))


class Baseline:
    """An exponential mean of rewards, corrected for starting at 0.

    Args:
        momentum: the weight of what was there, in [0, 1).
    """

    def __init__(self, momentum: float) -> None:
        self._momentum, self._sum, self._weight = momentum, 0.0, 0.0

    def updated(self, reward: float) -> float:
        """Return the mean with one more reward in it."""
        self._sum = self._momentum * self._sum + (1 - self._momentum) * reward
        self._weight = self._momentum * self._weight + 1 - self._momentum
        return self._sum / self._weight


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), upwards.

    Args:
        learning_rate: alpha.
        shape: shape of what is optimised.
    """

    def __init__(self, learning_rate: float, shape: tuple[int, ...]) -> None:
        self._alpha, self._t = learning_rate, 0
        self._m, self._v = np.zeros(shape), np.zeros(shape)

    def step(self, g: np.ndarray) -> np.ndarray:
        """Return what to add for the gradient `g`."""
        self._t += 1
        self._m += (1 - BETA_1) * (g - self._m)
        self._v += (1 - BETA_2) * (g**2 - self._v)
        m, v = self._m / (1 - BETA_1**self._t), self._v / (1 - BETA_2**self._t)
        return np.asarray(self._alpha * m / (np.sqrt(v) + EPSILON))
