"""The ledger of a run: what was asked for, what it cost, and what the steps of environments are paid."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nas_gym.envs.rewards import Reward, rewards_of
from nas_gym.envs.run.budget import Budget, BudgetExhausted, Stats, check_budget
from nas_gym.envs.run.charges import Charges, Key
from nas_gym.evaluators import Evaluation, Evaluator, incumbent, standing
from nas_gym.search_spaces import Architecture, EditGraph, Text

if TYPE_CHECKING:
    from nas_gym.envs.run.walking import Walk

STEPS_PER_EVALUATION = 50
NOT_DRAWN = -1
NO_ERROR = Text("")


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
        budget: most evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost; None for
            no limit.

    Attributes:
        history: the distinct evaluations in order of first request.
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
        """The share of an evaluation charged for each of `history`, in [0, 1]."""
        return self._charges.shares

    @property
    def spent(self) -> float:
        """The shares of an evaluation charged so far, added up; what an integer budget limits."""
        return self._charges.spent

    @property
    def progress(self) -> float:
        """The part of the budget that is spent; 0 without a budget."""
        return self._charges.progress

    @property
    def remaining(self) -> int | None:
        """Evaluations by the full recipe left of an integer budget; None for any other."""
        return self._charges.remaining

    @property
    def max_steps(self) -> int | None:
        """Steps after which the run ends: 50 times the budget, or the distinct requests if they are more.

        For a budget in seconds 50 times the distinct requests so far, at least 50.
        """
        if self.budget is None:
            return None
        requests = max(self.budget if isinstance(self.budget, int) else 1, self.stats.unique)
        return STEPS_PER_EVALUATION * requests

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
            self._best = incumbent(fresh if self._best is None else [self._best, *fresh])
            self._latest |= {one.architecture: one.score for one in fresh if one.fidelity is None}

    def top(self, count: int) -> list[Evaluation]:
        """Return the best architectures, one evaluation each, best first; failed ones are left out."""
        found: dict[str, Evaluation] = {}
        for evaluation in sorted(self.history, key=standing, reverse=True):
            if not evaluation.failed:
                found.setdefault(evaluation.architecture, evaluation)
        return list(found.values())[:count]

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
        affordable = self._charges.affordable(fresh)
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

    def _record(self, key: Key, evaluation: Evaluation) -> None:
        self._charges.charge(key, evaluation)
        self._known[key] = evaluation
        self.history.append(evaluation)
        self.stats.unique += 1
        self.stats.cost = self._charges.cost


class Payment(NamedTuple):
    """The payment of a step.

    `score` is that after the step, 0.0 where nothing was evaluated; `error` says why its training
    failed; `seed` is the one drawn for it, `NOT_DRAWN` where none was.
    """

    score: float
    reward: float
    error: str
    seed: int = NOT_DRAWN


NOTHING_PAID = Payment(0.0, 0.0, "")
"""The payment of a reset."""


class Payments(NamedTuple):
    """The payments of several steps.

    float64, float64, object (`Text`) and int64, each (steps,). `errors` is None if no training failed,
    `seeds` if none are drawn.
    """

    scores: np.ndarray
    rewards: np.ndarray
    errors: np.ndarray | None
    seeds: np.ndarray | None

    def one(self) -> Payment:
        """Return the payment of a batch of one step."""
        error = "" if self.errors is None else str(self.errors[0])
        seed = NOT_DRAWN if self.seeds is None else self.seeds.item()
        return Payment(self.scores.item(), self.rewards.item(), error, seed)


class StepLedger:
    """The ledger of a run for environments on one edit graph: it pays steps between numbered states.

    One rule pays all steps, `pay`: a step asks for the architecture after it, and for the one before
    if the reward needs it; under an episodic reward the last step alone asks. Answers are kept by
    number of state, so that a step between known states is a look-up.

    Args:
        ledger: ledger of the run; it alone counts, charges and decides.
        graph: the edit graph that numbers the states.

    Attributes:
        ledger, graph: as passed in.
        scores: float64 (rows,), NaN where no step asked.
        evaluations: what steps asked for, by number.
        failed: which trainings failed, bool (rows,).
        errors: why they failed, by number.
    """

    def __init__(self, ledger: Ledger, graph: EditGraph) -> None:
        self.ledger, self.graph = ledger, graph
        self.scores = np.full(graph.rows, np.nan)
        self.evaluations: dict[int, Evaluation] = {}
        self.failed = np.zeros(graph.rows, dtype=bool)
        self.errors: dict[int, str] = {}

    def pay_one(
        self, reward: Reward, before: int, after: int, done: bool, rng: np.random.Generator
    ) -> Payment:
        """Pay for a step as `pay` does for a batch of one, by a short cut where nothing is new.

        Arrays of one element cost more than all else in a step between known states.

        Raises:
            BudgetExhausted: as `pay`.
        """
        ledger, asks = self.ledger, done or not reward.episodic
        earlier = score = 0.0
        if asks:
            if ledger.draws or after >= len(self.scores):
                return self._batch_of_one(reward, before, after, done, rng)
            score = self.scores.item(after)
            if reward.needs_before:
                earlier = self.scores.item(before)
            if score != score or earlier != earlier:  # NaN, so not asked for yet
                return self._batch_of_one(reward, before, after, done, rng)
        ledger.count_steps()
        if asks:
            ledger.count_repeats(2 if reward.needs_before else 1)
        error = self.errors.get(after, "") if asks and self.errors else ""
        if reward.sees == "scores":
            return Payment(score, float(reward(earlier, score, done)), error)
        if not asks:
            return NOTHING_PAID
        seen = self.evaluations[before] if reward.needs_before else None
        return Payment(score, float(reward(seen, self.evaluations[after], done)), error)

    def pay(
        self,
        reward: Reward,
        before: np.ndarray,
        after: np.ndarray,
        done: np.ndarray,
        rngs: Sequence[np.random.Generator],
    ) -> Payments:
        """Pay for steps that environments make at once, as if they were made one after another.

        What the run has not asked for yet goes to the evaluator in one request.

        Args:
            reward: reward of the environments.
            before: numbers of the states before the steps, int64 (steps,).
            after: those after them.
            done: whether the episode ends, bool (steps,).
            rngs: the generators that draw seeds, one a step.

        Raises:
            BudgetExhausted: if the run's budget or `max_steps` does not reach for all of them; the
                requests that it reaches for are made and in `ledger.history`.
        """
        if self.ledger.draws:
            return self._pay_drawn(reward, before, after, done, rngs)
        self._make_room()
        asking = np.flatnonzero(done) if reward.episodic else slice(None)
        asked = np.stack([before, after], axis=1) if reward.needs_before else after[:, None]
        self._settle(asked[asking], asking, len(done))
        scores, errors = self.scores.take(after), self._errors_of(after)
        earlier = self.scores.take(before) if reward.needs_before else np.zeros(len(before))
        if reward.episodic:
            scores[~done] = earlier[~done] = 0.0
            if errors is not None:
                errors[~done] = NO_ERROR
        if reward.sees == "scores":
            seen = earlier, scores
        else:
            seen = self._evaluations_of(before), self._evaluations_of(after)
        return Payments(scores, rewards_of(reward, *seen, done), errors, None)

    def _batch_of_one(
        self, reward: Reward, before: int, after: int, done: bool, rng: np.random.Generator
    ) -> Payment:
        step = np.array([before]), np.array([after]), np.array([done])
        return self.pay(reward, *step, [rng]).one()

    def _pay_drawn(
        self,
        reward: Reward,
        before: np.ndarray,
        after: np.ndarray,
        done: np.ndarray,
        rngs: Sequence[np.random.Generator],
    ) -> Payments:
        """Pay for steps of an evaluator that draws a seed for each architecture of each step."""
        ledger, count = self.ledger, len(done)
        earlier, scores = np.zeros(count), np.zeros(count)
        errors = no_errors(count)
        seeds = np.full(count, NOT_DRAWN)
        seen = np.full((2, count), None, dtype=object)
        for step in range(count):
            ledger.count_steps()
            if reward.episodic and not done[step]:
                continue
            numbers = (before[step], after[step]) if reward.needs_before else (after[step],)
            asked = [self.graph.architecture(number) for number in numbers]
            # One draw for each, so that keeping an architecture is no improvement of it.
            drawn = {one: ledger.draw(one, rngs[step]) for one in dict.fromkeys(asked)}
            found = ledger.answer(asked, drawn=[drawn[one] for one in asked])
            if reward.needs_before:
                earlier[step] = found[0].score
            scores[step], seeds[step] = found[-1].score, drawn[asked[-1]]
            seen[:, step] = found[0], found[-1]
            if found[-1].error:
                errors[step] = Text(found[-1].error, 1)
        failed = errors if any(errors) else None
        if reward.sees == "scores":
            seen = np.stack([earlier, scores])
        return Payments(scores, rewards_of(reward, seen[0], seen[1], done), failed, seeds)

    def _settle(self, asked: np.ndarray, asking: np.ndarray | slice, steps: int) -> None:
        """Count steps and have all that they ask for answered, in as few batches as the limits allow.

        Args:
            asked: numbers of states, in order of request, int64 (asking steps, requests of each).
            asking: which steps ask, ascending.
            steps: how many are made.
        """
        ledger, made, each = self.ledger, 0, asked.shape[1]
        new = self._first_requests(asked.ravel())
        if ledger.budget is None and not len(new):
            ledger.count_steps(steps)
            ledger.count_repeats(asked.size)
            return
        places = np.arange(steps)[asking]
        while made < steps:
            # The step that may be beyond a limit goes alone.
            count = max(1, _within(ledger, steps - made, places[new // each] - made))
            end = int(np.searchsorted(places, made + count))
            numbers, new = asked[:end].ravel(), new[new < end * each]
            ledger.count_steps(count)
            ledger.count_repeats(len(numbers) - len(new))
            if len(new):
                self._ask(numbers[new].tolist())
            asked, places, made = asked[end:], places[end:], made + count
            new = self._first_requests(asked.ravel())

    def _ask(self, numbers: Sequence[int]) -> None:
        """Ask for states, in order, and keep the answers."""
        found = self.ledger.answer([self.graph.architecture(number) for number in numbers])
        self.scores[numbers] = [evaluation.score for evaluation in found]
        self.evaluations.update(zip(numbers, found, strict=True))
        for number, evaluation in zip(numbers, found, strict=True):
            if evaluation.error:
                self.failed[number], self.errors[number] = True, evaluation.error

    def _first_requests(self, numbers: np.ndarray) -> np.ndarray:
        """Return where a state is asked for that no step has asked for, ascending, once for each."""
        unknown: np.ndarray = np.isnan(self.scores.take(numbers)).nonzero()[0]
        if len(unknown):
            unknown = unknown[np.sort(np.unique(numbers[unknown], return_index=True)[1])]
        return unknown

    def _evaluations_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return evaluations of states, object (len(numbers),), None where no step asked."""
        return np.array([self.evaluations.get(number) for number in numbers.tolist()], dtype=object)

    def _errors_of(self, numbers: np.ndarray) -> np.ndarray | None:
        """Return errors as `Text`, "" where none failed, object (len(numbers),); None if none did."""
        failed = np.flatnonzero(self.failed.take(numbers)) if self.errors else ()
        if not len(failed):
            return None
        errors = no_errors(len(numbers))
        errors[failed] = [Text(self.errors[number], 1) for number in numbers[failed].tolist()]
        return errors

    def _make_room(self) -> None:
        """Have a place for every number of the graph."""
        if (more := self.graph.rows - len(self.scores)) > 0:
            self.scores = np.concatenate([self.scores, np.full(more, np.nan)])
            self.failed = np.concatenate([self.failed, np.zeros(more, dtype=bool)])


def no_errors(count: int) -> np.ndarray:
    """Return `NO_ERROR` for each step, object (count,); `numpy.full` would make plain strings of it."""
    return np.array([NO_ERROR], dtype=object).repeat(count)


def _within(ledger: Ledger, steps: int, new: np.ndarray) -> int:
    """Return how many steps the limits of the run reach for, whatever they cost.

    Args:
        ledger: ledger of the run.
        steps: how many are to be made.
        new: which steps make a new request, ascending, one for each.
    """
    if ledger.max_steps is None:
        return steps
    within = min(steps, ledger.max_steps - ledger.stats.steps)
    # What a new request costs in seconds is known only afterwards.
    affordable = 0 if ledger.remaining is None else ledger.remaining
    return min(within, int(new[affordable])) if affordable < len(new) else within
