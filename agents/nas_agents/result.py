"""What a search gives back: the network that it chose, every evaluation, and why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from nas_gym.common import minutes_in_words
from nas_gym.envs import Budget
from nas_gym.evaluators import Evaluation

if TYPE_CHECKING:
    from nas_gym.traces import Policy

Hyperparameter = float | int | str | bool | list[str] | dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The outcome of one search.

    Attributes:
        agent: name of the agent.
        seed: the agent's seed.
        budget: evaluations by the full recipe, ``{"seconds": s}`` of recorded cost, ``{"minutes": m}`` by
            the clock, or a dict of several limits.
        hyperparameters: hyperparameters of the agent, JSON-able.
        architecture: text of the chosen one: the highest score seen at the highest fidelity
            reached, among those that did not fail, the first of ties; the first one if all failed. Under a
            reward on evaluations it is the one that is worth most by it (see `nas_gym.envs.worth_of`).
        score: its validation score as the search saw it, in [0, 1].
        evaluations: every distinct evaluation, in order of first request.
        stopped: why the search ended: ``"budget"``, ``"minutes"`` (by the clock), ``"max_steps"``, ``"space
            exhausted"``, or ``"agent returned"`` where the agent ended it itself.
        steps: environment steps of a walk, architectures asked for by a query agent, repeats too.
        seconds: recorded cost of the search.
        charges: seconds charged for each of `evaluations`; less than its own seconds where it went
            on from a shorter training of the same network.
        shares: the share of an evaluation charged for each of `evaluations`: 1 by the full recipe, less for
            shorter trainings, and more where shared weights were trained before it, by the arithmetic of so
            many trainings; what a budget in evaluations limits.
        repeatable: whether the same search again would give the same result, as far as numerics allow;
            False where the clock ended it or guided the agent.
        note: why it is not repeatable, in words; "" where it is.
        started_from: what was learned before the search and it started from, with a hash; "" for nothing.
        policy: scores of the edits in any state, of agents that have a policy over edits.
    """

    agent: str
    seed: int
    budget: Budget
    hyperparameters: dict[str, Hyperparameter]
    architecture: str
    score: float
    evaluations: tuple[Evaluation, ...]
    stopped: str
    steps: int
    seconds: float
    charges: tuple[float, ...]
    shares: tuple[float, ...]
    repeatable: bool = True
    note: str = ""
    started_from: str = ""
    policy: Policy | None = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict of all attributes but the policy, and `started_from` where there is any."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "policy"}
        if not self.started_from:
            del values["started_from"]
        return values | {
            "hyperparameters": dict(self.hyperparameters),
            "evaluations": [evaluation.as_dict() for evaluation in self.evaluations],
            "charges": list(self.charges),
            "shares": list(self.shares),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Result:
        """Return the inverse of `as_dict`."""
        evaluations = tuple(Evaluation.from_dict(evaluation) for evaluation in values["evaluations"])
        charges = tuple(values.get("charges") or (evaluation.seconds for evaluation in evaluations))
        shares = tuple(values.get("shares") or (1.0 for _ in evaluations))
        return Result(**(dict(values) | {"evaluations": evaluations, "charges": charges, "shares": shares}))


def note_of(stopped: str, minutes: float | None, *, follows_clock: bool) -> str:
    """Return why a search cannot be repeated exactly, as a clause; "" where it can.

    Args:
        stopped: why it ended, as in a `Result`.
        minutes: its limit by the clock; None for none.
        follows_clock: whether the agent did something else as the clock went on.
    """
    if stopped == "minutes" and minutes is not None:
        return (
            f"ended by the clock after {minutes_in_words(minutes)}: another run would not end at the same "
            "evaluation, so this one cannot be repeated exactly"
        )
    if follows_clock:
        return (
            "the agent went by the part of its time that was over: another run would not take the same "
            "steps, so this one cannot be repeated exactly"
        )
    return ""
