"""An evaluator that adds latencies to the metrics of evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.evaluators.base import Evaluator, ForwardingEvaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.latency.base import LATENCY, Latency
from nas_gym.evaluators.latency.device import ImportedLatency
from nas_gym.evaluators.latency.kept import SUFFIX
from nas_gym.evaluators.latency.measured import HERE, HowMeasured, MeasuredLatency
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store


class LatencyEvaluator(ForwardingEvaluator):
    """An evaluator whose evaluations have ``metrics["latency"]``, in milliseconds.

    It stands in front of the store, so that no stored training depends on a latency.

    Args:
        inner: the evaluator behind it.
        latency: the source of the latencies.
    """

    latency: Latency

    def __init__(self, inner: Evaluator, latency: Latency) -> None:
        super().__init__(inner)
        self.latency = latency
        self.free = inner.free and latency.free

    @property
    def hits(self) -> int:  # type: ignore[override]  # counted by the store behind it
        return self._inner.hits

    def evaluate_architectures(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        return self._added(architectures, self._inner.evaluate_architectures(architectures, fidelity, drawn))

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """Evaluate a batch, and then have the latencies of all of it measured together."""
        found = dict(self._inner.stream(requests))
        positions = list(found)
        asked = [requests[position].architecture for position in positions]
        yield from zip(positions, self._added(asked, list(found.values())), strict=True)

    def final_evaluations(self, architectures: Sequence[Architecture]) -> list[Evaluation]:
        return self._added(architectures, self._inner.final_evaluations(architectures))

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        return self._inner.test(architecture, seeds)

    def scores(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self._inner.scores(architectures)

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> int:
        return self._inner.draw(architecture, rng)

    def opened_by(self, owner: object, *, built: bool) -> None:
        self._inner.opened_by(owner, built=built)

    def closed_by(self, owner: object) -> None:
        self._inner.closed_by(owner)

    def config(self) -> dict[str, Any]:
        return self._inner.config() | {LATENCY: self.latency.config()}

    def _added(
        self, architectures: Sequence[Architecture], evaluations: Sequence[Evaluation]
    ) -> list[Evaluation]:
        return [
            replace(evaluation, metrics={**evaluation.metrics, LATENCY: milliseconds})
            for evaluation, milliseconds in zip(evaluations, self.latency.of(architectures), strict=True)
        ]


def with_latency(
    evaluator: Evaluator, spec: str | Mapping[str, Any] | Latency, device: str, store: str | Path | Store
) -> LatencyEvaluator:
    """Return an evaluator whose evaluations have latencies.

    Args:
        evaluator: the evaluator.
        spec: ``"here"``, or options of `HowMeasured`, to measure on this machine; the name of a device,
            or a dict with it as ``"device"``, to look up in what was imported with the table.
        device: device of the environment, where a measured network runs.
        store: store of the environment, beside which measured latencies are kept.

    Raises:
        NASGymError: for anything else, or a device that there are no latencies of.
    """
    if isinstance(spec, Latency):
        return LatencyEvaluator(evaluator, spec)
    if not isinstance(spec, str | Mapping):
        raise ConfigError(f"latency must be 'here', the name of a device, or a dict of options, not {spec!r}")
    options: dict[str, Any] = dict(spec) if isinstance(spec, Mapping) else {}
    imported = spec if isinstance(spec, str) and spec != HERE else options.pop("device", None)
    if imported is None:
        how = HowMeasured.of(options)
        return LatencyEvaluator(
            evaluator, MeasuredLatency(evaluator.search_space, how, device, _beside(store))
        )
    if evaluator.table is None:
        raise ConfigError(
            f"latencies of the device {imported!r} are of a table, and the evaluator has none: pass "
            "'here' to measure on this machine"
        )
    return LatencyEvaluator(evaluator, ImportedLatency(evaluator.table, imported, options.get("fingerprint")))


def _beside(store: str | Path | Store) -> Path | None:
    """Return the file of latencies of a store, None of one in memory; of one elsewhere that of the user's."""
    from nas_gym.evaluators.store.database import address

    place = address(store) if isinstance(store, str | Path) else address(store.spec)
    if place.in_memory:
        return None
    if not place.is_sqlite:
        place = address("user")
    return Path(str(place.url.database) + SUFFIX)
