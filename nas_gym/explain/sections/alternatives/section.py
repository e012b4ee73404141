"""The alternatives to the found network as sentences, tables, numbers and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_gym.explain.evidence.rescoring import MOST_TRAININGS
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import out_of_time
from nas_gym.explain.report.phrases import counted, finite, listed, points, unsigned
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table
from nas_gym.explain.sections.alternatives.analysis import MARGIN, Alternatives, Neighbour, find_alternatives
from nas_gym.explain.sections.alternatives.facts import facts_of
from nas_gym.explain.sections.alternatives.figures import neighbour_figure, path_figure, seeds_of
from nas_gym.explain.sections.alternatives.numbers import (
    half_width,
    known_along_path,
    numbers_of,
    seeds_needed,
)
from nas_gym.explain.sections.alternatives.smaller import smaller_network

KEY, QUESTION = "alternatives", "What would change the result?"
NAMED = 3
UNEQUAL = 0.01


def explain_alternatives(
    evidence: Evidence, settings: Settings = DEFAULTS, *, margin: float = MARGIN
) -> Section:
    """Answer what one edit more would change, and what the shortest way to the network is.

    Args:
        evidence: evidence of the run.
        settings: the budget is the number of trainings at most, None for as many as the neighbours need, 200
            at most; what is looked up or computed is not counted. The seed is that of the draw of random
            networks, and of neighbours where not all are affordable.
        margin: size of changes of the score that do not matter.
    """
    found = find_alternatives(evidence, budget=settings.budget, seed=settings.seed, margin=margin)
    left = MOST_TRAININGS if settings.budget is None else settings.budget - found.scores.trainings
    return section_of(evidence, found, smaller_network(evidence, found, left))


ALTERNATIVES = Question(KEY, QUESTION, explain_alternatives, method=QUESTION)


def section_of(evidence: Evidence, found: Alternatives, smaller: Mapping[str, Any] | None = None) -> Section:
    """Return the section of what was found out."""
    numbers = numbers_of(evidence, found) | {"smaller": smaller}
    answer = (
        *_failure_words(numbers),
        *_neighbour_words(found),
        *_precision_words(found),
        *_path_words(evidence, found),
    )
    details = (*_chosen_words(evidence, found, numbers), *_taken_words(found), *_noise_words(evidence, found))
    label = evidence.metric.label
    figures = (
        [neighbour_figure(found, label)]
        if any(not math.isnan(one.change) for one in found.neighbours)
        else []
    )
    if found.path is not None and len(found.path) > 0:
        figures.append(path_figure(found, known_along_path(evidence, found), label))
    return Section(
        KEY,
        QUESTION,
        answer,
        details=details,
        trust=_trust(found),
        tables=tuple(_tables(evidence, found)),
        figures=tuple(figures),
        numbers=numbers,
        facts=facts_of(numbers)
        + tuple(
            out_of_time(f"change by {edit}", QUESTION)
            for edit, one in found.left_out
            if str(one) in found.scores.left_out
        ),
    )


def _failure_words(numbers: dict[str, Any]) -> list[str]:
    """Return what the new trainings of the found network failed at, where they did."""
    chosen = numbers["chosen"]
    if chosen["score"] is None:
        why = "every new training of it failed" if chosen["failed"] else "no further training was affordable"
        return [f"Nothing is compared with the found network, since {why}."]
    if chosen["failed"]:
        return [f"{chosen['failed']} of the new trainings of the found network failed, which is a risk."]
    return []


def _chosen_words(evidence: Evidence, found: Alternatives, numbers: dict[str, Any]) -> list[str]:
    """Return what the found network reaches in the trainings that it is compared by."""
    chosen, fidelity = numbers["chosen"], evidence.chosen.fidelity
    saw = f"the search saw {found.seen:.1%}" + (f" after {fidelity} epochs" if fidelity else "")
    if chosen["score"] is None:
        return [f"For the found network, {found.chosen}, {saw}."]
    measure = "test" if evidence.evaluator.selects_on_test else "validation"
    interval = _between(chosen["low"], chosen["high"])
    sentences = [
        f"What the others are compared with is the {measure} {evidence.metric.label} of the found network, "
        f"{found.chosen}, {found.scores.source}: {chosen['score']:.1%}{interval}; {saw}."
    ]
    optimism = chosen["optimism"]
    if fidelity is None and optimism is not None and optimism > 0:
        sentences.append(
            f"So the search saw a number that is {unsigned(optimism)} points too optimistic, as is usual for "
            "the best of many noisy numbers."
        )
    return sentences


def _neighbour_words(found: Alternatives) -> list[str]:
    """Return how many of the networks one change away are better, worse and about as good."""
    groups: dict[str, list[Neighbour]] = {}
    for one in found.neighbours:
        groups.setdefault(one.verdict, []).append(one)
    if not found.neighbours or not len(found.scores.of(found.chosen)):
        return _left_out_words(found)
    total = counted(len(found.neighbours), f"{'tested ' * bool(found.left_out)}network")
    better = groups.get("improves", [])
    verb = "is" if len(better) == 1 else "are"
    left_out = f" ({len(found.left_out):,} more were not tested, for want of budget or time)" * bool(
        found.left_out
    )
    sentences = [
        f"{len(better)} of the {total} one change away {verb} clearly better: {_named(better)}{left_out}."
        if better
        else f"None of the {total} one change away is clearly better{left_out}."
    ]
    margin = f"{100 * found.margin:g} point{'s' * (found.margin != 0.01)}"
    broken = list(reversed(groups.get("breaks", []) + groups.get("fails", [])))
    why = f"by more than {margin}" + ", or fails to train" * ("fails" in groups)
    counts = [
        (len(broken), f"clearly worse ({why})"),
        (len(groups.get("worse", [])), "clearly worse but perhaps by less"),
        (len(groups.get("does not matter", [])), f"as good within {margin}"),
        (len(groups.get("unclear", [])), "too close to it to tell"),
    ]
    parts = [f"{count} {'is' if count == 1 else 'are'} {what}" for count, what in counts if count]
    if parts:
        harmful = broken or list(reversed(groups.get("worse", [])))
        worst = f"; the worst: {_named(harmful[:1])}" if harmful else ""
        sentences.append(f"{listed(parts)}{worst}.")
    return sentences


def _precision_words(found: Alternatives) -> list[str]:
    """Return the difference that these trainings can show, where it is more than the margin."""
    half, needed = half_width(found), seeds_needed(found)
    if half is None or half <= found.margin or not any(one.verdict == "unclear" for one in found.neighbours):
        return []
    own = [len(found.scores.of(one.architecture)) for one in found.neighbours]
    trainings = counted(int(np.median([count for count in own if count] or [0])), "training")
    told = f"With {trainings} each, differences under {unsigned(half)} points cannot be seen"
    if needed is None:
        return [f"{told}."]
    margin = f"{100 * found.margin:g} point{'s' * (found.margin != 0.01)}"
    return [f"{told}; about {needed:,} trainings would show {margin}."]


def _noise_words(evidence: Evidence, found: Alternatives) -> list[str]:
    if math.isnan(found.comparisons.deviation) or found.comparisons.unequal >= UNEQUAL:
        return []
    return [
        f"The networks differ in how much their {evidence.metric.label} varies between seeds, and with so "
        "few seeds each the intervals may then be too narrow."
    ]


def _named(neighbours: list[Neighbour]) -> str:
    named = [
        f"{one.edit} ({'fails to train' if math.isnan(one.change) else points(one.change)})"
        for one in neighbours[:NAMED]
    ]
    return listed(named)


def _left_out_words(found: Alternatives) -> list[str]:
    if not found.left_out:
        return []
    return [
        f"{counted(len(found.left_out), 'network')} one change away {_were(len(found.left_out))} not tested, "
        "for want of budget or time."
    ]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _path_words(evidence: Evidence, found: Alternatives) -> list[str]:
    """Return the changes that lead to the found network from the start."""
    if str(found.start) == str(found.chosen):
        begun = "the one that the search started from" if evidence.steps else _begun(evidence, found)
        return [f"The found network is {begun}."]
    if found.path is None:
        return [
            f"No way of edits from {found.start} to it was found before the search for one was cut short."
        ]
    known = known_along_path(evidence, found)
    ways = [
        f"{edit} ({score:.1%})" if score is not None else edit
        for edit, (score, _) in zip(found.path.edits, known[1:], strict=True)
    ]
    begun = f" ({known[0][0]:.1%})" if known[0][0] is not None else ""
    count = len(found.path)
    lead = "One change leads" if count == 1 else f"{count} changes lead"
    begin = _begun(evidence, found)
    longer = "" if found.path.shortest else " (perhaps not the shortest way)"
    return [f"{lead} to it from {begin}, {found.start}{begun}{longer}: {', then '.join(ways)}."]


def _begun(evidence: Evidence, found: Alternatives) -> str:
    """Return what the start is: of the search, or of the space where the agent asked for networks."""
    if evidence.steps:
        return "the start"
    is_smallest = str(evidence.search_space.smallest()) == str(found.start)
    return "the smallest network of the space" if is_smallest else "the start of the space"


def _taken_words(found: Alternatives) -> list[str]:
    if found.steps_taken is None or found.path is None or not len(found.path):
        return []
    return [
        f"The agent took {counted(found.steps_taken, 'step')} there from where its episode began; "
        f"{'the shortest way has' if found.path.shortest else 'a way was found of'} "
        f"{counted(len(found.path), 'change')}."
    ]


def _trust(found: Alternatives) -> str:
    if math.isnan(found.comparisons.deviation):
        return (
            "No training was repeated with other seeds, so no interval can be given and nothing is called "
            "sure."
        )
    told = (
        f"The 95% intervals of all {len(found.compared)} differences hold at once, and count how trainings "
        "differ, not that the examples are a sample"
    )
    if not found.scores.unseen:
        return f"{told}; the search saw these trainings too, so part of the network's lead may be luck."
    return f"{told}."


def _tables(evidence: Evidence, found: Alternatives) -> list[Table]:
    tables, seeds, label = [], seeds_of(found), evidence.metric.label
    if found.neighbours:
        rows = tuple(
            (
                one.edit,
                str(one.architecture),
                one.seen,
                finite(one.score),
                finite(one.change),
                finite(one.low),
                finite(one.high),
                one.verdict,
            )
            for one in found.neighbours
        )
        head = ("edit", "network", "seen", seeds, "change", "from", "to", "verdict")
        caption = (
            f"Every {'tested ' * bool(found.left_out)}network one edit away: the {label} that the search "
            f"saw, the mean with {seeds}, its difference to the found network with a 95% interval that holds "
            f"for all rows at once, and what follows with a margin of {found.margin:g}."
        )
        tables.append(Table("neighbours", caption, head, rows))
    if found.path is not None and len(found.path):
        known = known_along_path(evidence, found)
        steps = tuple(
            (
                edit,
                str(one),
                score,
                seeds if fresh else "the search" if score is not None else None,
            )
            for edit, one, (score, fresh) in zip(
                ("start", *found.path.edits), found.path.architectures, known, strict=True
            )
        )
        caption = f"The way from the start to the found network, edit by edit, with {label} where known."
        tables.append(Table("path", caption, ("edit", "network", label, "known from"), steps))
    return tables


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" (95% interval over training seeds alone {100 * low:.1f} to {100 * high:.1f}%)"
