"""The effects of edits in sentences, a report table, a figure and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from nas_gym.explain.evidence.evaluations import UsableEvaluations, usable
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.anova.components import evaluations_needed
from nas_gym.explain.methods.anova.edit_effects import EditEffects, Effect, estimate_effects
from nas_gym.explain.methods.anova.encoding import encode_architectures, reference
from nas_gym.explain.methods.anova.squared_norm import Interval
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted, finite, listed, points, signed
from nas_gym.explain.section import DEFAULTS, Cell, Figure, Question, Section, Settings, Table, withheld

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KEY, QUESTION = "edits", "Which edits help?"
NAMED, BARS, OFTEN = 3, 16, 5


@dataclass(frozen=True)
class KnownEffect:
    """An effect that the evaluations determine.

    Attributes:
        words: the edit; of two opposite ones the one that helps.
        effect: its effect.
        change: its mean change of the score.
        fact: what may be said of that.
    """

    words: str
    effect: Effect
    change: Interval
    fact: Fact


def explain_edits(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer what effect each kind of edit has on the score, wherever the agent was when it made it.

    Args:
        evidence: evidence of the run.
        settings: the seed is that of the simultaneous intervals and of the sample of a large space.
    """
    space, label = evidence.search_space, evidence.metric.label
    used = usable(evidence, seed=settings.seed)
    wanted = evaluations_needed(encode_architectures(space, reference(space, settings.seed)))
    if len(used.y) < wanted:
        why = (
            f"Not enough evaluations to say: {len(used.y)} different networks cannot separate the effects of "
            f"the edits, at least {wanted} are needed. {used.left_out()}"
        )
        return withheld(KEY, QUESTION, why.strip(), used.counts() | {"needed": wanted})
    if used.y.std() < 1e-9:
        why = f"All {len(used.y)} evaluations have the same {label}, so no edit made a difference to it."
        return withheld(KEY, QUESTION, why, used.counts())
    steps = list(_steps(evidence))
    found = estimate_effects(space, used.architectures, used.y, steps, seed=settings.seed)
    return _section(used, found, label)


EDITS = Question(KEY, QUESTION, explain_edits, method=QUESTION)


def _steps(evidence: Evidence) -> Iterator[tuple[Any, Any]]:
    """Yield the architectures before and after each step that edited."""
    parse = evidence.search_space.parse
    known: dict[str, Any] = {}
    for step in evidence.steps:
        if step.architecture != step.next:
            ends = [
                known.get(text) or known.setdefault(text, parse(text))
                for text in (step.architecture, step.next)
            ]
            yield ends[0], ends[1]


def _oriented(one: Effect) -> tuple[str, Effect]:
    """Return an edit in words and its effect; of two opposite edits the one that helps."""
    if not one.kind.opposite or one.change is None or one.change.value >= 0:
        return one.kind.words, one
    turned = Interval(-one.change.value, -one.change.high, -one.change.low)
    return one.kind.opposite, replace(
        one, change=turned, in_steps=None if one.in_steps is None else -one.in_steps
    )


def _section(used: UsableEvaluations, found: EditEffects, label: str) -> Section:
    effects = [_oriented(one) for one in found.effects]
    facts = [_fact(words, one, len(used.y)) for words, one in effects]
    known = [
        KnownEffect(words, one, one.change, fact)
        for (words, one), fact in zip(effects, facts, strict=True)
        if one.change is not None
    ]
    found_something = any(one.fact.is_shown for one in known)
    return Section(
        KEY,
        QUESTION,
        tuple(_answer(known)) if found_something else (_nothing(known, len(used.y)),),
        details=tuple(_details(known, len(effects), used, found.left_out)),
        has_finding=found_something,
        trust=_trust(used) if found_something else "",
        tables=(_table(effects, label),),
        figures=(_forest(known[:BARS], label),) if known else (),
        numbers=used.counts()
        | {"depths_left_out": list(found.left_out), "edits": [_as_dict(*each) for each in effects]},
        withheld=not known,
        facts=tuple(facts),
    )


def _fact(words: str, one: Effect, evaluations: int) -> Fact:
    """Return the effect of a kind of edit; its intervals hold for all kinds at once, as its p-value does."""
    key = f"effect of {words}"
    of = f"mean change of the score by the edit to {words}, over the networks of the space"
    over, change = f"{evaluations} evaluations", one.change
    if change is None:
        return difference(key, of, over, None, None, None, evaluations)
    return difference(key, of, over, change.value, change.low, change.high, evaluations, p=one.p)


def _nothing(known: list[KnownEffect], evaluations: int) -> str:
    """Return that no edit is shown to have an effect, in a sentence."""
    if not known:
        return "Nothing can be said: the evaluated networks determine the effect of no edit."
    return f"{evaluations} evaluations do not show that any kind of edit helps or harms on average."


def _answer(known: list[KnownEffect]) -> Iterator[str]:
    """Yield what helps most, what harms most, and whether the agent's own steps mislead."""
    helps = [one for one in known if one.fact.is_positive]
    harms = [one for one in known if one.fact.is_negative]
    for verb, effects in (("helps", helps), ("harms", harms)):
        named = [one for one in effects if not one.effect.kind.anywhere]
        if named:
            more = [f"to {one.words} ({points(one.change.value)})" for one in named[1:NAMED]]
            after = f", then {listed(more)}" if more else ""
            yield (
                f"What {verb} most, on average over the space, is to {named[0].words} "
                f"({_interval(named[0].change)}){after}."
            )
    anywhere = [
        f"{one.words.replace(', anywhere,', '').replace(', anywhere', '')} ({points(one.change.value)})"
        for one in helps
        if one.effect.kind.anywhere
    ]
    if anywhere:
        yield f"Wherever it is made, it helps to {listed(anywhere[:NAMED])}."
    misled = len(_misleading(known))
    if misled:
        yield f"For {counted(misled, 'kind')} of edit the agent's own experience misleads."


def _misleading(known: list[KnownEffect]) -> list[Effect]:
    """Return the effects that the mean change in the agent's own steps is surely not."""
    return [
        one.effect
        for one in known
        if one.effect.in_steps is not None
        and one.effect.steps >= OFTEN
        and not one.change.low <= one.effect.in_steps <= one.change.high
    ]


def _details(
    known: list[KnownEffect], of: int, used: UsableEvaluations, left_out: Sequence[str]
) -> Iterator[str]:
    unclear = sum(not one.fact.is_shown for one in known)
    if unclear:
        others = "other " if unclear < len(known) else ""
        whether = "it helps or harms" if unclear == 1 else "they help or harm"
        yield f"For {counted(unclear, f'{others}kind')} of edit it is not clear whether {whether}."
    if of > len(known):
        yield f"For {counted(of - len(known), 'kind')} the evaluated networks do not determine the effect."
    if _misleading(known):
        yield (
            "The agent's own experience misleads where the mean change in its steps lies outside the "
            "interval: it edited the networks that it had come to and not all."
        )
    if left_out:
        yield (
            f"Networks of depth {listed(left_out)} are left out of the averages, because the run evaluated "
            "hardly any of them."
        )
    if used.left_out():
        yield used.left_out()


def _interval(change: Interval) -> str:
    return f"{points(change.value)}, 95% interval {signed(change.low)} to {signed(change.high)}"


def _trust(used: UsableEvaluations) -> str:
    return (
        f"These are averages over the whole space, estimated from {len(used.y)} evaluations, and all "
        "intervals hold at once; at a particular network an edit can do the opposite."
    )


def _table(effects: list[tuple[str, Effect]], label: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for words, one in effects:
        numbers = [round(100 * each, 2) for each in astuple(one.change)] if one.change else [None] * 3
        met = None if one.in_steps is None else round(100 * one.in_steps, 2)
        p = None if one.p is None else round(one.p, 4)
        rows.append((words, *numbers, p, one.seen, met, one.steps))
    return Table(
        "effects",
        f"The mean change of {label} by each kind of edit over the networks of the space, with simultaneous "
        "95% intervals; of two opposite edits the one that helps is named. Pairs are evaluated networks that "
        "such an edit connects, in either direction. The last two columns are the mean change in the agent's "
        "own steps and their number, for comparison; this mean is biased by where the agent was.",
        ("edit", "change (points)", "from", "to", "p", "pairs seen", "change in steps (points)", "steps"),
        tuple(rows),
    )


def _forest(shown: list[KnownEffect], label: str) -> Figure:
    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.axvline(0, color=style.muted(), linewidth=0.8)
        for row, one in enumerate(shown):
            fact, change = one.fact, one.change
            colour = (
                style.good() if fact.is_positive else style.bad() if fact.is_negative else style.neutral()
            )
            ends = [100 * change.low, 100 * change.high]
            axes.plot(ends, [row, row], color=colour, linewidth=2.0, solid_capstyle="butt")
            axes.plot([100 * change.value], [row], "o", color=colour)
            if one.effect.in_steps is not None:
                axes.plot([100 * one.effect.in_steps], [row], "x", color=style.muted(), markersize=6)
        axes.plot([], [], "o-", color=style.good(), label="effect and interval")
        axes.plot([], [], "x", color=style.muted(), label="mean change in the steps", linestyle="none")
        axes.set_yticks(range(len(shown)), [one.words for one in shown])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"change of {label} (points)")
        canvas.legend(loc="outside lower left", ncols=style.columns(canvas, 2))

    named = [f"{one.words} {_interval(one.change)}" for one in shown[:5]]
    return Figure(
        "effects",
        f"The edits with the largest effects: the mean change of {label} over the networks of the space, "
        "with simultaneous 95% intervals. Grey: the effect may be zero. Crosses: the mean change in the "
        "agent's own steps, which is biased by where it was.",
        f"Effects in points: {'; '.join(named)}.",
        draw,
        (7.6, 1.3 + 0.27 * len(shown)),
        1.6 + 0.4 * len(shown),
    )


def _as_dict(words: str, one: Effect) -> dict[str, Any]:
    return {
        "edit": words,
        "kind": one.kind.kind,
        "anywhere": one.kind.anywhere,
        "change": finite(one.change.value) if one.change else None,
        "low": finite(one.change.low) if one.change else None,
        "high": finite(one.change.high) if one.change else None,
        "p": finite(one.p),
        "pairs_seen": one.seen,
        "change_in_steps": finite(one.in_steps),
        "steps": one.steps,
    }
