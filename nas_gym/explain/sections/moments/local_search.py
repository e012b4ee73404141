"""Where a run parts from local search: the evaluations that a hill climber would not have made there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.explain.report.phrases import counted, points, unsigned
from nas_gym.explain.section import Section, Table

FAR = 6
"""Edits beyond which a network is only called far away."""
SHOWN = 6


@dataclass(frozen=True)
class Parting:
    """An evaluation of a network that is not one edit from the best network known then.

    Attributes:
        one: the evaluation.
        best: the best network known before it.
        gain: how far it raised the best score, 0 if it did not.
    """

    one: SeenEvaluation
    best: SeenEvaluation
    gain: float


@dataclass(frozen=True)
class Comparison:
    """A run beside local search, which evaluates only what is one edit from the best network it knows.

    Attributes:
        evaluations: evaluations by the full recipe after the first.
        partings: those that local search would not have made.
        gain_near: what the others gained in all.
    """

    evaluations: int
    partings: tuple[Parting, ...]
    gain_near: float

    @property
    def gain_far(self) -> float:
        """What the partings gained in all."""
        return sum(parting.gain for parting in self.partings)


def beside_local_search(evidence: Evidence) -> Comparison:
    """Compare the evaluations of a run with what local search from the best network known might evaluate."""
    best: SeenEvaluation | None = None
    around: set[Any] = set()
    partings, evaluations, near = list[Parting](), 0, 0.0
    for one in evidence.seen:
        if one.fidelity is not None:
            continue
        if best is not None:
            evaluations += 1
            gain = 0.0 if one.failed else max(0.0, one.score - best.score)
            if one.architecture in around:
                near += gain
            else:
                partings.append(Parting(one, best, gain))
        if not one.failed and (best is None or one.score > best.score):
            best, around = one, set(evidence.search_space.neighbours(one.architecture))
    return Comparison(evaluations, tuple(partings), near)


def with_local_search(section: Section, evidence: Evidence) -> Section:
    """Add to a section where the run parts from local search, for a run that left a policy."""
    if not evidence.snapshots:
        return section
    found = beside_local_search(evidence)
    if not found.evaluations:
        return section
    numbers = {
        "evaluations": found.evaluations,
        "parted": len(found.partings),
        "gain_where_parted": found.gain_far,
        "gain_elsewhere": found.gain_near,
    }
    return replace(
        section,
        details=(*section.details, *sentences(found, evidence)),
        tables=(*section.tables, *([partings_table(found, evidence)] if found.partings else [])),
        numbers={**section.numbers, "local_search": numbers},
    )


def sentences(found: Comparison, evidence: Evidence) -> tuple[str, ...]:
    """Say how often the run parted from local search, where first, and what that gained."""
    label, count = evidence.metric.label, len(found.partings)
    if not count:
        return (
            f"It never parted from local search: all {counted(found.evaluations, 'evaluation')} after the "
            "first were of networks one edit from the best known.",
        )
    first = found.partings[0]
    return (
        "It parted from local search, which evaluates only networks one edit from the best known, in "
        f"{count} of {counted(found.evaluations, 'evaluation')} after the first: at first with number "
        f"{first.one.order + 1}, `{first.one.architecture}`, {_away(evidence, first)} from "
        f"`{first.best.architecture}`. Where it parted it gained {unsigned(found.gain_far)} points of the "
        f"best {label} in all, elsewhere {unsigned(found.gain_near)}.",
    )


def partings_table(found: Comparison, evidence: Evidence) -> Table:
    """Return the partings that gained most, then the first ones."""
    order = sorted(found.partings, key=lambda each: (-each.gain, each.one.order))[:SHOWN]
    return Table(
        "local_search",
        "Where the run parted from local search: evaluations more than one edit from the best network known.",
        ("evaluation", "network", "from the best", evidence.metric.label, "gain"),
        tuple(
            (
                each.one.order + 1,
                str(each.one.architecture),
                _away(evidence, each),
                None if each.one.failed else round(each.one.score, 4),
                points(each.gain),
            )
            for each in order
        ),
    )


def _away(evidence: Evidence, parting: Parting) -> str:
    space = evidence.search_space
    if space.least_edits(parting.best.architecture, parting.one.architecture) > FAR:
        return f"more than {FAR} edits"
    path = space.shortest_path(parting.best.architecture, parting.one.architecture)
    return "some edits" if path is None else counted(len(path), "edit")
