"""What was found out of several runs, and words that all sections share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.explain.evidence.together import Together
from nas_gym.explain.fact import Fact
from nas_gym.explain.report.phrases import listed, signed
from nas_gym.explain.sections.together.agents import Agents
from nas_gym.explain.sections.together.best import BestNetworks
from nas_gym.explain.sections.together.choices import Choice, ChoicesTogether
from nas_gym.explain.sections.together.kinds import Kinds

MOST_NAMED = 4


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found out of several runs.

    Attributes:
        together: the runs.
        best: the best networks.
        choices: the choices, or why nothing can be said of them.
        agents: the agents.
        kinds: the best networks by what makes them good.
    """

    together: Together
    best: BestNetworks
    choices: ChoicesTogether | str
    agents: Agents
    kinds: Kinds

    @property
    def shown(self) -> tuple[Choice, ...]:
        """The choices that are shown to matter."""
        return () if isinstance(self.choices, str) else self.choices.shown


def trainings_of(found: Findings) -> str:
    """Return what the scores of the best networks are of."""
    evaluator = found.together.evidence.evaluator
    if evaluator.table is not None:
        return "recorded trainings"
    return "trainings" if evaluator.trains else "evaluations"


def some(names: Sequence[str]) -> str:
    """Return names, the first few of many."""
    if len(names) <= MOST_NAMED + 1:
        return listed(names)
    return listed([*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"])


def interval_of(fact: Fact) -> str | None:
    """Return the interval of a share in words; None without one."""
    if fact.low is None or fact.high is None:
        return None
    return f"{100 * fact.low:.0f} to {100 * fact.high:.0f}%"


def gap_of(fact: Fact) -> str | None:
    """Return a difference of shares in points, with its interval; None where it is not known."""
    if fact.estimate is None:
        return None
    ends = "" if fact.low is None or fact.high is None else f" ({signed(fact.low)} to {signed(fact.high)})"
    return f"{signed(fact.value)}{ends}"
