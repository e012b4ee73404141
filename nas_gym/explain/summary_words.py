"""The sentences of the first page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym.explain.architecture_words import describe, value_words
from nas_gym.explain.evidence import Evidence
from nas_gym.explain.phrases import counted, listed, percent, points
from nas_gym.explain.reasons import DEPTH, Reason
from nas_gym.explain.section import Section

ORDINALS = ("First", "Second", "Third")


WORST = 3


def found_words(evidence: Evidence) -> str:
    """What was looked for, how, and what was found."""
    space, problem = evidence.search_space, evidence.problem
    tried, classes = len(evidence.seen), problem.task.num_classes
    share = tried / space.size
    part = f"{share:.1%}" if share >= 0.001 else "a tiny part"
    agent = evidence.config.get("agent", "the agent")
    return (
        f"Looking for a network that tells the {classes} classes of the data {problem.task.name} apart, "
        f"the agent {agent} tried {counted(tried, 'network')} of {space.size:,} possible ones ({part}) and "
        f"found {describe(space, evidence.chosen.architecture)}."
    )


def quality_words(evidence: Evidence, quality: Mapping[str, Any]) -> list[str]:
    """How good the network is, and how sure that is."""
    chance = f"guessing would be right for {quality['chance']:.0%}"
    seen, accuracy = quality["seen"], quality["accuracy"]
    if accuracy is None:
        return [
            f"In the search it was right for {seen:.1%} of examples it was not trained on ({chance}); it was "
            "not trained again, and the best of many noisy numbers is usually too good to be true."
        ]
    interval = (
        "" if quality["low"] is None else f" (95% interval {quality['low']:.1%} to {quality['high']:.1%})"
    )
    how = (
        f"Trained again {counted(quality['seeds'], 'time')} with seeds that the search did not use"
        if quality["unseen_seeds"]
        else f"Over the {counted(quality['seeds'], 'training')} that the table recorded of it"
    )
    sentences = [
        f"{how}, it is right for {accuracy:.1%}{interval} of examples it was not trained on; {chance}."
    ]
    if quality["test_accuracy"] is not None:
        sentences.append(
            f"On test examples, which nothing was chosen by, it is right for {quality['test_accuracy']:.1%}."
        )
    return [*sentences, *_comparison_words(evidence, quality)]


def _start(evidence: Evidence) -> str:
    return "the network that the search set out from" if evidence.steps else "the start network of the space"


def _comparison_words(evidence: Evidence, quality: Mapping[str, Any]) -> list[str]:
    sentences = []
    start, drawn = quality["start"], quality["random"]
    if start.get("gain_low") is not None and start["gain"]:
        sure = start["gain_low"] > 0
        sentences.append(
            f"{_start(evidence).capitalize()} reaches {start['accuracy']:.1%}, a difference of "
            f"{points(start['gain'])} (95% interval {100 * start['gain_low']:+.1f} to "
            f"{100 * start['gain_high']:+.1f}){'' if sure else ', which chance alone could explain'}."
        )
    if drawn.get("beaten") is not None:
        which = (
            f"all {drawn['count']:,} networks of the space"
            if drawn["all"]
            else f"{counted(drawn['count'], 'network')} drawn at random"
        )
        sentences.append(
            f"It is better than {percent(drawn['beaten'])} of {which}, of which the middle one reaches "
            f"{drawn['median']:.1%} and the best {drawn['best']:.1%}."
        )
    return sentences


def reason_words(reasons: Sequence[Reason], alternatives: Mapping[str, Any]) -> list[str]:
    """The choices that make it good, with the evidence."""
    if not alternatives.get("neighbours"):
        return []
    if not reasons:
        return [
            "Which of its choices make it good cannot be said: of none are the edits that undo it surely "
            "worse."
        ]
    shown = [
        f"{ordinal}, {_choice(reason)}: {_evidence(reason)}."
        for ordinal, reason in zip(ORDINALS, reasons, strict=False)
    ]
    kinds = {
        1: "One choice is shown to make it good, by what undoing it costs.",
        2: "Two choices are shown to make it good, by what undoing them costs.",
    }
    return [kinds.get(len(shown), "Three choices make it good, by what undoing them costs."), *shown]


def _choice(reason: Reason) -> str:
    if reason.choice == DEPTH:
        return f"its depth of {reason.value}"
    return f"{reason.choice} being {value_words(reason.choice, reason.value)}"


def _evidence(reason: Reason) -> str:
    if reason.loss is None or reason.low is None or reason.high is None:
        return "without it networks fail to train"
    edits = "edit that undoes" if reason.undone == 1 else "edits that undo"
    cost = f"{100 * reason.loss:.1f} points (95% interval {100 * reason.low:.1f} to {100 * reason.high:.1f})"
    words = (
        f"the {reason.undone} {edits} it cost {cost} on average; the best of them, {reason.best[0]}, "
        f"{'loses' if reason.best[1] < 0 else 'gains'} {100 * abs(reason.best[1]):.1f}"
        if reason.undone > 1 and reason.best is not None
        else f"the {edits} it costs {cost}"
    )
    if reason.significant is None:
        return words
    if reason.significant:
        return f"{words}; it matters beyond this network, too{_spread(reason)}"
    return f"{words}; beyond this network it is not shown to matter"


def _spread(reason: Reason) -> str:
    if not reason.spread:
        return ""
    return f" (the means of its values have a standard deviation of {100 * reason.spread:.1f} points)"


def worse_words(alternatives: Mapping[str, Any]) -> list[str]:
    """What would make it worse, and whether anything is known to be better."""
    neighbours, verdicts = alternatives.get("neighbours") or [], alternatives.get("verdicts", {})
    harmful = [one for one in neighbours if one["verdict"] in ("breaks", "worse", "fails")]
    sentences = []
    if harmful:
        named = [
            f"{one['edit']} ({'fails to train' if one['change'] is None else points(one['change'])})"
            for one in reversed(harmful[-WORST:])
        ]
        sentences.append(f"What would make it worse most, by one edit: {listed(named)}.")
    if neighbours:
        better, unclear = verdicts.get("improves", 0), verdicts.get("unclear", 0)
        same = unclear + verdicts.get("does not matter", 0)
        best = (
            f"{counted(better, 'network')} one edit away {'is' if better == 1 else 'are'} shown to be better"
            if better
            else "no network one edit away is shown to be better"
        )
        sentences.append(
            f"How sure it is that this is the best: {best}, and {same} of {len(neighbours)} cannot be told "
            "from it."
        )
    return sentences


def way_words(evidence: Evidence, alternatives: Mapping[str, Any], moments: Mapping[str, Any]) -> list[str]:
    """How the agent came there."""
    order, tried = evidence.chosen.order + 1, len(evidence.seen)
    when = f"it was number {order} of {tried} networks" if tried > 1 else "it was the only network tried"
    steps, episodes = len(evidence.steps), len({step.episode for step in evidence.steps})
    how = (
        f"by {counted(steps, 'edit')} in {counted(episodes, 'episode')}"
        if steps
        else "by asking for networks directly, not by edits"
    )
    path, taken = alternatives.get("path"), alternatives.get("steps_taken")
    sentences = [f"The agent found it {how}; {when}."]
    if path and path["edits"]:
        kind = "the shortest way there" if path["shortest"] else "a way there"
        walked = f"; the agent came there in {counted(taken, 'step')}" if taken else ""
        sentences.append(
            f"From {_start(evidence)} {kind} is {counted(len(path['edits']), 'edit')}: "
            f"{listed(path['edits'])}{walked}."
        )
    decisive = [one for one in moments.get("moments", ()) if one.get("change")]
    if decisive:
        one = decisive[0]
        sentences.append(
            f"The most decisive moment: in episode {one['episode'] + 1}, step {one['t'] + 1}, the edit "
            f"“{one['edit']}” changed accuracy by {points(one['change'])}."
        )
    return sentences


def unknown_words(evidence: Evidence, quality: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """What is not known."""
    unknown = []
    if evidence.recording.end is None:
        unknown.append("what the rest of the search would find, since the run has not come to its end")
    if evidence.recording.cut:
        unknown.append("what its last, cut line said")
    failed = len(evidence.seen) - len(evidence.succeeded)
    if failed:
        unknown.append(f"how good {counted(failed, 'network')} would be whose training failed")
    if quality["accuracy"] is None:
        unknown.append("how much of its accuracy is luck")
    left = evidence.search_space.size - len(evidence.seen)
    if left:
        unknown.append(f"whether one of the {left:,} networks that were not tried is better")
    missing = [one.question.rstrip("?") for one in sections if one.withheld]
    if missing:
        questions = listed([f"“{question}?”" for question in missing])
        unknown.append(f"the answer{'s' * (len(missing) > 1)} to {questions}, as said there")
    return f"What is not known: {'; '.join(unknown)}." if unknown else "Every network of the space was tried."


def trust_words(quality: Mapping[str, Any]) -> str:
    """How far the page can be trusted."""
    if quality["accuracy"] is None:
        return "Not far: its accuracy is the one that it was chosen for, and nothing was measured again."
    if not quality["unseen_seeds"]:
        return (
            "The numbers are those that the search saw, too, since the table has no others; the network may "
            "owe part of its lead to luck."
        )
    return (
        "The accuracies are of new trainings that nothing was chosen by; intervals hold with 95% confidence, "
        "those of the edits all at once. They are about this data and this way of training."
    )
