"""Which choices matter, and what the best networks have in common, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas_gym.explain.fact import Verdict
from nas_gym.explain.report.phrases import counted, listed, unsigned
from nas_gym.explain.sections.together.findings import Findings, some
from nas_gym.explain.sections.together.kinds import DECIDING, NONE

MOST_CHOICES = 4


def which_choices(found: Findings) -> Iterator[str]:
    """Yield which choices matter, and what each costs."""
    choices = found.choices
    if isinstance(choices, str):
        yield choices
        return
    over = (
        f"By {counted(len(choices.used.y), 'different network')} of "
        f"{counted(len(found.together.runs), 'run')}"
    )
    if not choices.shown:
        yield f"{over}, none is shown to matter: what differs between their options could be chance."
        return
    told = [
        f"({number}) {one.name}: {one.best} is best and {one.worst} worst, {unsigned(one.gap)} points "
        "apart on average"
        for number, one in enumerate(choices.shown[:MOST_CHOICES], 1)
    ]
    more = choices.shown[MOST_CHOICES:]
    rest = f"; less, but beyond chance: {listed([one.name for one in more])}" if more else ""
    verb = "is" if len(choices.shown) == 1 else "are"
    yield f"{over}, {counted(len(choices.shown), 'choice')} {verb} shown to matter: {'; '.join(told)}{rest}."
    other = [
        f"{one.name} {value}"
        for one in choices.shown
        if (value := _of_best(found, one.name)) not in (None, one.best)
    ]
    if other:
        yield (
            f"The best network has another option in {some(other)}: what is best on average need not be "
            "best beside other choices."
        )
    quiet = [one.name for one in choices.choices if one.fact.verdict is Verdict.NOT_SHOWN]
    if quiet:
        yield f"Not shown to matter: {some(quiet)}."


def _of_best(found: Findings, name: str) -> str | None:
    """Return the option of the best network, None where it does not have the choice."""
    space, best = found.together.evidence.search_space, found.best.best.architecture
    if name not in space.active_variables(best):
        return None
    return str(space.variables[name].choices[space.encode(best)[name]])


def what_one_run_tells(found: Findings, *, by_how_many: bool = False) -> Iterator[str]:
    """Yield which of the choices no single run could tell, and on demand how many runs tell the others."""
    choices = found.choices
    if isinstance(choices, str) or not choices.shown or len(found.together.runs) < 2:
        return
    asked, runs = choices.asked, len(found.together.runs)
    if not asked:
        yield f"No single run could tell any of this: each of the {runs} has too few evaluations."
        return
    alone = [one for one in choices.shown if not one.alone]
    if alone:
        who = (
            f"None of the {runs} runs"
            if asked == runs
            else f"None of the {asked} runs that have evaluations enough"
        )
        yield f"{who} shows {listed([one.name for one in alone])} by itself; only all together do."
    some = [one for one in choices.shown[:MOST_CHOICES] if one.alone]
    if some and by_how_many:
        told = [f"{one.alone} {one.name}" for one in some[1:]]
        first = f"{some[0].alone} of {counted(asked, 'run')} show {some[0].name}"
        yield f"By themselves, {listed([first, *told])}."


def in_common(found: Findings) -> Iterator[str]:
    """Yield what the best networks share, and what they leave open."""
    kinds, leading = found.kinds, found.best.leading
    count = len(leading)
    if count == 1:
        yield "Only one network was scored, so nothing can be in common."
        return
    gap = max(0.1, 100 * (leading[0].score - leading[-1].score))
    which = f"the {count} best networks, which lie within {gap:.1f} points"
    if leading is found.best.good:
        which = f"the {count} networks within a point of the best, itself included"
    if not found.shown:
        yield f"What makes {which}, good cannot be said: no choice is shown to matter."
        return
    shared = [f"{name} {value}" for name, value in kinds.shared.items() if value != NONE]
    absent = [name for name, value in kinds.shared.items() if value == NONE]
    avoided = [f"{name} {_or(values)}" for name, values in kinds.avoided.items()]
    parts = []
    if shared:
        parts.append(f"all have {listed(shared)}")
    if absent:
        parts.append(f"none has a {_or(absent)}")
    if avoided:
        parts.append(f"none has {listed(avoided)}")
    if parts:
        yield f"Of {which}, {' and '.join(parts)}."
    else:
        yield f"In no choice that matters do {which}, agree."
    groups = len(kinds.kinds)
    if groups == 1:
        yield f"By {_most(found)} they are of one kind, good for the same reasons."
    elif groups == count:
        yield f"No two of them agree in {_most(found)}."
    else:
        largest = kinds.kinds[0]
        yield (
            f"By {_most(found)} they are of {groups} kinds; the largest, of "
            f"{len(largest.networks)} networks, has "
            f"{listed([f'{name} {value}' for name, value in largest.options.items() if value != NONE])}."
        )
    free = [*kinds.free, *kinds.open]
    if free:
        yield f"They leave open {some(free)}."


def _most(found: Findings) -> str:
    """Return the choices that kinds are told apart by."""
    count = len(found.shown)
    if count == 1:
        return f"the choice that matters, {found.shown[0].name},"
    return f"the {min(count, DECIDING)} choices that matter{' most' if count > DECIDING else ''}"


def _or(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
