"""Which of two kinds of network is chosen after each was searched, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nas_gym.estimators.plan import Plan


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        plan: how it searched.
        options: keyword arguments of its environment.
        result: what it gave, see `nas_agents.run`.
        level: mean validation score of its network over the trainings that searches are compared by; None
            of a single search, and of one of several whose network could not be trained.
    """

    plan: Plan
    options: Mapping[str, Any]
    result: Mapping[str, Any]
    level: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Searches of two kinds of network.

    Attributes:
        searches: with their levels, the chosen one first.
        trainings: trainings that each level is the mean of.
    """

    searches: tuple[Search, Search]
    trainings: int

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {
            "chosen": self.searches[0].plan.kind,
            "scores": {one.plan.kind: one.level for one in self.searches},
            "trainings": self.trainings,
            "words": self.words,
        }

    @property
    def words(self) -> str:
        """What each kind of network reached, and why one was chosen, in a sentence without its stop."""
        one, other = self.searches
        chosen, left = one.plan.kind, other.plan.kind
        both = f"{chosen} and {left} were both searched"
        if one.level is None:
            return f"{both}: neither could be trained; {chosen} were taken"
        if other.level is None:
            return (
                f"{both}: no {left} could be trained; {chosen} were chosen, the best of which reach "
                f"{one.level:.3f} on validation examples, the mean of {self.trainings} further trainings"
            )
        return (
            f"{both}: the best {chosen} reach {one.level:.3f}, the best {left} {other.level:.3f} on "
            f"validation examples, means of {self.trainings} further trainings; {chosen} were "
            f"chosen{self._reason}"
        )

    @property
    def _reason(self) -> str:
        """Why the chosen one was chosen, where its score as it is told does not say so."""
        one, other = self.searches
        level, beside = one.level or 0.0, other.level or 0.0
        if f"{level:.3f}" == f"{beside:.3f}":
            is_smaller = _parameters(one.result) < _parameters(other.result)
            return ", as good as the others and smaller" if is_smaller else ""
        return ", the smaller network of two that are about as good" if level < beside else ""


def compared(before: Search, search: Search, margin: float) -> Comparison:
    """Compare the searches of two kinds of network.

    The trainings that tell are those by seeds that no search used and that the networks of both were trained
    with: those of the final score, and those of the finalists. By the latter each kind's network was chosen
    among its finalists, so that both levels are a little optimistic. The smaller network is chosen where the
    other is not better by more than one standard error, or the margin, as among finalists. A network that
    could not be trained is never chosen where another one could.

    Args:
        before: the search that was made first.
        search: the other one, which is chosen where nothing could be trained.
        margin: score that a smaller network may lose.
    """
    from nas_agents import best_choice

    both = (before, search)
    trained = [number for number, one in enumerate(both) if not _has_failed(one.result)]
    if not trained:
        return Comparison((search, before), 0)
    scores = [_further(both[number].result) for number in trained]
    seeds = sorted(set(scores[0]).intersection(*scores[1:]))
    values = np.array([[each[seed] for seed in seeds] for each in scores])
    levels = dict(zip(trained, values.mean(axis=1).tolist(), strict=True))
    chosen = trained[best_choice(values, [_parameters(both[number].result) for number in trained], margin)]
    made = [replace(one, level=levels.get(number)) for number, one in enumerate(both)]
    return Comparison((made[chosen], made[1 - chosen]), len(seeds))


def _has_failed(result: Mapping[str, Any]) -> bool:
    """Return whether a search found no network that could be trained."""
    own = [one for one in result["evaluations"] if one["architecture"] == result["architecture"]]
    return all(one["error"] for one in result["final"]) or all(one["error"] for one in own)


def _further(result: Mapping[str, Any]) -> dict[int, float]:
    """Return the validation scores of a chosen network by training seeds that the search did not use."""
    scores = {one["seed"]: one["validation_score"] for one in result["final"]}
    for one in result.get("finalists", ())[:1]:
        scores |= dict(zip(one["seeds"], one["scores"], strict=True))
    return scores


def _parameters(result: Mapping[str, Any]) -> int:
    found: int = next(
        one["parameters"] for one in result["evaluations"] if one["architecture"] == result["architecture"]
    )
    return found
