"""Model-based search: learn what edits earn, plan on the model, evaluate what it promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.architecture_features import Features, all_features
from nas_agents.edit_planning import PlannedPolicy, simulate
from nas_agents.reward_model import Beliefs, EveryArchitecture, RewardModel
from nas_gym.search_spaces.base import Architecture


class Plan(Protocol):
    """Where the next evaluation is found."""

    def next(self, evaluated: dict[Architecture, float]) -> Architecture:
        """The architecture that promises most of those not evaluated."""
        ...

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """The accuracy that the model expects, float64 (architectures,)."""
        ...


@dataclass(kw_only=True)
class ModelBased(Agent):
    """A Gaussian process of the reward, expected improvement, and planning over edits.

    After `first` uniform designs, each evaluation is of the architecture with the highest expected
    improvement over the best reward seen. In a space of at most `listed` architectures all are
    considered. In a larger one the agent plans as Dyna does: simulated walks over the edit graph,
    from the best architectures known and from uniform ones, climb the expected improvement on the
    model, and of all that they met the best is evaluated. The policy it hands out has the Q-values
    that planning on the model gives (see `nas_agents.edit_planning.PlannedPolicy`).

    The model (see `nas_agents.gaussian_process`) compares the choices of architectures and the
    walks through their graphs; it sees neither parameters nor FLOPs.

    Sources: Sutton, "Dyna, an integrated architecture for learning, planning, and reacting", 1991;
    Jones et al., "Efficient global optimization of expensive black-box functions", 1998.

    Attributes:
        first: uniform designs before the model is used.
        growth: the model's hyperparameters are fitted again when the evaluations have grown by this
            factor.
        memory: evaluations that the model remembers at most.
        listed: size up to which all architectures of a space are considered at each step.
        starts: best known architectures that simulated walks start from, and as many uniform ones.
        steps: simulated edits of a walk.
        edits: edits considered at a step of a walk.
        gamma: discount of the policy handed out.
    """

    name = "model-based"
    access = "query"

    first: int = 10
    growth: float = 1.15
    memory: int = 500
    listed: int = 50_000
    starts: int = 5
    steps: int = 4
    edits: int = 24
    gamma: float = 0.9

    def __post_init__(self) -> None:
        for name in ("first", "memory", "listed", "starts", "steps", "edits"):
            whole_number(name, getattr(self, name), at_least=2 if name == "memory" else 1)
        within("growth", self.growth, 1, 10, above_low=True)
        within("gamma", self.gamma, 0, 0.999)

    def run(self, session: Session) -> None:
        # One thread: the matrices are small, and sums in another order would be other results.
        with threadpool_limits(limits=1):
            self._run(session)

    def _run(self, session: Session) -> None:
        space = session.search_space
        plan = _Listed(self, session) if space.size <= self.listed else _Simulated(self, session)
        evaluated: dict[Architecture, float] = {}
        asked = _distinct(session, min(self.first, space.size))
        while True:
            rewards = [evaluation.accuracy for evaluation in session.ask(asked)]
            evaluated.update(zip(asked, rewards, strict=True))
            plan.model.tell(asked, rewards)
            if session.policy is None:
                session.watch(PlannedPolicy(space, plan.expect, self.gamma, lambda: list(evaluated)))
            asked = [plan.next(evaluated)]


class _Listed:
    """All architectures of the space are considered."""

    def __init__(self, agent: ModelBased, session: Session) -> None:
        self._space = session.search_space
        features, matrix = all_features(self._space)
        self.model = RewardModel(features, agent.growth, agent.memory)
        self._every = EveryArchitecture(self.model, matrix)
        self._open = np.ones(self._space.size, dtype=bool)

    def next(self, evaluated: dict[Architecture, float]) -> Architecture:
        self._open[[self._space.index(architecture) for architecture in evaluated]] = False
        promise = expected_improvement(self._every.beliefs(), self.model.targets.max())
        return self._space.architecture(int(np.argmax(np.where(self._open, promise, -np.inf))))

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        mean, _ = self._every.beliefs()
        return self.model.accuracy(mean[[self._space.index(each) for each in architectures]])


class _Simulated:
    """Architectures are met on simulated walks."""

    def __init__(self, agent: ModelBased, session: Session) -> None:
        self._agent, self._space, self._rng = agent, session.search_space, session.rng
        self._features = Features(self._space)
        self.model = RewardModel(self._features, agent.growth, agent.memory)

    def next(self, evaluated: dict[Architecture, float]) -> Architecture:
        agent = self._agent
        best = sorted(evaluated, key=evaluated.__getitem__, reverse=True)[: agent.starts]
        uniform = [self._space.sample(self._rng) for _ in range(agent.starts)]
        met = simulate(self._space, [*best, *uniform], self._promise, agent.steps, agent.edits, self._rng)
        return max((each for each in met if each not in evaluated), key=met.__getitem__)

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.model.accuracy(self.model.beliefs(architectures)[0])

    def _promise(self, architectures: Sequence[Architecture]) -> np.ndarray:
        beliefs = self.model.beliefs(architectures)
        return expected_improvement(beliefs, self.model.targets.max())


def expected_improvement(beliefs: Beliefs, best: float) -> np.ndarray:
    """How much a reward is expected to exceed the best (Jones et al. 1998, equation 15)."""
    mean, deviation = beliefs
    z = (mean - best) / deviation
    return np.asarray(deviation * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)))


def _distinct(session: Session, count: int) -> list[Architecture]:
    """Distinct architectures drawn uniformly."""
    drawn: dict[Architecture, None] = {}
    while len(drawn) < count:
        drawn[session.search_space.sample(session.rng)] = None
    return list(drawn)
