"""What a proxy is: a number of a network with fresh weights, higher is better."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

if TYPE_CHECKING:
    from nas_gym.evaluators.proxies.probe import Probe

Needs = Literal["network", "weights", "examples", "labels", "classes"]
Reads = Literal[
    "codes", "layer_results", "gradients", "layer_gradients", "second_gradients", "input_gradients"
]
"""Attributes of a `Probe` that can be computed for many networks side by side."""
NO_PATH = "no path leads from its input to its output"
NOT_FINITE = "its value is not a finite number"


class NoValueError(Exception):
    """Why a network has no value; it then counts as minus infinity."""


class Proxy(ABC):
    """A number that ranks networks which were not trained. Its sign is fixed: it is never fitted to scores.

    Attributes:
        name: its name in `PROXIES`.
        needs: what it reads: the ``"network"`` alone, also ``"weights"``, also ``"examples"``, also what is
            to be predicted for them (``"labels"``), or ``"classes"`` in particular.
        reads: what of a probe it reads that can be computed for many networks side by side.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs]
    reads: ClassVar[tuple[Reads, ...]] = ()

    @abstractmethod
    def value(self, probe: Probe) -> float:
        """Return the number of a network.

        Raises:
            NoValueError: if it has none, saying why.
        """


@dataclass(frozen=True, slots=True)
class Measured:
    """The value of a network by a proxy.

    Attributes:
        value: minus infinity where there is none.
        reason: why there is none, "" elsewhere.
    """

    value: float
    reason: str = ""


def measured(proxy: Proxy, probe: Probe) -> Measured:
    """Return the value of a network by a proxy.

    Those by size (parameters, operations) count what is there, whether or not a path leads through it, as
    published tables do; all others are minus infinity without a path.
    """
    if proxy.needs != "network" and not probe.live:
        return Measured(-math.inf, NO_PATH)
    try:
        value = float(proxy.value(probe))
    except NoValueError as none:
        return Measured(-math.inf, str(none))
    return Measured(value) if math.isfinite(value) else Measured(-math.inf, NOT_FINITE)


def unit(value: float) -> float:
    """Return a value as a score in [0, 1], the same for every proxy: strictly increasing, 0.5 at 0.

    It is (1 + u / (1 + |u|)) / 2 with u = asinh(value), so that values of very different sizes differ still.
    """
    if value == -math.inf:
        return 0.0
    u = float(np.arcsinh(value))
    return (1 + u / (1 + abs(u))) / 2
