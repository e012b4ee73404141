"""What a comparison of several objectives says beside its ranking: a row of fronts for each agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_agents.comparison.fronts.quality import Yardstick, middle
from nas_agents.comparison.records import Run, RunFront, by_agent
from nas_gym.envs import Objectives

GOES_BY = {"front": "the front", "first": "{first} alone", "none": "no objective"}
BY_FIRST = (
    "by the first objective ({first}) alone: the others are not looked at, and the front is of what was met "
    "on the way"
)
SINGLE = (
    "A single point is on {reference}: none of these objectives has to be paid for by another, and a share "
    "is 1 where a run has that point, else 0."
)
BY_NONE = "by no objective: what is evaluated is the same whatever was found"


@dataclass(frozen=True, slots=True)
class FrontSummary:
    """The fronts of the runs of one agent.

    Attributes:
        goes_by: ``"front"``, ``"first"`` or ``"none"``, see `Agent.under_objectives`.
        distance: median, first and third quartile over runs of IGD+ to the reference front.
        found: mean share of the points of the reference front that a run has.
        networks: mean number of networks on the front of a run.
        shown: the front of the run in the middle, which is listed.
        shown_seed: its seed.
    """

    goes_by: str
    distance: tuple[float, float, float]
    found: float
    networks: float
    shown: RunFront
    shown_seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able values of all attributes but the front; None for a distance that is infinite."""
        median, lower, upper = (each if np.isfinite(each) else None for each in self.distance)
        return {
            "goes_by": self.goes_by,
            "igd_plus_median": median,
            "igd_plus_lower_quartile": lower,
            "igd_plus_upper_quartile": upper,
            "share_of_reference_found": self.found,
            "networks_on_front": self.networks,
        }


@dataclass(frozen=True, eq=False)
class Fronts:
    """What was found of several objectives.

    Attributes:
        yardstick: what shares are of.
        rows: by agent.
        found: by agent the gains of the front of each run, float64 (networks, objectives), by seed.
    """

    yardstick: Yardstick
    rows: Mapping[str, FrontSummary]
    found: Mapping[str, Sequence[np.ndarray]]

    @property
    def objectives(self) -> Objectives:
        """The objectives, in order."""
        return self.yardstick.objectives

    @property
    def reference_in_words(self) -> str:
        """What the reference front is, such as ``"the exact front"``."""
        return "the exact front" if self.yardstick.exact else "the front of all that was found"

    @property
    def share_in_words(self) -> str:
        """What runs are ranked by."""
        return f"share of the hypervolume of {self.reference_in_words}"

    def goes_by(self, agent: str) -> str:
        """Return what an agent goes by, in words."""
        return GOES_BY[self.rows[agent].goes_by].format(first=self.objectives[0].name)

    def values(self, gains: np.ndarray) -> np.ndarray:
        """Return gains in the units of the objectives: scores as they are, and costs as they are paid."""
        scales = np.array([-(each.scale or 1.0) if each.is_cost else 1.0 for each in self.objectives])
        found: np.ndarray = gains * scales
        return found

    def notes(self) -> Iterator[str]:
        """Say where there is nothing to trade, and which agents do not search for a front."""
        first = self.objectives[0].name
        if len(self.yardstick.reference) == 1:
            yield SINGLE.format(reference=self.reference_in_words)
        for goes_by, said in (("first", BY_FIRST.format(first=first)), ("none", BY_NONE)):
            names = [agent for agent, row in self.rows.items() if row.goes_by == goes_by]
            if names:
                listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
                yield f"{listed} {'go' if len(names) > 1 else 'goes'} {said}."

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able values: the reference, and the front of every run, as gains."""
        return {
            "objectives": self.objectives.config(),
            "reference": self.reference_in_words,
            "reference_front": self.yardstick.reference.tolist(),
            "fronts": {agent: [gains.tolist() for gains in each] for agent, each in self.found.items()},
        }


def summarise_fronts(runs: Sequence[Run], yardstick: Yardstick, goes_by: Mapping[str, str]) -> Fronts:
    """Return what runs with fronts found.

    Args:
        runs: runs that all have a front.
        yardstick: what they are measured by.
        goes_by: by agent what it goes by, see `Agent.under_objectives`.
    """
    groups = by_agent(runs)
    return Fronts(
        yardstick,
        {agent: _row(group, goes_by.get(agent, "first")) for agent, group in groups.items()},
        {agent: [_of(run).gains for run in group] for agent, group in groups.items()},
    )


def _row(runs: Sequence[Run], goes_by: str) -> FrontSummary:
    distances = np.array([_of(run).distance for run in runs])
    # Between a finite distance and an infinite one nothing is interpolated.
    method: Any = "linear" if np.isfinite(distances).all() else "higher"
    low, half, high = np.quantile(distances, (0.25, 0.5, 0.75), method=method).tolist()
    shown = middle(runs)
    return FrontSummary(
        goes_by=goes_by,
        distance=(half, low, high),
        found=float(np.mean([_of(run).found for run in runs])),
        networks=float(np.mean([len(_of(run).gains) for run in runs])),
        shown=_of(shown),
        shown_seed=shown.seed,
    )


def _of(run: Run) -> RunFront:
    assert run.front is not None
    return run.front
