"""What a search has had trained, by the full recipe and shorter, and how the two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from nas_agents.agent import Session
from nas_gym.search_spaces import Architecture

Rewards = dict[Architecture, float]
FEWEST_PAIRS = 3
"""Networks trained both ways from which it is told how rewards of short trainings compare."""


class Trainings:
    """The trainings of a search.

    Args:
        session: the search.
        short: the part of the full recipe that a short training takes; None for no short trainings. Where
            the evaluator has no choice of epochs there are none either.

    Attributes:
        full: what networks were worth after the full recipe.
        short: what they were worth after a short training.
        epochs: epochs of a short training; None for none.
        distance: the logarithm of how many times as long the full recipe trains; 0 without short trainings.
        saved: the part of a full training that a short one of the same network saves.
        seconds: what a full training takes, by the shortest training of each network.
        counts_seconds: whether the budget is of seconds.
    """

    def __init__(self, session: Session, short: float | None) -> None:
        self._session = session
        self.full, self.short, self.seconds = Rewards(), Rewards(), Rewards()
        self.progress = session.progress
        self.counts_seconds = session.unwrapped.ledger.limits.seconds is not None
        fidelities = session.fidelities()
        self.epochs: int | None = None
        self.distance = self.saved = 0.0
        if short is not None and len(fidelities) > 1:
            self.epochs = min(fidelities[:-1], key=lambda epochs: abs(epochs - short * fidelities[-1]))
            self.distance = log(fidelities[-1] / self.epochs)
            self.saved = self.epochs / fidelities[-1] if session.unwrapped.evaluator.resumable else 0.0

    def fully(self, architectures: Sequence[Architecture]) -> Rewards:
        """Train architectures by the full recipe, and return what those are worth that were not before."""
        return self._trained([each for each in architectures if each not in self.full], None, self.full)

    def shortly(self, architectures: Sequence[Architecture]) -> Rewards:
        """Train architectures shortly, and return what those are worth that were not before."""
        fresh = [each for each in architectures if each not in self.short]
        return self._trained(fresh, self.epochs, self.short)

    def untried(self, architectures: Sequence[Architecture]) -> list[Architecture]:
        """Return those that are to be trained shortly before they are trained by the full recipe."""
        if self.epochs is None:
            return []
        return [each for each in architectures if each not in self.short and each not in self.full]

    def costs(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return what part of a full training is left of each, float64 (architectures,)."""
        return 1 - self.saved * np.array([each in self.short for each in architectures], dtype=np.float64)

    def _trained(self, fresh: list[Architecture], epochs: int | None, known: Rewards) -> Rewards:
        found = self._session.ask(fresh, epochs) if fresh else []
        rewards = {each: self._session.worth(one) for each, one in zip(fresh, found, strict=True)}
        known.update(rewards)
        times = 1.0 if epochs is None else float(np.exp(self.distance))
        for each, one in zip(fresh, found, strict=True):
            self.seconds.setdefault(each, times * one.seconds)
        return rewards


def as_if_full(
    architectures: Sequence[Architecture], rewards: np.ndarray, short: np.ndarray, floor: float
) -> np.ndarray:
    """Return rewards in which short trainings count what they let expect of full ones.

    Of the networks that were trained both ways, rewards after the short training are shifted and stretched
    to the mean and the spread of those after the full recipe. Poor ones are clipped before, as they are
    for the model.

    Args:
        architectures: what was trained; one that was trained both ways is there twice.
        rewards: rewards as they are, float64 (n,).
        short: whether each was short, bool (n,).
        floor: reward of the full recipe below which all count alike.
    """
    full = {each: rewards[number] for number, each in enumerate(architectures) if not short[number]}
    pairs = [
        (rewards[number], full[each])
        for number, each in enumerate(architectures)
        if short[number] and each in full and full[each] > floor
    ]
    if len(pairs) < FEWEST_PAIRS:
        return rewards
    before, after = np.array(pairs).T
    stretch = after.std() / before.std() if before.std() > 1e-12 else 1.0
    return np.where(short, after.mean() + stretch * (rewards - before.mean()), rewards)
