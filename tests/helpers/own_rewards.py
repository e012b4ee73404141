"""Rewards as users write them, importable by name."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from nas_gym.envs.rewards import Score


def margin(before, after, done):
    return after - 0.5


def scaled(before, after, done, factor=1.0, *, offset=0.0):
    return factor * after + offset


def any_number(*arguments):
    return arguments[1]


class Margin:
    """As in docs/own_parts.md."""

    needs_before = False
    episodic = False

    def __call__(self, before, after, done):
        return after - 0.5


class Above:
    """Attributes by the names of the arguments, none of those that a reward may have."""

    def __init__(self, threshold, factor=2.0):
        self.threshold, self.factor = threshold, factor

    def __call__(self, before, after, done):
        return self.factor * (after - self.threshold)


@dataclass
class Gain:
    weight: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)
    notes: list[str] = field(default_factory=list)

    def __call__(self, before, after, done):
        return self.weight * (after - before)


class Slotted:
    __slots__ = ("weight",)

    def __init__(self, weight=1.0):
        self.weight = weight

    def __call__(self, before, after, done):
        return self.weight * after


class Renamed:
    """Keeps its argument under another name, but says how it is built."""

    def __init__(self, weight):
        self._w = weight

    def __call__(self, before, after, done):
        return self._w * after

    def config(self):
        return {"name": "tests.helpers.own_rewards:Renamed", "weight": self._w}


class Hidden:
    """Keeps its argument under another name and does not say so."""

    def __init__(self, weight):
        self._w = weight

    def __call__(self, before, after, done):
        return self._w * after


class Sharp(Score):
    """A subclass of a reward of the package, whose config would name that."""

    def __call__(self, before, after, done):
        return super().__call__(before, after, done) ** 2


class AtTheEnd:
    needs_before = True
    episodic = True

    def __call__(self, before, after, done):
        return after - before if done else 0.0


class Counting:
    def __init__(self):
        self.calls = 0

    def __call__(self, before, after, done):
        self.calls += 1
        return after


def made(power=1):
    """A function that returns a reward."""
    return lambda before, after, done: after**power


ABOVE = Above(0.25)
HALF = functools.partial(scaled, factor=0.5)
MARGINS = Margin
NO_REWARD = 3


class Small:
    """Accuracy less a price of each parameter."""

    sees = "evaluations"
    needs_before = False

    def __init__(self, price=0.25):
        self.price = price

    def __call__(self, before, after, done):
        return after.score - self.price * after.parameters / 1000


class Smaller(Small):
    """The gain of that, with a batch form."""

    needs_before = True

    def __call__(self, before, after, done):
        return super().__call__(None, after, done) - super().__call__(None, before, done)

    def batch(self, before, after, done):
        return np.array([self(*step) for step in zip(before, after, done, strict=True)])


class SmallAtTheEnd(Small):
    episodic = True
