"""The payment of steps: one rule for a single environment and for many, on the ledger of their run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nas_gym.envs.rewards import Reward, nothing_paid, rewards_of
from nas_gym.envs.run.ledger import Ledger
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import EditGraph, Text

NOT_DRAWN = -1
NO_ERROR = Text("")


class Payment(NamedTuple):
    """The payment of a step.

    `score` is that after the step, 0.0 where nothing was evaluated; `reward` is a float, or of several
    objectives a vector, float32 (objectives,); `error` says why its training
    failed; `seed` is the one drawn for it, `NOT_DRAWN` where none was.
    """

    score: float
    reward: Any
    error: str
    seed: int = NOT_DRAWN


NOTHING_PAID = Payment(0.0, 0.0, "")
"""The payment of a reset."""


class Payments(NamedTuple):
    """The payments of several steps.

    float64, float64, object (`Text`) and int64, each (steps,); rewards of several objectives are float32
    (steps, objectives). `errors` is None if no training failed,
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
        reward = self.rewards[0] if self.rewards.ndim > 1 else self.rewards.item()
        return Payment(self.scores.item(), reward, error, seed)


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
            return Payment(0.0, nothing_paid(reward, 1)[0], "") if reward.shape else NOTHING_PAID
        seen = self.evaluations[before] if reward.needs_before else None
        paid = reward(seen, self.evaluations[after], done)
        return Payment(score, paid if reward.shape else float(paid), error)

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
    affordable = ledger.remaining
    if affordable is None:
        # What a new request costs in seconds is known only afterwards.
        affordable = 0 if ledger.limits.seconds is not None else len(new)
    return min(within, int(new[affordable])) if affordable < len(new) else within
