"""Several models of rewards that are told the same, each of which compares architectures by other features."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nas_agents.model_based.features import Features, Matrix
from nas_agents.model_based.reward_model import Beliefs, EveryArchitecture, RewardModel
from nas_gym.search_spaces import Architecture

Opinions = list[Beliefs]
"""The beliefs of each model."""


class Committee:
    """Models of rewards, whose expected improvements are averaged.

    One model can be sure and wrong. Where its members disagree an average is less sure than each of them, and
    what one of them promises is looked at.

    Args:
        members: the models.

    Attributes:
        members: the models, told the same.
    """

    def __init__(self, members: Sequence[RewardModel]) -> None:
        self.members = list(members)

    @property
    def features(self) -> Features:
        """The features that members compare architectures by."""
        return self.members[0].features

    @property
    def targets(self) -> np.ndarray:
        """The clipped and standardised rewards that are remembered."""
        return self.members[0].targets

    def tell(
        self, architectures: Sequence[Architecture], rewards: Sequence[float], short: float = 0.0
    ) -> None:
        """Tell every member, see `RewardModel.tell`."""
        for member in self.members:
            member.tell(architectures, rewards, short)

    def suppose(self, architecture: Architecture) -> None:
        """Let every member suppose its own expectation, see `RewardModel.suppose`."""
        for member in self.members:
            member.suppose(architecture)

    def opinions(self, architectures: Sequence[Architecture]) -> Opinions:
        """Return what each member believes of some architectures."""
        return [member.beliefs(architectures) for member in self.members]

    def expected_improvement(self, opinions: Opinions) -> np.ndarray:
        """Return the mean of the improvements that members expect, see `RewardModel.expected_improvement`."""
        pairs = zip(self.members, opinions, strict=True)
        return np.asarray(np.mean([member.expected_improvement(own) for member, own in pairs], axis=0))

    def expect(self, opinions: Opinions) -> np.ndarray:
        """Return the mean of the scores that members expect."""
        return self.members[0].score(np.mean([mean for mean, _ in opinions], axis=0))


class EveryClass:
    """Opinions of all classes of a space that is small enough to list, see `EveryArchitecture`.

    Args:
        committee: models that hold the beliefs.
        matrix: features of the classes.
    """

    def __init__(self, committee: Committee, matrix: Matrix) -> None:
        self._lists = [EveryArchitecture(member, matrix) for member in committee.members]

    def opinions(self) -> Opinions:
        """Return what each member believes of all classes, by number."""
        return [each.beliefs() for each in self._lists]


Make = Callable[[Features], Committee]
"""Makes models that know nothing yet."""
