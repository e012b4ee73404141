"""What a source of latencies is: milliseconds of a forward pass, for any architecture of a space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from nas_gym.search_spaces import Architecture

LATENCY = "latency"
"""The name of the metric of an evaluation, in milliseconds."""


class Latency(ABC):
    """A source of latencies.

    Attributes:
        scale: the latency in milliseconds that costs are compared with, see `Objective.bound` in
            `nas_gym.envs`: of a table its highest, of a measurement 1.
        bounded: whether no latency is above `scale`.
        free: whether asking costs nothing, as of a table.
        about: how the latencies were obtained and how far they can be trusted, in words; "" for nothing
            to say.
    """

    scale: float = 1.0
    bounded: bool = False
    free: bool = False
    about: str = ""

    @abstractmethod
    def of(self, architectures: Sequence[Architecture]) -> list[float]:
        """Return the milliseconds of each architecture, in order."""

    @abstractmethod
    def config(self) -> str | dict[str, Any]:
        """Return the JSON-able name or options that it is made from."""
