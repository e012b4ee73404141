"""Where plans lead: what is most promising on a model of rewards, in a space that is listed or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nas_agents.agent import Session
from nas_agents.model_based.features import Features, Matrix
from nas_agents.model_based.planning import simulate
from nas_agents.model_based.proxy_features import ProxyScores, scores_of
from nas_agents.model_based.reward_model import EveryArchitecture, RewardModel
from nas_agents.model_based.seconds import Seconds
from nas_agents.model_based.trainings import Rewards, Trainings
from nas_gym.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    from nas_agents.model_based.agent import ModelBased

DRAWS_OF_CLASSES = 100
"""Draws that may be of classes known before one is taken as it is: there may be no other class."""


class Planner(Protocol):
    """A planner on a model of rewards."""

    model: RewardModel

    def promise(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the expected improvement of each architecture over the best reward seen."""
        ...

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the score that the model expects of each architecture."""
        ...

    def anywhere(self, evaluated: Rewards, pending: Collection[Architecture] = ()) -> Architecture | None:
        """Return the most promising architecture that is neither, None if plans met no such one.

        One that computes the same as one of those is returned only where nothing else is left.
        """
        ...

    def twins(self, architecture: Architecture) -> list[Architecture]:
        """Return architectures that compute the same as one, as far as they are at hand."""
        ...


class ListedPlanner:
    """A planner that considers all classes of the space."""

    def __init__(self, agent: ModelBased, trainings: Trainings, session: Session) -> None:
        proxies = scores_of(session, agent.proxies) if agent.proxies else None
        self._list = classes_of(session.search_space, proxies, flags_of(agent))
        self._rng, self._trainings = session.rng, trainings
        self.model = agent.model(self._list.features)
        self._every = EveryArchitecture(self.model, self._list.matrix)
        self._seconds = Seconds(self.model.features, trainings, agent.thrift)

    def promise(self, architectures: Sequence[Architecture]) -> np.ndarray:
        promise = self._promises()[self._list.numbers(architectures)]
        return np.asarray(promise / self._trainings.costs(architectures))

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.model.score(self._every.beliefs()[0][self._list.numbers(architectures)])

    def anywhere(self, evaluated: Rewards, pending: Collection[Architecture] = ()) -> Architecture | None:
        known = {*evaluated, *pending}
        promise, members = self._promises().astype(np.float64), self._list.members
        begun = list(self._trainings.short)
        promise[self._list.numbers(begun)] /= self._trainings.costs(begun)
        left = np.bincount(self._list.numbers(known), minlength=len(members))
        sizes = np.array([len(each) for each in members])
        promise[left > 0] -= promise.max() + 1.0  # after all others
        promise[left >= sizes] = -np.inf
        best = int(np.argmax(promise))
        if promise[best] == -np.inf:
            return None
        space = self._list.space
        free = [each for each in map(space.architecture, members[best]) if each not in known]
        begun = [each for each in free if each in self._trainings.short]
        free = begun or free
        found: Architecture = free[int(self._rng.integers(len(free)))]
        return found

    def twins(self, architecture: Architecture) -> list[Architecture]:
        (number,) = self._list.numbers([architecture])
        every = map(self._list.space.architecture, self._list.members[number])
        return [each for each in every if each != architecture]

    def _promises(self) -> np.ndarray:
        promise = self.model.expected_improvement(self._every.beliefs())
        return np.asarray(promise / self._seconds.divisors(self._list.matrix))


class SimulatedPlanner:
    """A planner that considers the architectures which simulated walks meet."""

    def __init__(self, agent: ModelBased, trainings: Trainings, session: Session) -> None:
        self._agent, self._space, self._rng = agent, session.search_space, session.rng
        self._trainings = trainings
        proxies = scores_of(session, agent.proxies) if agent.proxies else None
        self.model = agent.model(features_of(self._space, proxies, flags_of(agent)))
        self._seconds = Seconds(self.model.features, trainings, agent.thrift)

    def promise(self, architectures: Sequence[Architecture]) -> np.ndarray:
        promise = self.model.expected_improvement(self.model.beliefs(architectures))
        promise = promise / self._seconds.divisors(self.model.features.matrix(architectures))
        return np.asarray(promise / self._trainings.costs(architectures))

    def expect(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.model.score(self.model.beliefs(architectures)[0])

    def anywhere(self, evaluated: Rewards, pending: Collection[Architecture] = ()) -> Architecture | None:
        agent, known = self._agent, {*evaluated, *pending}
        starts = best_first(evaluated)[: agent.starts]
        starts += [self._space.sample(self._rng) for _ in range(agent.starts)]
        met = simulate(self._space, starts, self.promise, agent.steps, agent.edits, self._rng)
        fresh = [each for each in met if each not in known]
        labels = {self.model.features.label(each) for each in known}
        other = [each for each in fresh if self.model.features.label(each) not in labels]
        return max(other or fresh, key=met.__getitem__, default=None)

    def twins(self, architecture: Architecture) -> list[Architecture]:
        label = self.model.features.label
        own = label(architecture)
        return [each for each in self._space.neighbours(architecture) if label(each) == own]


class ClassList:
    """The classes of equivalent architectures of a space, by number.

    Attributes:
        space: the space.
        features: features of its architectures.
        matrix: those of classes, which members share, rows by number.
        members: indices of the architectures of each class.
    """

    def __init__(self, space: SearchSpace[Any], features: Features) -> None:
        self.space, self.features = space, features
        every = list(space)
        numbers: dict[str, int] = {}
        of_index = [numbers.setdefault(features.label(each), len(numbers)) for each in every]
        self._of_index = np.array(of_index, dtype=np.int64)
        self.members: list[list[int]] = [[] for _ in numbers]
        for index, number in enumerate(of_index):
            self.members[number].append(index)
        matrix: Any = features.matrix(every)
        self.matrix: Matrix = matrix[[each[0] for each in self.members]]

    def numbers(self, architectures: Iterable[Architecture]) -> np.ndarray:
        """Return the numbers of the classes of architectures, int64 (architectures,)."""
        found = [self.space.index(architecture) for architecture in architectures]
        return np.asarray(self._of_index[np.array(found, dtype=np.int64)])


@lru_cache(maxsize=3)
def classes_of(
    space: SearchSpace[Any], proxies: ProxyScores | None, options: tuple[tuple[str, bool], ...]
) -> ClassList:
    """Return the classes of a space with their features; computed once in a process."""
    return ClassList(space, features_of(space, proxies, options))


def best_first(rewards: Rewards) -> list[Architecture]:
    """Return evaluated architectures, the best first."""
    return sorted(rewards, key=rewards.__getitem__, reverse=True)


def around_the_best(
    planner: Planner, space: SearchSpace[Any], rewards: Rewards, pending: Collection[Architecture] = ()
) -> list[Architecture]:
    """Return neighbours of the best architecture that has such of classes that are not known yet."""
    known = {*rewards, *pending}
    labels = {planner.model.features.label(each) for each in known}
    for best in best_first(rewards):
        around = [each for each in space.neighbours(best) if planner.model.features.label(each) not in labels]
        if around:
            return around
    return []


def paid_for(
    planner: Planner, planned: Architecture, full: Rewards, known: Collection[Architecture]
) -> Architecture:
    """Return what was planned, or an equivalent that was evaluated for an earlier model, which is free."""
    label = planner.model.features.label
    own = label(planned)
    if planned in full:
        return planned
    return next((each for each in full if each not in known and label(each) == own), planned)


def fresh_designs(
    session: Session, features: Features, count: int, known: Iterable[Architecture]
) -> list[Architecture]:
    """Return architectures other than the known ones, drawn uniformly, of as many other classes as there are.

    Args:
        session: the search, whose generator draws.
        features: says which architectures are equivalent.
        count: how many; at most as many as are left.
        known: architectures that are not drawn.
    """
    drawn = set(known)
    labels = {features.label(each) for each in drawn}
    found: list[Architecture] = []
    in_vain = 0
    while len(found) < count:
        architecture = session.search_space.sample(session.rng)
        if architecture in drawn:
            continue
        label = features.label(architecture)
        in_vain += 1
        if label in labels and in_vain < DRAWS_OF_CLASSES:
            continue
        in_vain = 0
        drawn.add(architecture)
        labels.add(label)
        found.append(architecture)
    return found


def flags_of(agent: ModelBased) -> tuple[tuple[str, bool], ...]:
    """Return what features there are to be, by the names of `Features`."""
    return ("by_class", agent.by_class), ("pieces", agent.pieces), ("short", agent.short is not None)


def features_of(
    space: SearchSpace[Any], proxies: ProxyScores | None, options: tuple[tuple[str, bool], ...]
) -> Features:
    """Return the features that a model compares, with proxies where there are some.

    Args:
        space: the search space.
        proxies: scores by proxies; None for none.
        options: as `flags_of` gives them.
    """
    return Features(space, proxies, 0 if proxies is None else len(proxies.names), **dict(options))
