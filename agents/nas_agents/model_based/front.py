"""Model-based search of several objectives: a model of each, and what is expected to improve the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from nas_agents.agent import Session
from nas_agents.model_based.features import Features, all_features
from nas_agents.model_based.planning import simulate
from nas_agents.model_based.reward_model import (
    Beliefs,
    EveryArchitecture,
    RewardModel,
    expected_improvement,
    floor_of,
)
from nas_gym.envs import nondominated
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    from nas_agents.model_based.agent import ModelBased

ACQUISITIONS = ("ehvi", "parego")
DRAWS = 48
RHO = 0.05
BATCH = 2048
Believed = Sequence[Beliefs]


class FrontSearch:
    """A search for the front of several objectives, on a Gaussian process of each.

    After uniform designs, each evaluation is of the network whose improvement of the front is expected to be
    largest: by hypervolume, or of a Chebyshev scalarisation. Every `near`-th is a single edit of a network
    on the front. Nothing is assumed of costs: they are learned like the score, from evaluations alone.

    Sources: Emmerich et al., "Hypervolume-based expected improvement", 2011; Knowles, "ParEGO", 2006, with
    a model for each objective as Daulton et al., "Differentiable expected hypervolume improvement", 2020.

    Args:
        agent: the agent, with its hyperparameters.
        session: the search.
    """

    def __init__(self, agent: ModelBased, session: Session) -> None:
        self._agent, self._session, self._space = agent, session, session.search_space
        self._known: dict[Architecture, np.ndarray] = {}
        listed = self._space.size <= agent.listed
        objectives = session.objectives
        assert objectives is not None
        count = len(objectives)
        self._costs = [each.is_cost for each in objectives]
        self._models: _Models = (
            _Listed(agent, session, count) if listed else _Simulated(agent, session, count)
        )
        self._by_volume = agent.acquisition == "ehvi" and count == 2

    def run(self) -> None:
        """Search until the session stops it by raising."""
        asked = self._uniform(min(self._agent.first, self._space.size))
        while True:
            gains = self._session.gains(self._session.ask(asked))
            self._known.update(zip(asked, gains, strict=True))
            self._tell(asked, gains)
            asked = [self._next()]

    def _tell(self, asked: list[Architecture], gains: np.ndarray) -> None:
        for column, model in enumerate(self._models.each):
            # Poor scores hide what good ones differ by, and a cheap network that learns nothing would stretch
            # the front; high costs are as regular as low ones.
            model.floor = -np.inf if self._costs[column] else floor_of(self._gains()[:, column])
            model.tell(asked, gains[:, column].tolist())

    def _next(self) -> Architecture:
        judge = self._judge()
        if self._agent.near and len(self._known) % self._agent.near == 0:
            around = self._around()
            if around:
                return around[int(np.argmax(judge(self._models.beliefs(around))))]
        found = self._models.anywhere(judge, self._known, self._front())
        return self._uniform(1)[0] if found is None else found

    def _judge(self) -> Judge:
        """Return what is expected of beliefs, in the units of the models' targets."""
        columns = zip(self._models.each, self._gains().T, strict=True)
        points = np.stack([model.as_targets(values) for model, values in columns], axis=1)  # clipped alike
        front = points[nondominated(points)]
        if self._by_volume:
            # With a reference near the nadir of the front so far, what is beyond its ends counts nothing.
            return HypervolumeImprovement(front, points.min(axis=0))
        ideal, nadir = front.max(axis=0), front.min(axis=0)
        # A front of one point has no extent; that of all points stands for it.
        extent = np.where(ideal > nadir, ideal - nadir, np.maximum(np.ptp(points, axis=0), 1e-6))
        weights = self._session.rng.dirichlet(np.ones(len(ideal)))
        draws = self._session.rng.standard_normal((DRAWS, len(ideal)))
        return ChebyshevImprovement(points, ideal, extent, weights, draws)

    def _gains(self) -> np.ndarray:
        return np.array(list(self._known.values()))

    def _front(self) -> list[Architecture]:
        every = list(self._known)
        return [every[number] for number in np.flatnonzero(nondominated(self._gains()))]

    def _around(self) -> list[Architecture]:
        """Return the neighbours not evaluated of the networks on the front."""
        found = dict.fromkeys(
            each
            for member in self._front()
            for each in self._space.neighbours(member)
            if each not in self._known
        )
        return list(found)

    def _uniform(self, count: int) -> list[Architecture]:
        found: dict[Architecture, None] = {}
        while len(found) < count:
            architecture = self._space.sample(self._session.rng)
            if architecture not in self._known:
                found[architecture] = None
        return list(found)


class Judge(Protocol):
    """The promise of networks, from the beliefs of each objective."""

    def __call__(self, believed: Believed) -> np.ndarray:
        """Return a number for each network, higher is better."""
        ...


class HypervolumeImprovement:
    """The hypervolume that a network is expected to add to a front of two objectives, exactly.

    The front cuts the plane into strips by the first objective; in each the second has to exceed a
    height. With independent beliefs the expectation is a sum of products over the strips.

    Args:
        front: points that do not dominate each other, float64 (points, 2).
        reference: the reference point, (2,).
    """

    def __init__(self, front: np.ndarray, reference: np.ndarray) -> None:
        inside = front[(front > reference).all(axis=1)]
        inside = np.unique(inside, axis=0)
        self._edges = np.concatenate([[reference[0]], inside[:, 0]])
        self._heights = np.concatenate([inside[:, 1], [reference[1]]])

    def __call__(self, believed: Believed) -> np.ndarray:
        first, second = believed
        beyond = [expected_improvement(first, edge) for edge in self._edges]
        beyond.append(np.zeros_like(beyond[0]))
        strips = zip(beyond[:-1], beyond[1:], self._heights, strict=True)
        parts = [(low - high) * expected_improvement(second, height) for low, high, height in strips]
        return np.asarray(np.sum(parts, axis=0))


class ChebyshevImprovement:
    """The improvement that is expected of the augmented Chebyshev distance to the ideal of the front.

    Args:
        points: all points known, float64 (points, objectives).
        ideal, extent: the ideal of the front, and how far it extends in each objective.
        weights: weights of the objectives, of sum 1.
        draws: standard normal numbers that the expectation is over, (draws, objectives).
    """

    def __init__(
        self,
        points: np.ndarray,
        ideal: np.ndarray,
        extent: np.ndarray,
        weights: np.ndarray,
        draws: np.ndarray,
    ) -> None:
        self._ideal, self._weights, self._draws = ideal, weights / extent, draws
        self._best = float(self._distance(points).min())

    def __call__(self, believed: Believed) -> np.ndarray:
        means = np.stack([mean for mean, _ in believed], axis=1)
        deviations = np.stack([deviation for _, deviation in believed], axis=1)
        found = np.zeros(len(means))
        for start in range(0, len(means), BATCH):
            part = slice(start, start + BATCH)
            drawn = means[part, None] + deviations[part, None] * self._draws
            found[part] = np.maximum(self._best - self._distance(drawn), 0.0).mean(axis=1)
        return found

    def _distance(self, points: np.ndarray) -> np.ndarray:
        losses = (self._ideal - points) * self._weights
        return np.asarray(losses.max(axis=-1) + RHO * losses.sum(axis=-1))


class _Models(Protocol):
    """A model of each objective, and the networks that are considered."""

    each: list[RewardModel]

    def beliefs(self, architectures: Sequence[Architecture]) -> Believed:
        """Return what evaluations of architectures are believed to show, by objective."""
        ...

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        """Return the most promising network that is not evaluated; None if none was met."""
        ...


class _Listed:
    """Models that consider all networks of the space."""

    def __init__(self, agent: ModelBased, session: Session, count: int) -> None:
        self._space = session.search_space
        features, matrix = all_features(self._space)
        self.each = [agent.model(features) for _ in range(count)]
        self._every = [EveryArchitecture(model, matrix) for model in self.each]

    def beliefs(self, architectures: Sequence[Architecture]) -> Believed:
        rows = [self._space.index(each) for each in architectures]
        return [(mean[rows], deviation[rows]) for mean, deviation in self._all()]

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        promise = judge(self._all())
        promise[[self._space.index(each) for each in known]] = -np.inf
        found: Architecture = self._space.architecture(int(np.argmax(promise)))
        return found

    def _all(self) -> Believed:
        pairs = zip(self.each, self._every, strict=True)
        return [model.shown(every.beliefs()) for model, every in pairs]


class _Simulated:
    """Models that consider the networks which simulated walks from the front meet."""

    def __init__(self, agent: ModelBased, session: Session, count: int) -> None:
        self._agent, self._space, self._rng = agent, session.search_space, session.rng
        features = Features(self._space)
        self.each = [agent.model(features) for _ in range(count)]

    def beliefs(self, architectures: Sequence[Architecture]) -> Believed:
        return [model.shown(model.beliefs(architectures)) for model in self.each]

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        agent, starts = self._agent, list(front)
        if len(starts) > agent.starts:
            starts = [starts[n] for n in self._rng.choice(len(starts), agent.starts, replace=False)]
        starts += [self._space.sample(self._rng) for _ in range(agent.starts)]
        met = simulate(
            self._space, starts, lambda each: judge(self.beliefs(each)), agent.steps, agent.edits, self._rng
        )
        return max((each for each in met if each not in known), key=met.__getitem__, default=None)
