"""The ledger of a run: what was asked for, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.envs.rewards import Reward, worth_of
from nas_gym.envs.run.budget import Budget, BudgetExhausted, Stats, check_budget, limits_of
from nas_gym.envs.run.charges import Charges, Key
from nas_gym.evaluators import Evaluation, Evaluator, incumbent, standing
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    from nas_gym.envs.run.walking import Walk

STEPS_PER_EVALUATION = 50
FEWEST_BY_CLOCK = 100
"""Evaluations that a run is granted the steps of, whatever it has made, where the clock alone limits it."""


class Ledger:
    """The account of a run: it asks the evaluator once for each distinct request and charges for it.

    The budget counts distinct requests in order of first request, whether or not a store has
    them, failed ones too, so a warm store changes time and never results.

    A request is charged its recorded seconds, and under an integer budget its share of an
    evaluation: 1 by the full recipe, else its fidelity by that of the full recipe, so that a budget
    of N pays for N full trainings or for as many more that are shorter. Where the evaluator is
    resumable, a training goes on from the longest one of the same architecture and seeds that the
    run has paid for, and only the difference is charged; a shorter one was passed on the way and is
    charged nothing.

    Args:
        evaluator: who evaluates.
        budget: most evaluations by the full recipe, ``{"seconds": s}`` of recorded cost, ``{"minutes": m}``
            by the clock, or a dict of several limits, the first of which to be reached ends the run; None
            for no limit.
        reward: reward of the environment, which networks are ranked by; None for their score.

    Attributes:
        history: the distinct evaluations in order of first request.
        stats: the counts.
        limits: what ends the run.
        draws: whether an evaluation is of one seed that is drawn for it.
        walk: the rule of an agent that only steps; None where any architecture may be asked for.
    """

    def __init__(
        self, evaluator: Evaluator, budget: Budget | None = None, reward: Reward | None = None
    ) -> None:
        self._evaluator = evaluator
        self.draws = evaluator.draws
        self.walk: Walk | None = None
        self.budget = check_budget(budget)
        self.limits = limits_of(self.budget)
        self.history: list[Evaluation] = []
        self._reward = reward
        self.stats = Stats()
        self._best: Evaluation | None = None
        self._latest: dict[str, float] = {}
        self._ranked = 0
        self._known: dict[Key, Evaluation] = {}
        self._charges = Charges(evaluator, self.budget)

    @property
    def evaluator(self) -> Evaluator:
        """Who evaluates; in a walk a view of it that evaluates nothing."""
        return self._evaluator if self.walk is None else self.walk.evaluator

    @property
    def charges(self) -> list[float]:
        """The seconds charged for each of `history`."""
        return self._charges.seconds

    @property
    def shares(self) -> list[float]:
        """The share of an evaluation charged for each of `history`: in [0, 1], and what `advance` charged."""
        return self._charges.shares

    @property
    def spent(self) -> float:
        """The shares of an evaluation charged so far, added up; what an integer budget limits."""
        return self._charges.spent

    @property
    def progress(self) -> float:
        """The part of the budget that is spent, by the clock where that alone is limited; 0 without one."""
        return self._charges.progress

    @property
    def elapsed(self) -> float:
        """Seconds by the clock since the run began."""
        return self._charges.clock.elapsed

    @property
    def remaining(self) -> int | None:
        """Evaluations by the full recipe left; None where they are not limited."""
        return self._charges.remaining

    @property
    def max_steps(self) -> int | None:
        """Steps after which the run ends: 50 times the budget, or the distinct requests if they are more.

        Where evaluations are not limited 50 times the distinct requests so far, at least 50, and at least
        5,000 where the clock alone is the limit: an agent on a table would else fill the disk with steps
        between networks that it knows.
        """
        if self.budget is None:
            return None
        fewest = 1 if self.limits.seconds is not None else FEWEST_BY_CLOCK
        return STEPS_PER_EVALUATION * max(self.limits.evaluations or fewest, self.stats.unique)

    @property
    def best(self) -> Evaluation | None:
        """The incumbent of `history`; None before any evaluation."""
        self._rank()
        return self._best

    @property
    def latest(self) -> dict[str, float]:
        """The score of each fully trained architecture, by its text, as last evaluated."""
        self._rank()
        return self._latest

    def _rank(self) -> None:
        """Rank what was evaluated since the last look: a run that is not watched need not pay for it."""
        if fresh := self.history[self._ranked :]:
            self._ranked += len(fresh)
            self._best = incumbent(fresh if self._best is None else [self._best, *fresh], self.worth)
            self._latest |= {one.architecture: one.score for one in fresh if one.fidelity is None}

    def worth(self, evaluation: Evaluation) -> float:
        """Return what a network is worth to this run: its score, or what a reward on evaluations says."""
        if self._reward is None:
            return evaluation.score
        return worth_of(self._reward, evaluation, self.history[0] if self.history else evaluation)

    def standing(self, evaluation: Evaluation) -> tuple[float, float]:
        """Return what evaluations of this run are ranked by, see `nas_gym.evaluators.standing`."""
        return standing(evaluation, self.worth)

    def top(self, count: int) -> list[Evaluation]:
        """Return the best architectures, one evaluation each, best first; failed ones are left out."""
        found: dict[str, Evaluation] = {}
        for evaluation in sorted(self.history, key=self.standing, reverse=True):
            if not evaluation.failed:
                found.setdefault(evaluation.architecture, evaluation)
        return list(found.values())[:count]

    def advance(self, share: float, seconds: float) -> None:
        """Charge the training of shared weights, which is no evaluation; the next one is charged with it.

        Args:
            share: its arithmetic, in trainings by the full recipe.
            seconds: how long it took.

        Raises:
            NASGymError: in a walk.
        """
        if self.walk is not None:
            self.walk.refuse("train shared weights")
        self._charges.advance(share, seconds)

    def count_steps(self, steps: int = 1) -> None:
        """Count steps about to be made.

        Raises:
            BudgetExhausted: if they would pass `max_steps`, or the time is over.
        """
        if self._charges.clock.is_over:
            raise BudgetExhausted("minutes")
        limit = self.max_steps
        if limit is not None and self.stats.steps + steps > limit:
            raise BudgetExhausted("max_steps")
        self.stats.steps += steps

    def count_repeats(self, requests: int) -> None:
        """Count requests for what the run has asked for already; they cost nothing."""
        self.stats.evaluations += requests

    def evaluate(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        """Return evaluations of architectures at will, in order; repeats are answered from memory.

        Args:
            architectures: what to evaluate.
            fidelity: epochs, one of the evaluator's `fidelities`; None, like the last, for all.
            drawn: the seed drawn for each architecture, of an evaluator that draws.

        Raises:
            BudgetExhausted: if the budget does not reach for all of them; those that it reaches
                for are made and in `history`.
            NASGymError: in a walk.
        """
        if self.walk is not None:
            self.walk.refuse("ask for architectures")
        return self.answer(architectures, fidelity, drawn)

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> int:
        """Return the seed of the next evaluation of an architecture, of an evaluator that draws."""
        return self._evaluator.draw(architecture, rng)

    def answer(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        """Evaluate as `evaluate` does, for the steps that environments pay for; in a walk, too."""
        known = self._known
        if fidelity is not None and self._evaluator.fidelities()[-1:] == (fidelity,):
            fidelity = None  # the full recipe by its number
        seeds: Sequence[int | None] = [None] * len(architectures) if drawn is None else drawn
        keys = [(*pair, fidelity) for pair in zip(architectures, seeds, strict=True)]
        self.stats.evaluations += len(keys)
        fresh = [key for key in dict.fromkeys(keys) if key not in known]
        if fresh:
            self._evaluate_fresh(fresh, fidelity, draws=drawn is not None)
        return [known[key] for key in keys]

    def _evaluate_fresh(self, fresh: list[Key], fidelity: int | None, *, draws: bool) -> None:
        affordable, clock = self._charges.affordable(fresh), self._charges.clock
        waiting = affordable
        while waiting:
            if clock.is_over:
                raise BudgetExhausted("minutes")
            batch = self._charges.batch or len(waiting)
            keys, waiting = waiting[:batch], waiting[batch:]
            drawn = [seed for _, seed, _ in keys if seed is not None] if draws else None
            began = time.perf_counter()
            hits = self._evaluator.hits
            with clock.timing(len(keys)):
                evaluations = self._evaluator.evaluate_architectures(
                    [key[0] for key in keys], fidelity, drawn
                )
            self.stats.seconds += time.perf_counter() - began
            self.stats.stored += self._evaluator.hits - hits
            for key, evaluation in zip(keys, evaluations, strict=True):
                self._record(key, evaluation)
        if len(affordable) < len(fresh):
            raise BudgetExhausted("budget")

    def _record(self, key: Key, evaluation: Evaluation) -> None:
        self._charges.charge(key, evaluation)
        self._known[key] = evaluation
        self.history.append(evaluation)
        self.stats.unique += 1
        self.stats.cost = self._charges.cost
