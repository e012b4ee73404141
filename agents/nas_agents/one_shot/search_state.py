"""The state of a search by gradients: how it is kept, taken up again and set back."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from nas_agents.one_shot.diagnosis import Diagnosis
    from nas_gym.training import MixtureTraining

INITIAL_SPREAD = 1e-3
LARGEST_DECAY = 0.0243
"""81 times the published 3e-4 (Zela et al. 2020, section 5)."""


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
class SearchState:
    """Shared weights, alpha with its moments, and the diagnosis that watches them.

    Attributes:
        net: the shared weights.
        alpha: the logits.
        optimizer: of alpha.
        watch: the diagnosis; None without.
        remembered: weights, alpha and moments at the last sound reading, and its course; None for nothing.
    """

    net: MixtureTraining
    alpha: Alpha
    optimizer: torch.optim.Optimizer
    watch: Diagnosis | None = None
    remembered: dict[str, Any] | None = None

    def go_back_if_warned(self, watch: Diagnosis) -> None:
        """Remember a state that is sound; where it is warned of, treble the weight decay and go back to that.

        What was spent stays spent. At the highest weight decay the search goes on as it is.
        """
        if watch.sound:
            now = self.net.weights_state() | self._alpha_state() | {"course": watch.course()}
            self.remembered = deepcopy(now)
        elif watch.readings[-1].warning and self.net.weight_decay < LARGEST_DECAY:
            self.net.weight_decay = min(LARGEST_DECAY, 3 * self.net.weight_decay)
            if self.remembered is not None:
                self.net.set_weights(self.remembered)
                self._set_alpha(self.remembered)
                watch.go_back(self.remembered["course"])

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on."""
        return self._alpha_state() | {
            "net": self.net.state(),
            "watch": {} if self.watch is None else self.watch.state(),
            "remembered": self.remembered or {},
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.net.take_up(state["net"])
        self._set_alpha(state)
        if self.watch is not None:
            self.watch.take_up(state["watch"])
        self.remembered = dict(state["remembered"]) or None

    def _alpha_state(self) -> dict[str, Any]:
        return {"alpha": self.alpha.flat.detach().cpu(), "moments": self.optimizer.state_dict()["state"]}

    def _set_alpha(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.alpha.flat.copy_(state["alpha"])
        # Adam takes tensors as they are, and would change what is remembered.
        moments = deepcopy(dict(state["moments"]))
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
