"""Rewards made of several objectives: one number for a network, by its score and what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np

from nas_gym._checks import listed, number
from nas_gym.envs.objectives.objective import (
    COSTS,
    SCORE,
    Objective,
    Objectives,
    above_0,
    make_objective,
    make_objectives,
)
from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators import Evaluation, Evaluator
from nas_gym.search_spaces import SearchSpace

FAILED = -1.0
"""The pay of a failed training under a constraint; what violates one is paid above it."""


class Scalarisation(ABC):
    """A reward on evaluations that pays for a network, whatever was there before.

    Args:
        objectives: what it is made of.
        episodic: whether only the last network of an episode is paid for.
    """

    name: ClassVar[str]
    needs_before: ClassVar[bool] = False
    sees: ClassVar[Literal["evaluations"]] = "evaluations"
    shape: ClassVar[tuple[int, ...]] = ()
    slope: float = 1.0

    def __init__(self, objectives: Objectives, episodic: bool) -> None:
        if not isinstance(episodic, bool | np.bool_):
            raise ConfigError(f"episodic of the reward {self.name!r} must be True or False, not {episodic!r}")
        self.objectives, self.episodic = objectives, bool(episodic)

    @abstractmethod
    def worth(self, evaluation: Evaluation) -> float:
        """Return what a network is worth; higher is better."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the options that it was built with, beside `episodic`."""

    def __call__(self, before: Any, after: Any, done: bool) -> float:
        return self.worth(after) if done or not self.episodic else 0.0

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Return the rewards of several steps, float64 (steps,)."""
        steps = zip(after.tolist(), done.tolist(), strict=True)
        return np.array([self(None, each, last) for each, last in steps], dtype=np.float64)

    def bound(self, space: SearchSpace[Any], evaluator: Evaluator) -> Self:
        """Return it with the scales of its objectives, see `Objective.bound`."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, objectives=self.objectives.bound(space, evaluator))
        return made

    def parts(self) -> dict[str, object]:
        """Return this reward."""
        return {"reward": self}

    def config(self) -> dict[str, Any]:
        """Return the keyword arguments that build this reward again, with its name."""
        episodic = {"episodic": True} if self.episodic else {}
        return {"name": self.name} | self.options() | episodic


class _Weighted(Scalarisation):
    """A scalarisation with a weight for each objective."""

    def __init__(self, *, objectives: Any, weights: Any, episodic: bool = False) -> None:
        super().__init__(make_objectives(objectives), episodic)
        given = [number(weight) for weight in listed(weights) or ()]
        if len(given) != len(self.objectives) or not all(w is not None and 0 <= w < np.inf for w in given):
            raise ConfigError(
                f"weights of the reward {self.name!r} must be {len(self.objectives)} numbers of at least 0, "
                f"one for each of {', '.join(self.objectives.names)}, not {weights!r}"
            )
        self.weights = tuple(float(weight) for weight in given if weight is not None)
        if not any(self.weights):
            raise ConfigError(f"one of the weights of the reward {self.name!r} must be above 0")
        self.slope = max(1.0, *self.weights)

    def options(self) -> dict[str, Any]:
        return {"objectives": self.objectives.config(), "weights": list(self.weights)}

    def _weighted(self, evaluation: Evaluation) -> list[tuple[float, float, bool]]:
        """Return weight, gain and whether it is a cost, of each objective."""
        pairs = zip(self.weights, self.objectives, strict=True)
        return [(weight, each.gain(evaluation), each.is_cost) for weight, each in pairs]


class Linear(_Weighted):
    """The weighted sum of the gains of objectives.

    It cannot lead to networks in a hollow of the front, whatever the weights.
    """

    name = "linear"

    def worth(self, evaluation: Evaluation) -> float:
        return sum(weight * gain for weight, gain, _ in self._weighted(evaluation))


class Chebyshev(_Weighted):
    """Minus the largest weighted distance to score 1 at no cost (augmented Chebyshev).

    With the right weights it leads to every network of the front, also in its hollows. `rho` times the
    sum of the weighted distances is added, so that of two networks with the same largest distance the
    one that is better otherwise is preferred (Knowles, "ParEGO", 2006, equation 2).
    """

    name = "chebyshev"

    def __init__(self, *, objectives: Any, weights: Any, rho: float = 0.05, episodic: bool = False) -> None:
        super().__init__(objectives=objectives, weights=weights, episodic=episodic)
        found = number(rho)
        if found is None or not 0 <= found < np.inf:
            raise ConfigError(f"rho of the reward 'chebyshev' must be a number of at least 0, not {rho!r}")
        self.rho = float(found)
        self.slope *= 1 + self.rho

    def worth(self, evaluation: Evaluation) -> float:
        distances = [
            weight * ((0.0 if is_cost else 1.0) - gain)
            for weight, gain, is_cost in self._weighted(evaluation)
        ]
        return -max(distances) - self.rho * sum(distances)

    def options(self) -> dict[str, Any]:
        return super().options() | {"rho": self.rho}


class _Targeted(Scalarisation):
    """A scalarisation of the score and one cost, which has a target."""

    def __init__(self, *, cost: Any, target: Any, episodic: bool = False) -> None:
        objective = make_objective(cost)
        if not objective.is_cost:
            raise unknown(f"cost of the reward {self.name!r}", objective.name, COSTS)
        # The target is the scale, so that nothing depends on the space.
        self.target = above_0(f"target of the reward {self.name!r}", target)
        super().__init__(Objectives([Objective(SCORE), Objective(objective.name, self.target)]), episodic)

    @property
    def cost(self) -> Objective:
        """The cost that has the target."""
        return self.objectives[1]

    def ratio(self, evaluation: Evaluation) -> float:
        """Return the cost over its target, at least 1 of a failed training."""
        return -self.cost.gain(evaluation)

    def options(self) -> dict[str, Any]:
        return {"cost": self.cost.name, "target": self.target}


class MnasNet(_Targeted):
    """The score times (cost / target) to a power, MnasNet's reward.

    The power is `below` where the cost is at most the target and `above` beyond it. Both -0.07 is the
    paper's soft constraint; 0 and -1 its hard one. Source: Tan et al., "MnasNet", 2019, equations 2, 3.
    """

    name = "mnasnet"
    slope = 2.0

    def __init__(
        self, *, cost: Any, target: Any, below: float = -0.07, above: float = -0.07, episodic: bool = False
    ) -> None:
        super().__init__(cost=cost, target=target, episodic=episodic)
        self.below, self.above = (
            _at_most_0(name, self.name, w) for name, w in (("below", below), ("above", above))
        )

    def worth(self, evaluation: Evaluation) -> float:
        ratio = self.ratio(evaluation)
        power = self.below if ratio <= 1 else self.above
        # A network without any cost would be worth infinitely much.
        return float(self.objectives[0].gain(evaluation) * max(ratio, 1e-3) ** power)

    def options(self) -> dict[str, Any]:
        return super().options() | {"below": self.below, "above": self.above}


class TuNAS(_Targeted):
    """The score less a price of the distance between cost and target, TuNAS's absolute reward.

    ``score + beta * |cost / target - 1|`` with beta below 0. Source: Bender et al., "Can weight sharing
    outperform random architecture search?", 2020. A search is drawn to the target from both sides.
    """

    name = "tunas"

    def __init__(self, *, cost: Any, target: Any, beta: float = -0.1, episodic: bool = False) -> None:
        super().__init__(cost=cost, target=target, episodic=episodic)
        self.beta = _at_most_0("beta", self.name, beta)

    def worth(self, evaluation: Evaluation) -> float:
        return self.objectives[0].gain(evaluation) + self.beta * abs(self.ratio(evaluation) - 1)

    def options(self) -> dict[str, Any]:
        return super().options() | {"beta": self.beta}


class Constraint(Scalarisation):
    """The score where costs are within limits, else a negative number that is lower the further beyond.

    So no network beyond a limit is worth as much as one within, and an agent that is beyond is led
    back without a mask (Deb's rule, 2000): with ``v`` the sum of ``cost / limit - 1`` over the limits
    that are exceeded, the pay is ``-v / (1 + v)``, above -1. A failed training is paid -1.
    """

    name = "constraint"

    def __init__(self, *, at_most: Mapping[str, Any], episodic: bool = False) -> None:
        if not isinstance(at_most, Mapping) or not at_most:
            raise ConfigError(
                "at_most of the reward 'constraint' must be a dict of limits, like {'parameters': 20000} or "
                f"{{'latency': 1.0}} in milliseconds, not {at_most!r}"
            )
        for name in at_most:
            if name not in COSTS:
                raise unknown("limit of the reward 'constraint'", name, COSTS)
        limits = {name: above_0(f"limit of {name}", limit) for name, limit in at_most.items()}
        self.limits = limits
        costs = [Objective(name, limit) for name, limit in limits.items()]
        super().__init__(Objectives([Objective(SCORE), *costs]), episodic)

    def violation(self, evaluation: Evaluation) -> float:
        """Return how far the costs are beyond their limits, as shares of these, added up; 0.0 if within."""
        return sum(
            max(0.0, each.value(evaluation) / self.limits[each.name] - 1) for each in self.objectives[1:]
        )

    def worth(self, evaluation: Evaluation) -> float:
        if evaluation.failed:
            return FAILED
        beyond = self.violation(evaluation)
        return -beyond / (1 + beyond) if beyond > 0 else evaluation.score

    def options(self) -> dict[str, Any]:
        return {"at_most": dict(self.limits)}


def _at_most_0(what: str, reward: str, value: Any) -> float:
    found = number(value)
    if found is None or not -np.inf < found <= 0:
        raise ConfigError(f"{what} of the reward {reward!r} must be a number of at most 0, not {value!r}")
    return float(found)
