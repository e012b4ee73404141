"""Latencies that were measured on another device and imported with a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import DataError
from nas_gym.evaluators.latency.base import Latency
from nas_gym.search_spaces import Architecture
from nas_gym.tables import Table, device_of


class ImportedLatency(Latency):
    """The latencies of a table's networks on a device, see `nas_gym.tables.import_latencies`.

    Args:
        table: table of the networks.
        device: name of the device.
        fingerprint: what the numbers have to be, as a run recorded it; None for any.

    Raises:
        NASGymError: if there are none of that device, or others than those of the run.
    """

    bounded = True
    free = True

    def __init__(self, table: Table, device: str, fingerprint: str | None = None) -> None:
        self._space, self._latencies = table.search_space, device_of(table, device)
        if fingerprint not in (None, self._latencies.fingerprint):
            raise DataError(
                f"the latencies of the table {table.name!r} on {device!r} are not those that the run "
                "was made with: import the same file again"
            )
        self.scale = float(self._latencies.milliseconds.max())

    def of(self, architectures: Sequence[Architecture]) -> list[float]:
        indices = [self._space.index(architecture) for architecture in architectures]
        found: list[float] = self._latencies.milliseconds[indices].tolist()
        return found

    def config(self) -> dict[str, Any]:
        return {"device": self._latencies.device, "fingerprint": self._latencies.fingerprint}
