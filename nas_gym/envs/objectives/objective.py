"""Objectives: what a network is wanted for, and what it costs, as numbers that are better when higher."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym._checks import listed, number
from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators import LATENCY, Evaluation, Evaluator
from nas_gym.registry import options_of
from nas_gym.search_spaces import Architecture, SearchSpace

SCORE = "score"
COSTS = ("parameters", "flops", LATENCY)
OBJECTIVES = (SCORE, *COSTS)
DRAWN = 64
"""Networks of a space without a table that the scale of a cost is taken from."""
UNITS = {"parameters": "parameters", "flops": "FLOPs", LATENCY: "ms", SCORE: "score"}


@dataclass(frozen=True)
class Objective:
    """One thing that networks are compared by.

    Its gain is higher where a network is better: of the score the score, in [0, 1]; of a cost
    ``-cost / scale``, so 0 at no cost and -1 at the scale.

    Attributes:
        name: ``"score"``, ``"parameters"``, ``"flops"`` or ``"latency"`` (milliseconds).
        scale: the cost at which the gain is -1; None until it is known, see `Objective.bound`.
    """

    name: str
    scale: float | None = None

    @property
    def is_cost(self) -> bool:
        """Whether less of it is better."""
        return self.name != SCORE

    def value(self, evaluation: Evaluation) -> float:
        """Return its value in its own unit: a share, a count, or milliseconds.

        Raises:
            NASGymError: for the latency of an evaluation that has none.
        """
        if self.name != LATENCY:
            return float(getattr(evaluation, self.name))
        if LATENCY not in evaluation.metrics:
            raise _no_latency()
        return evaluation.metrics[LATENCY]

    def gain(self, evaluation: Evaluation) -> float:
        """Return its gain; a failed training has the score 0 and costs at least the scale."""
        if not self.is_cost:
            return 0.0 if evaluation.failed else evaluation.score
        scale = 1.0 if self.scale is None else self.scale
        cost = self.value(evaluation) / scale
        return -max(cost, 1.0) if evaluation.failed else -cost

    def is_known(self, evaluator: Evaluator) -> bool:
        """Return whether its gain is known of networks that were not evaluated.

        Parameters and FLOPs follow from the network, and a latency may come from a table.
        """
        if self.name == LATENCY:
            return evaluator.latency is not None and evaluator.latency.free
        return self.is_cost

    def known_gains(self, architectures: Sequence[Architecture], evaluator: Evaluator) -> np.ndarray:
        """Return the gains of networks that need not be evaluated for it, float64 (architectures,).

        Of an objective that `is_known`; the gain of a training that then fails can be lower.
        """
        space = evaluator.search_space
        if self.name == LATENCY:
            assert evaluator.latency is not None
            costs: Any = evaluator.latency.of(architectures)
        elif evaluator.table is not None:
            costs = evaluator.table.costs(self.name, architectures)
        else:
            costs = [getattr(space.network(each), self.name) for each in architectures]
        scale = 1.0 if self.scale is None else self.scale
        gains: np.ndarray = -np.asarray(costs, dtype=np.float64) / scale
        return gains

    def bound(self, space: SearchSpace[Any], evaluator: Evaluator) -> Objective:
        """Return it with a scale: the highest cost of the table that the evaluator answers from.

        Without a table it is the highest of 64 networks that are drawn from the space with a fixed seed,
        and of a measured latency 1 ms.

        Raises:
            NASGymError: for latency where the evaluator gives none.
        """
        if self.name == LATENCY and evaluator.latency is None:
            raise _no_latency()
        if not self.is_cost or self.scale is not None:
            return self
        return replace(self, scale=_highest(self.name, space, evaluator))

    def lowest(self, evaluator: Evaluator) -> float:
        """Return the lowest gain there is, minus infinity where that is not known."""
        if not self.is_cost:
            return 0.0
        if self.name == LATENCY:
            known = evaluator.latency is not None and evaluator.latency.bounded
        else:
            known = evaluator.table is not None and evaluator.table.has_all(self.name)
        if not known or self.scale is None:
            return -math.inf
        return -max(1.0, _highest(self.name, evaluator.search_space, evaluator) / self.scale)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able dict that it is made from."""
        return {"name": self.name} | ({} if self.scale is None else {"scale": self.scale})


class Objectives(tuple[Objective, ...]):
    """Several objectives, in the order of the entries of a vector reward."""

    __slots__ = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(each.name for each in self)

    def gains(self, evaluations: Sequence[Evaluation]) -> np.ndarray:
        """Return the gains of evaluations, float64 (evaluations, objectives); higher is better."""
        rows = [[each.gain(evaluation) for each in self] for evaluation in evaluations]
        found: np.ndarray = np.array(rows, dtype=np.float64).reshape(len(evaluations), len(self))
        return found

    def bound(self, space: SearchSpace[Any], evaluator: Evaluator) -> Objectives:
        """Return them with the scales of their costs, see `Objective.bound`."""
        return Objectives(each.bound(space, evaluator) for each in self)

    def config(self) -> list[dict[str, Any]]:
        """Return the JSON-able list that they are made from."""
        return [each.config() for each in self]


def make_objectives(specs: Any, *, least: int = 1) -> Objectives:
    """Build objectives.

    Args:
        specs: names, or dicts with ``"name"`` and, of a cost, ``"scale"``.
        least: how many there have to be.

    Raises:
        NASGymError: if they are too few, one is unknown or there twice, or a scale is no number above 0.
    """
    given = None if isinstance(specs, str) else listed(specs)
    if given is None or len(given) < least:
        raise ConfigError(
            f"objectives must be a list of at least {least} of {', '.join(OBJECTIVES)}, not {specs!r}"
        )
    made = [make_objective(spec) for spec in given]
    names = [each.name for each in made]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"the objective {name!r} is there twice: name each once")
    return Objectives(made)


def make_objective(spec: str | Mapping[str, Any]) -> Objective:
    """Build one objective, see `make_objectives`."""
    options = options_of("objective", spec)
    name = options.pop("name", None)
    if name not in OBJECTIVES:
        raise unknown("objective", name, OBJECTIVES)
    scale = options.pop("scale", None)
    if options or (scale is not None and name == SCORE):
        raise unknown(f"option of the objective {name!r}", next(iter(options), "scale"), ["scale"])
    return Objective(name, None if scale is None else above_0(f"scale of the objective {name!r}", scale))


def above_0(what: str, value: Any) -> float:
    """Return a number above 0 as a float.

    Raises:
        NASGymError: if it is none.
    """
    found = number(value)
    if found is None or not 0 < found < math.inf:
        raise ConfigError(f"{what} must be a number above 0, not {value!r}")
    return float(found)


def _highest(name: str, space: SearchSpace[Any], evaluator: Evaluator) -> float:
    """Return the cost that the gain is -1 at."""
    if name == LATENCY:
        assert evaluator.latency is not None
        return evaluator.latency.scale
    if evaluator.table is not None and evaluator.table.has_all(name):
        costs = getattr(evaluator.table, name)
    else:
        rng = np.random.default_rng(0)
        costs = [getattr(space.network(space.sample(rng)), name) for _ in range(DRAWN)]
    return max(1.0, float(np.max(costs)))


def _no_latency() -> ConfigError:
    return ConfigError(
        "latency is an objective, and the evaluator gives none: pass evaluator={'name': ..., "
        "'latency': 'here'} to measure it on this machine, or the name of a device that the table has "
        "latencies of"
    )
