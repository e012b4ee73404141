"""What a search gives back: the network that it chose, every evaluation, and why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from nas_gym.envs import Budget
from nas_gym.evaluators import Evaluation

if TYPE_CHECKING:
    from nas_gym.traces import Policy

Hyperparameter = float | int | str | bool


@dataclass(frozen=True)
class Result:
    """The outcome of one search.

    Attributes:
        agent: name of the agent.
        seed: the agent's seed.
        budget: evaluations by the full recipe, or ``{"seconds": s}`` of recorded cost.
        hyperparameters: hyperparameters of the agent, JSON-able.
        architecture: text of the chosen one: the highest score seen at the highest fidelity
            reached, among those that did not fail, the first of ties; the first one if all failed.
        score: its validation score as the search saw it, in [0, 1].
        evaluations: every distinct evaluation, in order of first request.
        stopped: why the search ended: ``"budget"``, ``"max_steps"``, ``"space exhausted"``, or
            ``"agent returned"`` where the agent ended it itself.
        steps: environment steps of a walk, architectures asked for by a query agent, repeats too.
        seconds: recorded cost of the search.
        charges: seconds charged for each of `evaluations`; less than its own seconds where it went
            on from a shorter training of the same network.
        shares: the share of an evaluation charged for each of `evaluations`, in [0, 1]: 1 by the full
            recipe, less for shorter trainings; what a budget in evaluations limits.
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
    policy: Policy | None = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict of all attributes but the policy."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "policy"}
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
