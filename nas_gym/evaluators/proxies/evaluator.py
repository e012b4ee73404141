"""The evaluator by a proxy: scores of networks that were not trained."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nas_gym._checks import whole
from nas_gym.errors import ConfigError
from nas_gym.evaluators.alone import CheapEvaluator
from nas_gym.evaluators.evaluation import Evaluation, Request, mean
from nas_gym.evaluators.proxies.base import unit
from nas_gym.evaluators.proxies.pool import BATCH, ProxyMeter
from nas_gym.evaluators.proxies.registry import check_task, proxy_of
from nas_gym.evaluators.train import TrainEvaluator
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Task
from nas_gym.training import Recipe

PROXY_VERSION = 3
"""Raised when the values of a proxy change."""


class ProxyEvaluator(CheapEvaluator):
    """Scores networks by a proxy, without training them.

    ``metrics[proxy]`` is the value of the proxy, and the score, in [0, 1], a fixed increasing function of
    it (see `nas_gym.evaluators.proxies.base.unit`). Of several seeds, each of which gives other weights and
    another batch, values are averaged. A network without a value, such as one without a path from its input
    to its output, has failed. These scores are never mixed with those of trained networks; `test`, `fit`
    and `refit` train a network alone.

    Args:
        search_space: whose architectures it evaluates.
        task: the data.
        device: as of `TrainEvaluator`; one device computes.
        proxy: name of one of `PROXIES`.
        batch: examples of a batch.
        recipe: how a network is trained alone, as of `TrainEvaluator`.
        seeds: seeds that values are averaged over.
    """

    name = "proxy"
    trains = True
    storable = True

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        device: str = "auto",
        *,
        proxy: str,
        batch: int = BATCH,
        recipe: Recipe | Mapping[str, Any] | None = None,
        seeds: Sequence[int] | None = None,
    ) -> None:
        self.proxy = proxy_of(proxy)
        check_task(self.proxy, task)
        size = whole(batch)
        if size is None or size < 2:
            raise ConfigError(f"batch of a proxy must be a whole number of at least 2, not {batch!r}")
        self._alone = TrainEvaluator(search_space, task, device, recipe=recipe, seeds=seeds)
        self.search_space, self.task, self.seeds = search_space, task, self._alone.seeds
        self.engine, self.batch = self._alone.engine, size
        self._meter = ProxyMeter(search_space, task, device, batch=size)

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "proxy": self.proxy.name,
            "batch": self.batch,
            "recipe": self._alone.recipe.config(),
            "seeds": list(self.seeds),
        }

    @property
    def numerics(self) -> str | None:  # type: ignore[override]  # asks the device, so only when needed
        return self._alone.numerics

    def key(self, request: Request) -> dict[str, Any]:
        own = {"name": self.proxy.name, "batch": self.batch, "version": PROXY_VERSION}
        return self._alone.key(request) | {"proxy": own}

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        for position, request in enumerate(requests):
            if request.fidelity is not None:
                raise ConfigError("a proxy has one fidelity: leave it out")
            yield position, self._evaluated(request)

    def _evaluated(self, request: Request) -> Evaluation:
        name, start = self.proxy.name, time.perf_counter()
        found = self._meter.measure(request.architecture, [name], request.seed)[name]
        network = self.search_space.network(request.architecture)
        score = unit(found.value)
        return Evaluation(
            architecture=str(request.architecture),
            score=score,
            curve=() if found.reason else (score,),
            parameters=network.parameters,
            flops=network.flops,
            seconds=time.perf_counter() - start,
            status="failed" if found.reason else "ok",
            error=found.reason,
            seeds=(request.seed,),
            metrics={} if found.reason else {name: found.value},
        )

    def merged(self, evaluations: Sequence[Evaluation]) -> Evaluation:
        found = mean(evaluations)
        return found if found.failed else replace(found, score=unit(found.metrics[self.proxy.name]))
