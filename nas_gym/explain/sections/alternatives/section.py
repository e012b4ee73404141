"""The alternatives to the found network as sentences, tables, numbers and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nas_gym.explain.evidence.rescoring import MOST_TRAININGS
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.phrases import counted, finite, listed, points
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table
from nas_gym.explain.sections.alternatives.analysis import MARGIN, Alternatives, Neighbour, find_alternatives
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


ALTERNATIVES = Question(KEY, QUESTION, explain_alternatives)


def section_of(evidence: Evidence, found: Alternatives, smaller: Mapping[str, Any] | None = None) -> Section:
    """Return the section of what was found out."""
    numbers = numbers_of(evidence, found) | {"smaller": smaller}
    answer = (
        *_chosen_words(evidence, found, numbers),
        *_left_out_words(found),
        *_neighbour_words(found),
        *_path_words(evidence, found),
    )
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
        trust=_trust(evidence, found),
        tables=tuple(_tables(evidence, found)),
        figures=tuple(figures),
        numbers=numbers,
    )


def _chosen_words(evidence: Evidence, found: Alternatives, numbers: dict[str, Any]) -> list[str]:
    chosen, fidelity = numbers["chosen"], evidence.chosen.fidelity
    name = f"The found network, {found.chosen} ({chosen['words']})"
    saw = f"the search saw {found.seen:.1%}" + (f" after {fidelity} epochs" if fidelity else "")
    if chosen["score"] is None:
        why = "every new training of it failed" if chosen["failed"] else "no further training was affordable"
        return [f"{name}: {saw}, and {why}, so nothing is compared with it."]
    measure = "test" if evidence.evaluator.selects_on_test else "validation"
    interval = _between(chosen["low"], chosen["high"])
    first = (
        f"{name}, reaches a {measure} {evidence.metric.label} of {chosen['score']:.1%}{interval} "
        f"{found.scores.source}; {saw}."
    )
    sentences = [first]
    optimism = chosen["optimism"]
    if fidelity is None and optimism is not None and optimism > 0:
        sentences.append(
            f"So the search saw a number that is {points(optimism).lstrip('+')} too optimistic, as is usual "
            "for the best of many noisy numbers."
        )
    if chosen["failed"]:
        sentences.append(f"{chosen['failed']} of its trainings failed, which is a risk.")
    return sentences


def _neighbour_words(found: Alternatives) -> list[str]:
    groups: dict[str, list[Neighbour]] = {}
    for one in found.neighbours:
        groups.setdefault(one.verdict, []).append(one)
    if not found.neighbours or not len(found.scores.of(found.chosen)):
        return []
    tested = "tested " if found.left_out else ""
    total = counted(len(found.neighbours), f"{tested}network")
    margin = f"{100 * found.margin:g} point{'s' * (found.margin != 0.01)}"
    sentences = []
    broken = list(reversed(groups.get("breaks", []) + groups.get("fails", [])))
    if broken:
        sentences.append(
            f"Of {total} one edit away, {len(broken)} {'is' if len(broken) == 1 else 'are'} surely worse by "
            f"more than {margin} or {'fails' if len(broken) == 1 else 'fail'} to train; the worst: "
            f"{_named(broken)}."
        )
    else:
        sentences.append(f"None of the {total} one edit away is surely worse by more than {margin}.")
    better = groups.get("improves", [])
    sentences.append(
        f"One more edit would have helped: {_named(better)} {'is' if len(better) == 1 else 'are'} better "
        "beyond what the luck of training explains."
        if better
        else f"No single {tested}edit is shown to improve it."
    )
    alike = groups.get("does not matter", [])
    needed = seeds_needed(found)
    if alike:
        verbs = ("changes", "does") if len(alike) == 1 else ("change", "do")
        sentences.append(
            f"{counted(len(alike), 'edit')} surely {verbs[0]} it by less than {margin} and so {verbs[1]} not "
            f"matter, for example {_named(alike)}."
        )
    elif needed is not None:
        half = half_width(found) or 0.0
        sentences.append(
            f"No edit can be shown not to matter: the intervals are about {100 * half:.1f} points to either "
            f"side, and about {needed} seeds for each network would be needed to detect {margin}."
        )
    worse, unclear = len(groups.get("worse", [])), len(groups.get("unclear", []))
    if worse:
        rest = f", and {unclear} cannot be distinguished from it by these trainings" if unclear else ""
        sentences.append(
            f"Of the others, {worse} {'is' if worse == 1 else 'are'} worse by an amount that may be less "
            f"than {margin}{rest}."
        )
    elif unclear:
        sentences.append(f"The other {unclear} cannot be distinguished from it by these trainings.")
    return sentences


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
        f"{counted(len(found.left_out), 'network')} one edit away would have cost more trainings"
        f"{' or time' if found.scores.left_out else ''} than this explanation may take; nothing is said of "
        f"{'it' if len(found.left_out) == 1 else 'them'}."
    ]


def _path_words(evidence: Evidence, found: Alternatives) -> list[str]:
    if str(found.start) == str(found.chosen):
        begun = "the one that the search started from" if evidence.steps else "the start of the space"
        return [f"The found network is {begun}."]
    if found.path is None:
        return [
            f"No sequence of edits from {found.start} to it was found before the search for one was cut "
            "short."
        ]
    known = known_along_path(evidence, found)
    ways = [
        f"{edit} ({score:.1%})" if score is not None else edit
        for edit, (score, _) in zip(found.path.edits, known[1:], strict=True)
    ]
    begun = f" ({known[0][0]:.1%})" if known[0][0] is not None else ""
    kind = "The shortest way" if found.path.shortest else "A way, perhaps not the shortest,"
    taken = "" if found.steps_taken is None else f"; the agent took {counted(found.steps_taken, 'step')}"
    return [
        f"{kind} to it from {found.start}{begun} is {counted(len(found.path), 'edit')}: "
        f"{', then '.join(ways)}{taken}."
    ]


def _trust(evidence: Evidence, found: Alternatives) -> str:
    comparisons = found.comparisons
    if math.isnan(comparisons.deviation):
        return (
            "No training was repeated with other seeds, so no interval can be given and nothing is called "
            "sure."
        )
    sentences = [
        f"The intervals of all {len(found.compared)} differences hold at once with 95% confidence "
        f"(Dunnett's comparisons with one control, {comparisons.degrees} degrees of freedom; not paired, "
        "because a seed gives two networks unrelated weights; of each network's own spread and the common "
        "one the larger counts). They count how trainings differ, on the "
        f"{'examples' if found.scores.unseen else 'recorded scores'} that the search chose by: on new "
        "examples small differences can come out otherwise."
    ]
    if not found.scores.unseen:
        sentences.append(
            "The search saw these trainings too, so the chosen network may owe part of its lead to luck."
        )
    if comparisons.unequal < UNEQUAL:
        sentences.append(
            f"The networks differ in how much their {evidence.metric.label} varies between seeds, and with "
            "so few seeds each the intervals may then be too narrow."
        )
    return " ".join(sentences)


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
    return f" (95% interval over training seeds alone {low:.1%} to {high:.1%})"
