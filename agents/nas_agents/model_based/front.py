"""Model-based search of several objectives: a model of each, and what is expected to improve the front."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from nas_agents.agent import Session
from nas_agents.model_based.features import Features, Matrix
from nas_agents.model_based.known_costs import KnownCosts
from nas_agents.model_based.planning import simulate
from nas_agents.model_based.reward_model import (
    Beliefs,
    EveryArchitecture,
    RewardModel,
    expected_improvement,
    floor_of,
)
from nas_gym.envs import Objectives, nondominated
from nas_gym.evaluators import Evaluator
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    from nas_agents.model_based.agent import ModelBased

ACQUISITIONS = ("ehvi", "parego")
DRAWS = 48
RHO = 0.05
BATCH = 2048
SURE = 1e-9
"""The deviation of what is known, above 0 since improvements divide by it."""
Believed = Sequence[Beliefs]


class FrontSearch:
    """A search for the front of several objectives: what costs are is known, the rest is learned.

    Parameters, FLOPs and the latency of a device that a table has are known of every network without
    training it, and are taken as they are; of every other objective a Gaussian process is learned. Known
    costs are also features of that model, since what a network can score depends on its size. Networks that
    compute the same share the other features (`ModelBased.by_class`), but each has its own costs: a cheaper
    equivalent is a better network.

    After uniform designs, each evaluation is of the network whose improvement of the front is expected to be
    largest: by hypervolume, or of a Chebyshev scalarisation. A model can be sure and wrong of a part of the
    space, and then never looks there again; so every `near`-th evaluation is of a network one edit from one
    of the front, both drawn uniformly, whatever the model expects.

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
        assert session.objectives is not None
        count = len(session.objectives)
        self._costs = [each.is_cost for each in session.objectives]
        self._models: _Models = _Listed(agent, session) if listed else _Simulated(agent, session)
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
        for column, model in self._models.each.items():
            # Poor scores hide what good ones differ by, and a cheap network that learns nothing would stretch
            # the front; high costs are as regular as low ones.
            model.floor = -np.inf if self._costs[column] else floor_of(self._gains()[:, column])
            model.tell(asked, gains[:, column].tolist())

    def _next(self) -> Architecture:
        if self._agent.near and len(self._known) % self._agent.near == 0:
            around = self._around()
            if around is not None:
                return around
        found = self._models.anywhere(self._judge(), self._known, self._front())
        return self._uniform(1)[0] if found is None else found

    def _judge(self) -> Judge:
        """Return what is expected of beliefs; learned objectives are in the units of the models' targets."""
        points = self._gains()
        for column, model in self._models.each.items():
            points[:, column] = model.as_targets(points[:, column])  # clipped alike
        front = points[nondominated(points)]
        if self._by_volume:
            # The worst values seen are the reference: with one near the nadir of the front so far, what is
            # beyond its ends would count nothing.
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

    def _around(self) -> Architecture | None:
        """Return a neighbour not evaluated of a network of the front, both drawn; None if there is none."""
        rng, front = self._session.rng, self._front()
        for member in rng.permutation(len(front)):
            around = [each for each in self._space.neighbours(front[member]) if each not in self._known]
            if around:
                drawn: Architecture = around[int(rng.integers(len(around)))]
                return drawn
        return None

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
    """A model of each objective that is learned, by its number, and the networks that are considered."""

    each: dict[int, RewardModel]

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        """Return the most promising network that is not evaluated; None if none was met."""
        ...


class _Listed:
    """Models that consider all networks of the space."""

    def __init__(self, agent: ModelBased, session: Session) -> None:
        assert session.objectives is not None
        self._space = session.search_space
        found = _all(session.objectives, session.unwrapped.evaluator, agent.by_class)
        costs, features, matrix, self._certain = found
        learned = [n for n in range(len(session.objectives)) if n not in costs.columns]
        self.each = {number: agent.model(features) for number in learned}
        self._every = {number: EveryArchitecture(model, matrix) for number, model in self.each.items()}

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        learned = {number: every.beliefs() for number, every in self._every.items()}
        promise = judge(_in_order(self._certain | learned))
        promise[[self._space.index(each) for each in known]] = -np.inf
        found: Architecture = self._space.architecture(int(np.argmax(promise)))
        return found


@lru_cache(maxsize=2)
def _all(
    objectives: Objectives, evaluator: Evaluator, by_class: bool
) -> tuple[KnownCosts, Features, Matrix, dict[int, Beliefs]]:
    """Return costs and features of every network, and what is known of each; once in a process."""
    every = list(evaluator.search_space)
    costs = KnownCosts(objectives, evaluator, every)
    features = Features(evaluator.search_space, costs.features, len(costs.columns), by_class=by_class)
    return costs, features, features.matrix(every), _certain(costs, every)


class _Simulated:
    """Models that consider the networks which simulated walks from the front meet."""

    def __init__(self, agent: ModelBased, session: Session) -> None:
        assert session.objectives is not None
        self._agent, self._space, self._rng = agent, session.search_space, session.rng
        self._costs = KnownCosts(session.objectives, session.unwrapped.evaluator)
        count = len(self._costs.columns)
        features = Features(self._space, self._costs.features, count, by_class=agent.by_class)
        learned = [n for n in range(len(session.objectives)) if n not in self._costs.columns]
        self.each = {number: agent.model(features) for number in learned}

    def anywhere(
        self, judge: Judge, known: dict[Architecture, np.ndarray], front: list[Architecture]
    ) -> Architecture | None:
        agent, starts = self._agent, list(front)
        if len(starts) > agent.starts:
            starts = [starts[n] for n in self._rng.choice(len(starts), agent.starts, replace=False)]
        starts += [self._space.sample(self._rng) for _ in range(agent.starts)]
        met = simulate(
            self._space, starts, lambda each: judge(self._beliefs(each)), agent.steps, agent.edits, self._rng
        )
        return max((each for each in met if each not in known), key=met.__getitem__, default=None)

    def _beliefs(self, architectures: Sequence[Architecture]) -> Believed:
        learned = {number: model.beliefs(architectures) for number, model in self.each.items()}
        return _in_order(_certain(self._costs, architectures) | learned)


def _certain(costs: KnownCosts, architectures: Sequence[Architecture]) -> dict[int, Beliefs]:
    """Return what is known of networks as beliefs without doubt, by the number of the objective."""
    sure = np.full(len(architectures), SURE)
    return {
        number: (values, sure)
        for number, values in zip(costs.columns, costs.gains(architectures).T, strict=True)
    }


def _in_order(beliefs: dict[int, Beliefs]) -> Believed:
    return [beliefs[number] for number in sorted(beliefs)]
