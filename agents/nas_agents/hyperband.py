"""Hyperband (Li et al. 2018): successive halving hedged over how early networks can be judged."""

from __future__ import annotations

from dataclasses import dataclass

from nas_agents.agent import Agent, Session
from nas_agents.successive_halving import check_rungs, halve, rungs
from nas_agents.warm_start import WarmStart, check_warm_start, starts


@dataclass(kw_only=True)
class Hyperband(Agent):
    """Brackets from the most aggressive, which judges by the shortest training, to plain random search.

    Source: Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization",
    2018, algorithm 1, started again until the budget is spent, of which a short training takes its
    share of the epochs. With an evaluator of one fidelity nothing is left but random search.

    Attributes:
        eta: of two rungs the upper trains `eta` times as long, and `1 / eta` of the networks.
        lowest: epochs below which no network is judged.
        warm_start: where brackets take their networks from, as of `SuccessiveHalving`: a rung below the
            lowest that costs no training. None for uniform ones.
    """

    name = "hyperband"
    access = "query"

    eta: float = 3.0
    lowest: int = 1
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        check_rungs(self.eta, self.lowest)
        check_warm_start(self.warm_start)

    def run(self, session: Session) -> None:
        ladder = rungs(session.fidelities(), self.eta, self.lowest)
        draws = starts(session, self.warm_start)
        while True:
            for s in range(len(ladder) - 1, -1, -1):
                used = ladder[-1 - s :]
                # n = ceil((s_max + 1) / (s + 1) eta^s), eta^s being how far the rungs are apart.
                count = -(-len(ladder) * used[-1] // ((s + 1) * used[0]))
                halve(session, count, used, draws)
