"""Paying for steps: what the account counts, what is evaluated, and the reward it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nas_gym.envs.rewards import Reward, rewards_of
from nas_gym.envs.run.ledger import Ledger
from nas_gym.search_spaces import EditGraph, Text

NOT_DRAWN = -1
NO_ERROR = Text("")


class Answers:
    """What the account of a run has answered so far, by number of state, so that repeats are one look.

    Args:
        ledger: the account; it alone counts and decides.
        graph: which numbers the states.

    Attributes:
        ledger, graph: as passed in.
        accuracies: float64 (rows,), NaN where the account was not asked.
        failed: which trainings failed, bool (rows,).
        errors: of failed trainings, by number.
    """

    def __init__(self, ledger: Ledger, graph: EditGraph) -> None:
        self.ledger, self.graph = ledger, graph
        self.accuracies = np.full(graph.rows, np.nan)
        self.failed = np.zeros(graph.rows, dtype=bool)
        self.errors: dict[int, str] = {}

    def make_room(self) -> None:
        """Have a place for every number of the graph."""
        if (more := self.graph.rows - len(self.accuracies)) > 0:
            self.accuracies = np.concatenate([self.accuracies, np.full(more, np.nan)])
            self.failed = np.concatenate([self.failed, np.zeros(more, dtype=bool)])

    def ask(self, numbers: Sequence[int]) -> None:
        """Ask the account for states, in order, and keep what it says.

        Raises:
            BudgetExhausted: as the account does.
        """
        found = self.ledger.answer([self.graph.architecture(number) for number in numbers])
        for number, evaluation in zip(numbers, found, strict=True):
            self.accuracies[number] = evaluation.accuracy
            if evaluation.error:
                self.failed[number], self.errors[number] = True, evaluation.error

    def errors_of(self, numbers: np.ndarray) -> np.ndarray | None:
        """The errors of states as `Text`, "" where none failed, object (len(numbers),); None if none did."""
        failed = np.flatnonzero(self.failed.take(numbers)) if self.errors else ()
        if not len(failed):
            return None
        errors = np.array([NO_ERROR], dtype=object).repeat(len(numbers))
        errors[failed] = [Text(self.errors[number], 1) for number in numbers[failed].tolist()]
        return errors


class Payment(NamedTuple):
    """Of a step: accuracy after it (0.0 where nothing was evaluated), reward, error of a failed training.

    `seed` is the one drawn for the architecture after the step, `NOT_DRAWN` where none was.
    """

    accuracy: float
    reward: float
    error: str
    seed: int = NOT_DRAWN


NOTHING_PAID = Payment(0.0, 0.0, "")
"""Of a reset."""


class Payments(NamedTuple):
    """Those of several steps: float64, float64, object and int64 (steps,); None if no error, no seed."""

    accuracies: np.ndarray
    rewards: np.ndarray
    errors: np.ndarray | None
    seeds: np.ndarray | None


def pay(
    answers: Answers, reward: Reward, before: int, after: int, done: bool, rng: np.random.Generator
) -> Payment:
    """Pay for a step from one state to another.

    An evaluator that draws has a seed drawn for each of the architectures asked for, by `rng`.

    Raises:
        BudgetExhausted: if the run's budget or `max_steps` does not reach for it; the requests
            that it reaches for are made and in `ledger.history`.
    """
    ledger = answers.ledger
    ledger.count_steps()
    if reward.episodic and not done:
        return Payment(0.0, float(reward(0.0, 0.0, done)), "")
    if ledger.draws:
        asked = (before, after) if reward.needs_before else (after,)
        return _pay_drawn(answers, reward, asked, done, rng)
    if after >= len(answers.accuracies):
        answers.make_room()
    earlier = answers.accuracies.item(before) if reward.needs_before else 0.0
    accuracy = answers.accuracies.item(after)
    if earlier != earlier or accuracy != accuracy:  # NaN, so not asked for yet
        answers.ask((before, after) if reward.needs_before else (after,))
        earlier = answers.accuracies.item(before) if reward.needs_before else 0.0
        accuracy = answers.accuracies.item(after)
    else:
        ledger.count_repeats(2 if reward.needs_before else 1)
    error = answers.errors.get(after, "") if answers.errors else ""
    return Payment(accuracy, float(reward(earlier, accuracy, done)), error)


def _pay_drawn(
    answers: Answers, reward: Reward, asked: Sequence[int], done: bool, rng: np.random.Generator
) -> Payment:
    ledger = answers.ledger
    architectures = [answers.graph.architecture(number) for number in asked]
    # One draw for each, so that keeping an architecture is no improvement of it.
    seeds = {one: ledger.draw(one, rng) for one in dict.fromkeys(architectures)}
    found = ledger.answer(architectures, drawn=[seeds[one] for one in architectures])
    after = found[-1]
    gained = float(reward(found[0].accuracy if reward.needs_before else 0.0, after.accuracy, done))
    return Payment(after.accuracy, gained, after.error, seeds[architectures[-1]])


def pay_all(
    answers: Answers,
    reward: Reward,
    before: np.ndarray,
    after: np.ndarray,
    done: np.ndarray,
    rngs: Sequence[np.random.Generator],
) -> Payments:
    """Pay for steps that environments make at once, as if they were made one after another.

    What the run has not asked for yet goes to the evaluator in one request.

    Args:
        answers: of the run.
        reward: that pays.
        before: numbers of the states before the steps, int64 (steps,).
        after: those after them.
        done: whether the episode ends, bool (steps,).
        rngs: which draw, one a step.

    Raises:
        BudgetExhausted: as `pay` of the first step that the budget does not reach for.
    """
    if answers.ledger.draws:
        steps = zip(before.tolist(), after.tolist(), done.tolist(), rngs, strict=True)
        return _listed([pay(answers, reward, *step) for step in steps])
    answers.make_room()
    paid = np.flatnonzero(done) if reward.episodic else slice(None)
    asked = np.stack([before, after], axis=1) if reward.needs_before else after[:, None]
    _settle(answers, asked[paid], paid, len(done))
    accuracies, errors = answers.accuracies.take(after), answers.errors_of(after)
    earlier = answers.accuracies.take(before) if reward.needs_before else np.zeros(len(before))
    if reward.episodic:
        accuracies[~done] = earlier[~done] = 0.0
        if errors is not None:
            errors[~done] = NO_ERROR
    return Payments(accuracies, rewards_of(reward, earlier, accuracies, done), errors, None)


def _settle(answers: Answers, asked: np.ndarray, paid: np.ndarray | slice, steps: int) -> None:
    """Count steps and have all that they ask for answered, in as few batches as the limits allow.

    Args:
        answers: of the run.
        asked: numbers of states, in order of request, int64 (paid steps, requests of each).
        paid: which steps ask, ascending.
        steps: how many are made.
    """
    ledger, made, each = answers.ledger, 0, asked.shape[1]
    new = _first_requests(answers, asked.ravel())
    if ledger.budget is None and not len(new):
        ledger.count_steps(steps)
        ledger.count_repeats(asked.size)
        return
    asking = np.arange(steps)[paid]
    while made < steps:
        # The step that may be beyond a limit goes alone.
        count = max(1, _within(ledger, steps - made, asking[new // each] - made))
        end = int(np.searchsorted(asking, made + count))
        numbers, new = asked[:end].ravel(), new[new < end * each]
        ledger.count_steps(count)
        ledger.count_repeats(len(numbers) - len(new))
        if len(new):
            answers.ask(numbers[new].tolist())
        asked, asking, made = asked[end:], asking[end:], made + count
        new = _first_requests(answers, asked.ravel())


def _first_requests(answers: Answers, numbers: np.ndarray) -> np.ndarray:
    """Where a state is asked for that the run has not asked for before, ascending, once for each."""
    unknown: np.ndarray = np.isnan(answers.accuracies.take(numbers)).nonzero()[0]
    if len(unknown):
        unknown = unknown[np.sort(np.unique(numbers[unknown], return_index=True)[1])]
    return unknown


def _within(ledger: Ledger, steps: int, new: np.ndarray) -> int:
    """How many steps the limits of the run reach for, whatever they cost.

    Args:
        ledger: of the run.
        steps: how many are to be made.
        new: which steps make a new request, ascending, one for each.
    """
    if ledger.max_steps is None:
        return steps
    within = min(steps, ledger.max_steps - ledger.stats.steps)
    # What a new request costs in seconds is known only afterwards.
    affordable = 0 if ledger.remaining is None else ledger.remaining
    return min(within, int(new[affordable])) if affordable < len(new) else within


def _listed(payments: Sequence[Payment]) -> Payments:
    errors = [Text(payment.error, int(bool(payment.error))) for payment in payments]
    return Payments(
        np.array([payment.accuracy for payment in payments], dtype=np.float64),
        np.array([payment.reward for payment in payments], dtype=np.float64),
        np.array(errors, dtype=object) if any(errors) else None,
        np.array([payment.seed for payment in payments], dtype=np.int64),
    )
