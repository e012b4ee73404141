"""Proxies as features of the reward model, which learns from rewards which count and in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtri

from nas_agents.agent import Session
from nas_agents.warm_start import data_of
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Task

DRAWN = 200
"""Networks among which a value has its place."""


class ProxyScores:
    """The normal scores of networks by proxies: quantiles of the normal distribution at their places.

    A place is that among `DRAWN` networks of the space, so that the scores have mean 0 and variance 1 over
    the space, whatever the values are, and one without a value has the lowest.

    Args:
        space: search space.
        task: the data that proxies read.
        names: names of proxies.

    Raises:
        NASGymError: if there is no such proxy, or the task lacks what it reads.
    """

    def __init__(self, space: SearchSpace[Any], task: Task, names: Sequence[str]) -> None:
        from nas_gym.evaluators import POOL_PROXIES, PROXIES, ProxyMeter

        for name in names:
            if name in POOL_PROXIES:
                raise ConfigError(
                    f"{name} ranks a pool and is not a feature of a network: take {', '.join(PROXIES)}"
                )
        self._meter, self.names = ProxyMeter(space, task, "cpu"), tuple(names)
        self._meter.check(names)
        self._rows: dict[Architecture, list[float]] = {}
        rng = np.random.default_rng(0)
        self._reference = np.sort(self._values([space.sample(rng) for _ in range(DRAWN)]), axis=0)

    def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the scores of architectures, float64 (architectures, proxies)."""
        values = self._values(architectures)
        columns = []
        for known, column in zip(self._reference.T, values.T, strict=True):
            below, up_to = (np.searchsorted(known, column, side=side) for side in ("left", "right"))
            columns.append(ndtri(((below + up_to) / 2 + 0.5) / (DRAWN + 1)))
        return np.array(columns, dtype=np.float64).T.reshape(len(architectures), len(self.names))

    def _values(self, architectures: Sequence[Architecture]) -> np.ndarray:
        fresh = list(dict.fromkeys(each for each in architectures if each not in self._rows))
        if fresh:
            found = self._meter.pool(fresh, self.names, 0).values
            rows = np.array([found[name] for name in self.names]).T.tolist()
            self._rows.update(zip(fresh, rows, strict=True))
        return np.array([self._rows[each] for each in architectures]).reshape(-1, len(self.names))


def scores_of(session: Session, names: Sequence[str]) -> ProxyScores:
    """Return the scores by proxies in the space of a search; measured once in a process."""
    return _scores(session.search_space, data_of(session), tuple(names))


@lru_cache(maxsize=2)
def _scores(space: SearchSpace[Any], task: Task, names: tuple[str, ...]) -> ProxyScores:
    return ProxyScores(space, task, names)
