"""What a search by gradients moves, and how it is kept, taken up again and set back."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from nas_agents.one_shot.diagnosis import Diagnosis, Reading
    from nas_gym.training import MixtureTraining

INITIAL_SPREAD = 1e-3
LARGEST_DECAY = 243e-4


class Alpha:
    """The logits of the candidates of each variable, in one flat tensor.

    Args:
        counts: the number of candidates of each variable.
        rng: generator of the first values, normal with standard deviation .001.
        device: where they are.

    Attributes:
        flat: float32 (candidates of all variables,), which gradients flow to.
    """

    def __init__(self, counts: Mapping[str, int], rng: np.random.Generator, device: torch.device) -> None:
        self._counts = dict(counts)
        first = INITIAL_SPREAD * rng.standard_normal(sum(counts.values()))
        self.flat = torch.tensor(first, dtype=torch.float32, device=device, requires_grad=True)

    def rows(self, flat: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits of each variable, (choices,), of these values or of others."""
        parts = (self.flat if flat is None else flat).split(list(self._counts.values()))
        return dict(zip(self._counts, parts, strict=True))


@dataclass
class Moved:
    """Shared weights, alpha with its moments, and who watches them.

    Attributes:
        net: the shared weights.
        alpha: the logits.
        optimizer: of alpha.
        watch: the diagnosis; None without.
        calm: weights, alpha and moments at the last reading that did not warn, where they are remembered.
    """

    net: MixtureTraining
    alpha: Alpha
    optimizer: torch.optim.Optimizer
    watch: Diagnosis | None = None
    calm: dict[str, Any] | None = None

    def answer(self, reading: Reading) -> None:
        """Remember what does not warn; else go back to that, with three times the weight decay of w.

        At the highest weight decay there is nothing to gain from going back, and the search goes on.
        """
        if not reading.warning:
            self.calm = deepcopy(self._numbers())
        elif self.net.weight_decay < LARGEST_DECAY:
            self.net.weight_decay = min(LARGEST_DECAY, 3 * self.net.weight_decay)
            if self.calm is not None:
                self._set(self.calm)

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return {
            "net": self.net.state(),
            "alpha": self.alpha.flat.detach().cpu(),
            "moments": self.optimizer.state_dict()["state"],
            "watch": {} if self.watch is None else self.watch.state(),
            "calm": self.calm or {},
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.net.take_up(state["net"])
        self._set_alpha(state["alpha"], state["moments"])
        if self.watch is not None:
            self.watch.take_up(state["watch"])
        self.calm = dict(state["calm"]) or None

    def _numbers(self) -> dict[str, Any]:
        """Return what a step moves."""
        return {
            "arrays": {name: array.detach() for name, array in self.net.supernet.arrays.items()},
            "momentum": dict(self.net.momentum),
            "alpha": self.alpha.flat.detach(),
            "moments": self.optimizer.state_dict()["state"],
        }

    @torch.no_grad()
    def _set(self, numbers: Mapping[str, Any]) -> None:
        """Set what a step moves; what was spent stays spent."""
        for mine, kept in (
            (self.net.supernet.arrays, numbers["arrays"]),
            (self.net.momentum, numbers["momentum"]),
        ):
            for name, array in kept.items():
                mine[name].copy_(array)
        self._set_alpha(numbers["alpha"], numbers["moments"])

    def _set_alpha(self, alpha: Tensor, moments: Mapping[int, Any]) -> None:
        with torch.no_grad():
            self.alpha.flat.copy_(alpha)
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": deepcopy(dict(moments))})
