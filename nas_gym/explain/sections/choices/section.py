"""The importance of choices in sentences, tables and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym._clock import in_time
from nas_gym.explain.broken_off import broken_off
from nas_gym.explain.evidence.evaluations import UsableEvaluations, usable
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import Fact
from nas_gym.explain.methods.anova.components import evaluations_needed
from nas_gym.explain.methods.anova.deletion import Deletion
from nas_gym.explain.methods.anova.encoding import encode_architectures, reference
from nas_gym.explain.methods.anova.importance import Importance, Importances, estimate
from nas_gym.explain.methods.anova.permutation import PERMUTATIONS
from nas_gym.explain.report.phrases import counted, deviation_in_points, finite, listed, percent, unsigned
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, withheld
from nas_gym.explain.sections.choices.analysis import Findings, deletion_of, exact_of
from nas_gym.explain.sections.choices.facts import WHOLE, facts_of
from nas_gym.explain.sections.choices.figures import figures
from nas_gym.explain.sections.choices.tables import (
    best_and_worst,
    cell_words,
    choices_table,
    is_motif,
    pairs_table,
    values_table,
)

KEY, QUESTION = "choices", "Which choices matter?"
MOST_NAMED = 5
FEWEST_SETS = 5
"""Number of other sets of choices from which the comparison of a deletion test says something."""


def explain_choices(
    evidence: Evidence, settings: Settings = DEFAULTS, *, permutations: int = PERMUTATIONS
) -> Section:
    """Answer how much each architectural choice and each pair matters, with intervals and tests.

    Args:
        evidence: evidence of the run.
        settings: the budget is the number of trainings of the deletion test at most, which are those that
            the section on alternatives needs, too, None for 200; the seed is that of permutations,
            intervals and the sample of a large space.
        permutations: number of permutations in the tests of significance.
    """
    used = usable(evidence, seed=settings.seed)
    label = evidence.metric.label
    base = encode_architectures(evidence.search_space, reference(evidence.search_space, settings.seed))
    wanted = evaluations_needed(base)
    if len(used.y) < wanted:
        return withheld(KEY, QUESTION, _too_few(used, wanted), used.counts() | {"needed": wanted})
    if used.y.std() < 1e-9:
        why = f"All {len(used.y)} evaluations have the same {label}, so no choice made a difference to it."
        return withheld(KEY, QUESTION, why, used.counts())
    visited = encode_architectures(evidence.search_space, used.architectures)
    estimated = estimate(base, visited, used.y, permutations, settings.seed)
    table = in_time(lambda: exact_of(evidence, used.fidelity, permutations, settings.seed))
    ranking = [one.name for one in estimated.choices if one.value is not None]
    missing = ["a look at the whole table"] if table is None and evidence.clock.is_over else []
    found = Findings(label, used, estimated, table, deletion_of(evidence, ranking, settings.budget))
    if found.deletion is None and evidence.clock.is_over:
        missing.append("the check that changes these choices in the found network")
    return broken_off(section_of(found), missing)


CHOICES = Question(KEY, QUESTION, explain_choices, method=QUESTION)


def _too_few(used: UsableEvaluations, wanted: int) -> str:
    return (
        f"Not enough evaluations to say: {len(used.y)} different networks cannot separate the effects of the "
        f"choices from each other and from chance, at least {wanted} are needed. {used.left_out()}"
    ).strip()


def section_of(found: Findings) -> Section:
    """Return the section of what was found out."""
    estimated = found.estimated
    answer, found_something = _answer(found)
    details = [
        *_intervals(estimated, found.label),
        *_undetermined(estimated),
        *_more_pairs(estimated),
        *_untried(estimated),
        *_deletion(found.deletion),
        *_checked(found),
        *_estimated(found),
    ]
    tables = [choices_table(found), values_table(estimated, found.label)]
    if estimated.pairs:
        tables.append(pairs_table(found))
    return Section(
        KEY,
        QUESTION,
        answer,
        details=tuple(details),
        has_finding=found_something,
        trust=_trust(found) if found_something else "",
        tables=tuple(tables),
        figures=tuple(figures(found)),
        numbers=_numbers(found),
        facts=_facts(found),
    )


def _facts(found: Findings) -> tuple[Fact, ...]:
    """Return the importance of each choice and pair, by the run and by the whole table where there is one."""
    facts = [*facts_of(found.estimated, f"{len(found.used.y)} evaluations")]
    if found.table is not None:
        facts += facts_of(found.table, WHOLE)
    return tuple(facts)


def _answer(found: Findings) -> tuple[tuple[str, ...], bool]:
    """Return what matters in up to four sentences, and whether anything is shown to."""
    estimated = found.estimated
    together = [one for one in estimated.pairs if one.significant()]
    if not (_significant(estimated) or together):
        none = (
            f"{len(found.used.y)} evaluations do not show that any choice matters on average over the space."
        )
        return (none,), False
    quiet = _unimportant(estimated) if _significant(estimated) else []
    said = [*_most_important(estimated, found.label), *quiet, *_pairs(together[:1])]
    return tuple(said), True


def _significant(found: Importances) -> list[Importance]:
    return [one for one in found.choices if one.significant()]


def _most_important(found: Importances, label: str) -> list[str]:
    named = _significant(found)[:3]
    if not named:
        return ["No choice alone has an effect that these evaluations can distinguish from chance."]
    first, others = named[0], named[1:]
    best, worst = _ends(first)
    sentences = [
        f"What matters most is {first.name}: between its best option, {best}, and its worst, {worst}, lie "
        f"{_between(first)} points of {label} on average over the space."
    ]
    if others:
        told = [f"{one.name} ({_between(one)} points, best {_ends(one)[0]})" for one in others]
        sentences.append(f"Then {'come' if len(others) > 1 else 'comes'} {listed(told)}.")
    return sentences


def _ends(one: Importance) -> tuple[str, str]:
    """Return the best and the worst value in words."""
    best, worst = best_and_worst(one)
    return one.component.words[best][0], one.component.words[worst][0]


def _between(one: Importance) -> str:
    """Return the points between the best and the worst value."""
    best, worst = best_and_worst(one)
    return unsigned(float(one.effects[best] - one.effects[worst]))


def _intervals(found: Importances, label: str) -> list[str]:
    """Return how much mean scores differ between the values of the choices that matter, with intervals."""
    told = [
        f"{one.name} {size}{f' ({interval})' if interval else ''}"
        for one in _significant(found)[:3]
        for size, interval in [_spread(one)]
    ]
    return (
        [f"The standard deviation of mean {label} between the values of a choice: {'; '.join(told)}."]
        if told
        else []
    )


def _spread(one: Importance) -> tuple[str, str]:
    """Return the standard deviation and its interval in words, "" for none."""
    low, high = (
        deviation_in_points(max(0.0, each)) if each is not None else None for each in (one.low, one.high)
    )
    interval = "" if low is None else f"95% interval {low:.1f} to {high:.1f}"
    return f"{deviation_in_points(one.value):.1f} points", interval


def _unimportant(found: Importances) -> list[str]:
    quiet = [one.name for one in found.choices if one.value is not None and not one.significant()]
    return [f"Not shown to matter on average: {_some(quiet)}."] if quiet else []


def _undetermined(found: Importances) -> list[str]:
    unknown = [f"{one.name} ({one.why})" for one in found.choices if one.value is None]
    return [f"Not determined by these evaluations: {_some(unknown)}."] if unknown else []


def _some(names: list[str]) -> str:
    """Return names, the first few of many."""
    if len(names) <= MOST_NAMED + 1:
        return listed(names)
    return listed([*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"])


def _pairs(together: list[Importance]) -> list[str]:
    """Return what the first pair does together beyond what each does alone."""
    sentences = []
    for one in together:
        cell = int(np.argmax(np.abs(one.effects)))
        kind = "connected operations" if is_motif(one) else "choices"
        side = "worse" if one.effects[cell] < 0 else "better"
        size = unsigned(one.effects[cell])
        sentences.append(
            f"Two {kind} interact: {cell_words(one, cell)} is {size} points {side} than both effects added."
        )
    return sentences


def _more_pairs(found: Importances) -> list[str]:
    """Return how sure the pairs are, what else could explain them, and how many more there are."""
    if not found.pairs:
        return []
    together = [one for one in found.pairs if one.significant()]
    if not together:
        return [f"No two of the choices are shown to interact ({counted(len(found.pairs), 'pair')} tested)."]
    first = together[0]
    sentences = [
        f"The interaction of {listed(list(first.component.names))} has p = {first.p:.3f}, adjusted for "
        f"{counted(len(found.pairs), 'pair')}."
    ]
    if first.rivals:
        sentences.append(
            f"An interaction of {_some(list(first.rivals))} would explain the same evaluations about as "
            "well: the agent evaluated these combinations too rarely, and together, to say which it is."
        )
    if len(together) > 1:
        sentences.append(f"{counted(len(together) - 1, 'more pair')} interact, which the table names.")
    return sentences


def _untried(found: Importances) -> list[str]:
    """Return a sentence on the depths and values that were never evaluated together."""
    if not found.untried:
        return []
    pairs = [f"depth {depth} and {name} {value}" for depth, name, value in found.untried]
    return [
        f"Never evaluated together: {_some(pairs)}. An interaction that exists only there could not be seen."
    ]


def _deletion(test: Deletion | None) -> list[str]:
    if test is None or test.sets < FEWEST_SETS:
        return []
    names, own, others = listed(list(test.named)), unsigned(test.drop), unsigned(test.others)
    verdict = (
        f"costs {own} points on average, changing as many others {others}, as expected if they matter most"
        if test.passed
        else f"costs {_no_more(test)} ({own} points on average) than changing as many others ({others}), so "
        "they are not shown to explain this network"
    )
    below = f"{percent(test.below)} of the {test.sets:,} other sets of choices cost less"
    return [f"Check: changing {names} in the found network {verdict} ({below})."]


def _no_more(test: Deletion) -> str:
    return "no more" if test.drop <= test.others else "hardly more"


def _checked(found: Findings) -> list[str]:
    if found.table is None or found.agreement is None:
        return []
    held, of = found.covered or (0, 0)
    beyond = [sum(one.significant() for one in group) for group in (found.table.choices, found.table.pairs)]
    return [
        "The run's table holds every network, so this can be checked: the order of the estimates agrees "
        f"with that of the whole table with Kendall's tau {found.agreement:.2f} (1 is the same order), and "
        f"{held} of {of} intervals contain the table's value. In the whole table {beyond[0]} of "
        f"{counted(len(found.table.choices), 'choice')} and {beyond[1]} of "
        f"{counted(len(found.table.pairs), 'pair')} have an effect beyond chance, by permutation within "
        "depth.",
    ]


def _trust(found: Findings) -> str:
    """Return on what the answer rests, and whether it holds at the found network, too."""
    told = f"These are averages over the whole space, estimated from {len(found.used.y)} evaluations"
    test = found.deletion
    shown = {one.name for one in _significant(found.estimated)}
    if test is not None and test.sets >= FEWEST_SETS and not test.passed and shown & set(test.named):
        names = listed(list(test.named))
        return f"{told}; in the found network changing {names} costs {_no_more(test)} than other changes."
    return f"{told}; at a particular network it can be different."


def _estimated(found: Findings) -> list[str]:
    """Return what the estimates leave unexplained, which intervals are wider, and what was left out."""
    used, estimated = found.used, found.estimated
    widened = [one for one in estimated.choices if one.value is not None and one.why]
    sentences = [
        f"What single choices and pairs do not explain of the {found.label}, which includes noise, has a "
        f"standard deviation of {100 * (estimated.rest or 0.0):.1f} points."
    ]
    if widened:
        names = _some([one.name for one in widened])
        several = len(widened) > 1
        sentences.append(
            f"The interval{'s' * several} of {names} {'are' if several else 'is'} widened because the agent "
            f"left gaps: {widened[0].why}."
        )
    if used.left_out():
        sentences.append(used.left_out())
    return sentences


def _numbers(found: Findings) -> dict[str, Any]:
    return {
        **found.used.counts(),
        "unexplained_deviation": finite(found.estimated.rest),
        "choices": [_as_dict(one) for one in found.estimated.choices],
        "pairs": [_as_dict(one) for one in found.estimated.pairs],
        "untried": [list(one) for one in found.estimated.untried],
        "table": None
        if found.table is None
        else {
            "choices": [_as_dict(one) for one in found.table.choices],
            "pairs": [_as_dict(one) for one in found.table.pairs],
            "seed_deviation": finite(found.table.rest),
            "kendall_tau": found.agreement,
            "intervals_that_hold": list(found.covered or ()),
        },
        "deletion": None if found.deletion is None else _deletion_numbers(found.deletion),
    }


def _as_dict(one: Importance) -> dict[str, Any]:
    return {
        "name": one.name,
        "motif": is_motif(one),
        "importance": finite(one.value),
        "low": finite(one.low),
        "high": finite(one.high),
        "p": finite(one.p),
        "significant": one.significant(),
        "effects": {
            " and ".join(words): float(effect)
            for words, effect, share in zip(
                one.component.words, one.effects, one.component.share, strict=True
            )
            if share > 0 and one.value is not None
        },
        "evaluations": int(one.visits.sum()),
        "note": one.why,
        "rivals": list(one.rivals),
    }


def _deletion_numbers(test: Deletion) -> dict[str, Any]:
    return {
        "named": list(test.named),
        "drop": test.drop,
        "drop_of_other_sets": test.others,
        "share_of_other_sets_below": test.below,
        "other_sets": test.sets,
        "edits": test.changes,
        "drop_by_choice": dict(test.drops),
        "passed": test.passed,
    }
