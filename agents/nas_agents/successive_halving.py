"""Successive halving (Jamieson and Talwalkar 2016): many networks a little, the best of them fully."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.warm_start import WarmStart, check_warm_start, starts, take_distinct
from nas_gym.errors import ConfigError
from nas_gym.evaluators import standing
from nas_gym.search_spaces import Architecture

HIGHEST_ETA = 1000


@dataclass(kw_only=True)
class SuccessiveHalving(Agent):
    """Brackets of uniform random architectures, of which each rung trains the best part for longer.

    Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization", 2016, in the form of Li et al., "Hyperband", 2018, algorithm 1, inner loop. A
    bracket follows another until the budget is spent, of which a short training takes its share of
    the epochs. With an evaluator of one fidelity nothing is left but random search.

    Attributes:
        eta: of two rungs the upper trains `eta` times as long, and `1 / eta` of the networks.
        lowest: epochs below which no network is judged.
        finalists: networks of a bracket that are trained fully.
        warm_start: where brackets take their networks from, see `nas_agents.warm_start.starts`: a rung below
            the lowest, which costs no training. The first bracket has the best of the pool, the second the
            next best; None for uniform ones.
    """

    name = "successive-halving"
    access = "query"

    eta: float = 3.0
    lowest: int = 1
    finalists: int = 1
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        check_rungs(self.eta, self.lowest)
        whole_number("finalists", self.finalists, at_least=1)
        check_warm_start(self.warm_start)

    def run(self, session: Session) -> None:
        ladder = rungs(session.fidelities(), self.eta, self.lowest)
        draws = starts(session, self.warm_start)
        while True:
            halve(session, self.finalists * ladder[-1] // ladder[0], ladder, draws)


def check_rungs(eta: object, lowest: object) -> None:
    """Check what rungs are made by.

    Raises:
        NASGymError: if one is out of range.
    """
    within("eta", eta, 1.5, HIGHEST_ETA)
    whole_number("lowest", lowest, at_least=1)


def rungs(fidelities: Sequence[int], eta: float, lowest: int) -> list[int]:
    """Return the fidelities R, R / eta, R / eta^2, ... of at least `lowest`, ascending; R is the highest.

    In place of one that there is not stands the nearest, by ratio. Without fidelities there is the
    one rung 1, which stands for the full recipe.

    Raises:
        NASGymError: if `lowest` is above the highest fidelity.
    """
    high_enough = [epochs for epochs in fidelities if epochs >= lowest]
    if not fidelities:
        return [1]
    if not high_enough:
        raise ConfigError(f"lowest must be at most the {fidelities[-1]} epochs of the recipe, not {lowest}")
    found, wanted = set[int](), float(fidelities[-1])
    while wanted >= high_enough[0]:
        found.add(min(high_enough, key=lambda epochs: abs(log(epochs / wanted))))
        wanted /= eta
    return sorted(found)


def halve(
    session: Session, count: int, ladder: Sequence[int], draws: Iterator[Architecture] | None = None
) -> None:
    """Run a bracket: `count` architectures at the lowest rung, as many at each as cost the same as there.

    Li et al. keep floor(n / eta); where rungs are exactly `eta` apart this is the same.

    Args:
        session: the search.
        count: n, at least 1.
        ladder: fidelities, ascending; the last is the full recipe.
        draws: where architectures come from; None for uniform draws.
    """
    draws = starts(session, None) if draws is None else draws
    survivors = take_distinct(draws, min(count, session.search_space.size))
    for rung in ladder:
        kept = survivors[: max(1, count * ladder[0] // rung)]
        evaluations = session.ask(kept, None if rung == ladder[-1] else rung)
        order = sorted(range(len(kept)), key=lambda i: standing(evaluations[i], session.worth), reverse=True)
        survivors = [kept[i] for i in order if not evaluations[i].failed]
        if not survivors:
            return
