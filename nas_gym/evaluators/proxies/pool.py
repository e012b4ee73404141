"""The values of many networks by several proxies: what they share is computed once, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.evaluators.proxies.az_nas import AGGREGATE, az_nas_ranks
from nas_gym.evaluators.proxies.base import Measured, Proxy, measured
from nas_gym.evaluators.proxies.probe import Examples, Probe
from nas_gym.evaluators.proxies.probe_chunks import ProbeChunk, chunks_of_probes
from nas_gym.evaluators.proxies.registry import check_task, views_of
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Task
from nas_gym.training import apart, resolve_device

BATCH = 64
PART = 512
"""Networks whose probes are there at a time, which bounds memory."""


@dataclass(frozen=True)
class PoolValues:
    """The values of the networks of a pool.

    Attributes:
        values: by proxy, float64 (networks,), minus infinity where a network has none.
        reasons: by proxy why networks have none, "" elsewhere.
    """

    values: dict[str, np.ndarray]
    reasons: dict[str, list[str]]


class ProxyMeter:
    """Measures networks of a search space by proxies.

    Args:
        search_space: the space.
        task: where the batches come from.
        device: torch device; one device computes.
        batch: examples of a batch.
    """

    def __init__(
        self, search_space: SearchSpace[Any], task: Task, device: str = "auto", *, batch: int = BATCH
    ) -> None:
        self._space, self._task, self._batch = search_space, task, batch
        self._device = resolve_device(device)
        self._examples: dict[int, Examples] = {}

    def check(self, names: Sequence[str]) -> None:
        """Check that there are such proxies and that the task has what they read.

        Raises:
            NASGymError: if not.
        """
        for name in names:
            for proxy in views_of(name):
                check_task(proxy, self._task)

    @apart
    def measure(self, architecture: Architecture, names: Sequence[str], seed: int) -> dict[str, Measured]:
        """Return the value of one network by proxies, by name, without those of `POOL_PROXIES`."""
        probe = self._probe(architecture, seed)
        return {proxy.name: measured(proxy, probe) for proxy in _views(names)}

    def pool(
        self,
        architectures: Sequence[Architecture],
        names: Sequence[str],
        seed: int,
        progress: Callable[[int], None] | None = None,
    ) -> PoolValues:
        """Return the values of a pool by proxies, those of `POOL_PROXIES` among them.

        Args:
            architectures: the pool.
            names: names of proxies.
            seed: seed of weights and batches.
            progress: told how many networks are measured.
        """
        self.check(names)
        found: list[dict[str, Measured]] = []
        for start in range(0, len(architectures), PART):

            def tell(measured: int, before: int = start) -> None:
                if progress is not None:
                    progress(before + measured)

            found += self._measure_part(architectures[start : start + PART], names, seed, tell)
        single = dict.fromkeys(view.name for name in names for view in views_of(name))
        values = {name: np.array([each[name].value for each in found]) for name in single}
        reasons = {name: [each[name].reason for each in found] for name in single}
        if AGGREGATE in names:
            values[AGGREGATE] = az_nas_ranks(values)
            reasons[AGGREGATE] = reasons["az_expressivity"]
        return PoolValues({name: values[name] for name in names}, {name: reasons[name] for name in names})

    def _measure_part(
        self,
        architectures: Sequence[Architecture],
        names: Sequence[str],
        seed: int,
        tell: Callable[[int], None],
    ) -> list[dict[str, Measured]]:
        """Return the values of a part of a pool."""
        proxies = _views(names)
        probes = [self._probe(architecture, seed) for architecture in architectures]
        found: dict[Probe, dict[str, Measured]] = {}
        for chunk in chunks_of_probes(probes, {each for proxy in proxies for each in proxy.reads}):
            found |= zip(chunk.probes, self._measure_chunk(chunk, proxies), strict=True)
            tell(len(found))
        return [found[probe] for probe in probes]

    @apart
    def _measure_chunk(self, chunk: ProbeChunk, proxies: Sequence[Proxy]) -> list[dict[str, Measured]]:
        chunk.read()
        found = []
        for probe in chunk.probes:
            found.append({proxy.name: measured(proxy, probe) for proxy in proxies})
            probe.forget()
        return found

    def _probe(self, architecture: Architecture, seed: int) -> Probe:
        return Probe(self._space.network(architecture), seed, self._batches(seed), self._device)

    def _batches(self, seed: int) -> Examples:
        if seed not in self._examples:
            self._examples[seed] = Examples.drawn(self._task, seed, self._batch, self._device)
        return self._examples[seed]


def _views(names: Sequence[str]) -> list[Proxy]:
    return [view for name in names for view in views_of(name)]


def best_of_pool(
    meter: ProxyMeter, architectures: Sequence[Architecture], name: str, seeds: Sequence[int]
) -> list[Architecture]:
    """Return the networks of a pool, the best by a proxy first, averaged over seeds; ties stay in order.

    Raises:
        NASGymError: if the proxy gives none of them a value.
    """
    values = np.mean([meter.pool(architectures, [name], seed).values[name] for seed in seeds], axis=0)
    if np.isneginf(values).all():
        raise ConfigError(
            f"the proxy {name!r} has a value for none of {len(values):,} networks: take another"
        )
    return [architectures[place] for place in np.argsort(-values, kind="stable")]
