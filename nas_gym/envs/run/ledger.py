"""What a run has asked for: counts, costs, and the budget that ends it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nas_gym._checks import number, whole
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluation, Evaluator
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    from nas_gym.envs.run.walking import Walk

Budget = int | dict[str, float]
# A distinct request: an architecture, the seed drawn for it or None for all, and a fidelity.
Key = tuple[Architecture, int | None, int | None]
STEPS_PER_EVALUATION = 50


class BudgetExhausted(Exception):  # noqa: N818 - it ends a search, it is no error
    """The run's budget is spent; raised by the request or step that would exceed it.

    Attributes:
        reason: ``"budget"``, or ``"max_steps"`` for an agent that only revisits.
    """

    def __init__(self, reason: Literal["budget", "max_steps"]) -> None:
        super().__init__(f"the run ended: {reason}")
        self.reason = reason


@dataclass(slots=True)
class Stats:
    """Counts of a run.

    Attributes:
        steps: environment steps, and architectures asked for by `evaluate`.
        evaluations: architectures asked for, repeats included.
        unique: distinct (architecture, seeds, fidelity) asked for; what an integer budget limits where
            there are no fidelities.
        stored: training runs that the store already had.
        cost: recorded seconds charged for the distinct evaluations; what a budget in seconds limits.
        seconds: wall time spent waiting for the evaluator.
    """

    steps: int = 0
    evaluations: int = 0
    unique: int = 0
    stored: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """All counts by name."""
        return asdict(self)


class Ledger:
    """Asks the evaluator once for each distinct architecture of a run and keeps the account.

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
        budget: most evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost; None for
            no limit.

    Attributes:
        history: the distinct evaluations in order of first request.
        charges: the seconds charged for each of `history`.
        shares: the share of an evaluation charged for each of `history`, in [0, 1].
        stats: the counts.
        draws: whether an evaluation is of one seed that is drawn for it.
        walk: the rule of an agent that only steps; None where any architecture may be asked for.
    """

    def __init__(self, evaluator: Evaluator, budget: Budget | None = None) -> None:
        self._evaluator = evaluator
        self.draws = evaluator.draws
        self.walk: Walk | None = None
        self.budget = check_budget(budget)
        self.history: list[Evaluation] = []
        self.charges: list[float] = []
        self.shares: list[float] = []
        self.stats = Stats()
        self._known: dict[Key, Evaluation] = {}
        self._paid: dict[tuple[Architecture, tuple[int, ...]], float] = {}
        # Whole numbers of epochs, so that shares add up without rounding.
        self._full = (evaluator.fidelities() or (1,))[-1]
        self._epochs: dict[tuple[Architecture, int | None], int] = {}
        self._spent = 0

    @property
    def evaluator(self) -> Evaluator:
        """Who evaluates; in a walk a view of it that evaluates nothing."""
        return self._evaluator if self.walk is None else self.walk.evaluator

    @property
    def spent(self) -> float:
        """The shares of an evaluation charged so far, added up; what an integer budget limits."""
        return self._spent / self._full

    @property
    def progress(self) -> float:
        """The part of the budget that is spent; 0 without a budget."""
        if self.budget is None:
            return 0.0
        if isinstance(self.budget, dict):
            return self.stats.cost / self.budget["seconds"]
        return self._spent / (self.budget * self._full)

    @property
    def remaining(self) -> int | None:
        """Evaluations by the full recipe left of an integer budget; None for any other."""
        if not isinstance(self.budget, int):
            return None
        return (self.budget * self._full - self._spent) // self._full

    @property
    def max_steps(self) -> int | None:
        """Steps after which the run ends: 50 times the budget, or the distinct requests if they are more.

        For a budget in seconds 50 times the distinct requests so far, at least 50.
        """
        if self.budget is None:
            return None
        requests = max(self.budget if isinstance(self.budget, int) else 1, self.stats.unique)
        return STEPS_PER_EVALUATION * requests

    def count_steps(self, steps: int = 1) -> None:
        """Count steps about to be made.

        Raises:
            BudgetExhausted: if they would pass `max_steps`.
        """
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
        """Evaluations of architectures at will, in order; repeats are answered from memory.

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
        """The seed of the next evaluation of an architecture, of an evaluator that draws."""
        return self._evaluator.draw(architecture, rng)

    def answer(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        """As `evaluate`, for the steps that environments pay for; in a walk, too."""
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
        affordable = self._affordable(fresh)
        # Costs are known only afterwards, so a budget in seconds goes one request at a time.
        batch = 1 if isinstance(self.budget, dict) else max(1, len(affordable))
        for start in range(0, len(affordable), batch):
            keys = affordable[start : start + batch]
            drawn = [seed for _, seed, _ in keys if seed is not None] if draws else None
            began = time.perf_counter()
            hits = self._evaluator.hits
            evaluations = self._evaluator.evaluate_architectures([key[0] for key in keys], fidelity, drawn)
            self.stats.seconds += time.perf_counter() - began
            self.stats.stored += self._evaluator.hits - hits
            for key, evaluation in zip(keys, evaluations, strict=True):
                self._record(key, evaluation)
        if len(affordable) < len(fresh):
            raise BudgetExhausted("budget")

    def _affordable(self, fresh: list[Key]) -> list[Key]:
        """Those of the first requests that an integer budget reaches for; all under any other."""
        if not isinstance(self.budget, int):
            return fresh
        left = self.budget * self._full - self._spent
        for count, key in enumerate(fresh):
            left -= self._epochs_of(key)
            if left < 0:
                return fresh[:count]
        return fresh

    def _epochs_of(self, key: Key) -> int:
        """The epochs that a first request is charged."""
        architecture, seed, fidelity = key
        # What is no number of epochs the evaluator refuses.
        epochs = int(fidelity) if isinstance(fidelity, int | np.integer) else self._full
        paid = self._epochs.get((architecture, seed), 0) if self._evaluator.resumable else 0
        return max(0, epochs - paid)

    def _record(self, key: Key, evaluation: Evaluation) -> None:
        training = key[0], evaluation.seeds
        paid = self._paid.get(training, 0.0) if self._evaluator.resumable else 0.0
        charge = max(0.0, evaluation.seconds - paid)
        cost = self.stats.cost + charge
        if isinstance(self.budget, dict) and cost > self.budget["seconds"]:
            raise BudgetExhausted("budget")
        epochs = self._epochs_of(key)
        self._epochs[key[:2]] = max(self._epochs.get(key[:2], 0), key[2] or self._full)
        self._spent += epochs
        self.shares.append(epochs / self._full)
        self._known[key] = evaluation
        self._paid[training] = max(paid, evaluation.seconds)
        self.history.append(evaluation)
        self.charges.append(charge)
        self.stats.unique += 1
        self.stats.cost = cost


def check_budget(budget: Any) -> Budget | None:
    """A budget as it is, if it is one.

    Raises:
        NASGymError: if it is neither a whole number of at least 1 nor ``{"seconds": s}`` with s > 0.
    """
    if budget is None:
        return None
    count = whole(budget)
    if count is not None and count >= 1:
        return count
    if isinstance(budget, Mapping) and set(budget) == {"seconds"}:
        seconds = number(budget["seconds"])
        if seconds is not None and 0 < seconds < float("inf"):
            return {"seconds": float(seconds)}
    raise NASGymError(
        "budget must be a whole number of evaluations of at least 1, or {'seconds': s} with s above 0, "
        f"not {budget!r}"
    )
