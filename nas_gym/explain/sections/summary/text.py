"""The sentences of the first page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.phrases import counted, listed, percent, plural, points, signed
from nas_gym.explain.section import Section
from nas_gym.explain.sections.summary.reasons import Reason
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Classes, Metric, Target, Values

ORDINALS = ("First", "Second", "Third")
WORST = 3
FEWEST_DRAWN, LEAST_SHARE = 5, 0.005
# What a network is for, by the kind of target; of other kinds it is said in general.
AIMS = {
    Classes.kind: "tells the {words} of the data {data} apart",
    Values.kind: "predicts {names} in the data {data}",
}
# What a score means, by the name of its metric, where the sentences do not say it.
MEANINGS = {
    Values.metric.name: "{} is the share of the variance that its answers explain, 100% at best.",
}
# What a verdict says of one neighbour and of several, beside those that are better.
VERDICTS = {
    "does not matter": ("is surely within {} of it", "are surely within {} of it"),
    "unclear": (
        "cannot be distinguished from it by these trainings",
        "cannot be distinguished from it by these trainings",
    ),
    "worse": ("is worse", "are worse"),
    "breaks": ("is worse by more than {}", "are worse by more than {}"),
    "fails": ("failed to train", "failed to train"),
}


def found_words(evidence: Evidence) -> str:
    """Return what was looked for, how, and what was found."""
    space, problem = evidence.search_space, evidence.problem
    tried = len(evidence.seen)
    share = tried / space.size
    part = f"{share:.1%}" if share >= 0.001 else "a tiny part"
    agent = evidence.config.get("agent", "the agent")
    return (
        f"Looking for a network that {_aim(problem.task.target, problem.task.name)}, the agent {agent} tried "
        f"{counted(tried, 'network')} of {space.size:,} possible ones ({part}) and found "
        f"{space.describe(evidence.chosen.architecture).words}."
    )


def _aim(target: Target, data: str) -> str:
    """Return what a network is for, a clause without its subject."""
    aim = AIMS.get(target.kind, "answers with {words} for the data {data}")
    names = listed([f"“{name}”" for name in target.names])
    return aim.format(words=target.words, names=names, data=data)


def _does(metric: Metric, score: float, past: bool = False) -> str:
    """Return what a score says of a network: ``"is right for 97.8%"``, ``"reaches R² 45.2%"``."""
    if metric.share_of_examples:
        return f"{'was' if past else 'is'} right for {score:.1%}"
    return f"{'reached' if past else 'reaches'} {metric.label} {score:.1%}"


def quality_words(evidence: Evidence, quality: Mapping[str, Any]) -> list[str]:
    """Return how good the network is, how sure that is, and how it compares with others.

    Two scores are distinguished. For new examples it is that of the test part, which nothing was chosen by:
    its interval counts that the examples are few. To compare networks it is that of the validation part,
    which the search chose by: its interval counts how trainings differ, and says so.
    """
    metric = evidence.metric
    said = _new_examples_words(quality, metric)
    words = _validation_words(quality, "" if said else _guessing(quality, "validation", metric), metric)
    first, *rest = [*said, " ".join([words, *_comparison_words(evidence, quality)])]
    meaning = MEANINGS.get(metric.name, "").format(metric.label)
    return [f"{first} {meaning}".strip(), *rest]


def _guessing(quality: Mapping[str, Any], part: str, metric: Metric) -> str:
    """Return a clause on the best constant answer; "" where it is not known."""
    constant = quality["constant_answer"]
    if constant is None:
        return ""
    answer, score = constant["answer"], constant[part]
    if metric.share_of_examples:
        return f"; guessing would be right for {score:.1%} (always answering “{answer}”)"
    return f"; always answering {answer} scores {metric.label} {percent(score)}"


def _new_examples_words(quality: Mapping[str, Any], metric: Metric) -> list[str]:
    """Return the score on test examples; none where it was not measured."""
    new, score = quality["new"], quality["test_score"]
    if score is None or quality["selects_on_test"]:
        return []
    tests, guessing = quality["other_tests"], _guessing(quality, "test", metric)
    if tests and all(one["score"] is None for one in tests) and new is None:
        return [
            f"Trained again {counted(len(tests), 'time')} it failed every time, so nothing is known of new "
            "examples."
        ]
    if not metric.share_of_examples:
        return [_test_score_words(quality, metric)]
    if new is None:
        return [
            f"Its test {metric.label} is {score:.1%}{guessing}. Over how many examples that was counted is "
            "not known, so no interval for new examples is given."
        ]
    recorded = len(new["seeds"]) > 1
    mean = f", the mean of the {len(new['seeds'])} trainings that the table recorded" if recorded else ""
    sentence = (
        f"Tested on {counted(new['examples'], 'example')} that nothing was chosen by, it is right for "
        f"{new['score']:.1%} (95% interval {new['low']:.1%} to {new['high']:.1%}) of examples it was not "
        f"trained on{mean}{guessing}."
    )
    if recorded or not quality["unseen_seeds"]:
        return [sentence]
    seed = new["seeds"][0]
    which = "the network that the run kept, trained with" if quality["kept"] else "the network trained with"
    return [
        f"{sentence} This is the figure to quote: of {which} seed {seed}, and the interval is for new "
        f"examples like these.{_others(tests)}"
    ]


def _test_score_words(quality: Mapping[str, Any], metric: Metric) -> str:
    """Return a test score that is no share of examples, and why it has no interval."""
    tests = quality["other_tests"]
    scores, failed = [one["score"] or 0.0 for one in tests], sum(one["score"] is None for one in tests)
    trainings = "new trainings" if quality["unseen_seeds"] else "recorded trainings"
    zeros = f", counting {failed} that failed as 0%" if failed else ""
    spread = f" ({min(scores):.1%} to {max(scores):.1%}{zeros})" if len(scores) > 1 else ""
    mean = f" on average over {len(scores)} {trainings}{spread}" if len(scores) > 1 else ""
    count = quality["test_examples"]
    examples = f"the {count:,} test examples" if count else "the test examples"
    return (
        f"On {examples}, which nothing was chosen by, it {_does(metric, quality['test_score'])}{mean}"
        f"{_guessing(quality, 'test', metric)}. This is the figure to quote. No interval for new examples is "
        f"given, because {metric.label} is not a share of examples that are right."
    )


def _others(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return the scores of the other final trainings on the same examples."""
    right = [f"{one['score']:.1%}" for one in tests if one["score"] is not None]
    failed = sum(one["score"] is None for one in tests)
    words = f" Trained with other seeds it is right for {listed(right)} of them." if right else ""
    return f"{words} With {counted(failed, 'other seed')} training failed." if failed else words


def _validation_words(quality: Mapping[str, Any], guessing: str, metric: Metric) -> str:
    score, count = quality["score"], quality["validation_examples"]
    part = "test" if quality["selects_on_test"] else "validation"
    examples = f"the {count:,} {part} examples" if count else f"{part} examples"
    if score is None:
        joined = "of" if metric.share_of_examples else "on"
        return (
            f"In the search it {_does(metric, quality['seen'], past=True)} {joined} {examples}{guessing}; "
            "it was not trained again, and the highest of many noisy numbers is usually too good to be "
            "true."
        )
    many = quality["seeds"] > 1
    trainings = counted(quality["seeds"], "new training" if quality["unseen_seeds"] else "recorded training")
    how = f"on average over {trainings}" if many else f"in {trainings}"
    if quality["unseen_seeds"]:
        how += " with seeds that the search did not use"
    interval = (
        ""
        if quality["low"] is None
        else f" (95% interval over training seeds alone {quality['low']:.1%} to {quality['high']:.1%})"
    )
    words = f"On {examples}, which the search chose by, it {_does(metric, score)}{interval} {how}{guessing}."
    if not quality["selects_on_test"]:
        return words
    return (
        f"{words} Those are test examples because no validation {metric.label} was published, so its test "
        f"{metric.label} is optimistic and no independent measurement."
    )


def _start(evidence: Evidence) -> str:
    return "the network that the search started from" if evidence.steps else "the start network of the space"


def _comparison_words(evidence: Evidence, quality: Mapping[str, Any]) -> list[str]:
    sentences = []
    start, drawn = quality["start"], quality["random"]
    if start.get("gain_low") is not None:
        gain, low, high = (start[end] for end in ("gain", "gain_low", "gain_high"))
        differs = bool(round(100 * gain, 1))
        unsure = differs and low <= 0 <= high
        how = f"{100 * abs(gain):.1f} points {'less' if gain > 0 else 'more'}" if differs else "as much"
        sentences.append(
            f"{_start(evidence).capitalize()} reaches {start['score']:.1%} there, {how} (the gain is "
            f"{points(gain)}, 95% interval over training seeds {signed(low)} to {signed(high)}"
            f"{', which the luck of training could explain' if unsure else ''})."
        )
    if drawn.get("beaten") is not None and drawn["count"] >= FEWEST_DRAWN:
        sentences.append(_drawn_words(drawn))
    return sentences


def _drawn_words(drawn: Mapping[str, Any]) -> str:
    count, level = drawn["count"], drawn["level"]
    which = f"the {count:,} networks of the space" if drawn["all"] else f"{count:,} networks drawn at random"
    beaten = "all" if drawn["beaten"] == 1 else percent(drawn["beaten"])
    # In a table it is one of them itself.
    as_good = f" and as good as {percent(level)}" if level >= LEAST_SHARE else ""
    return (
        f"Of {which} it is better than {beaten}{as_good}; their median is {drawn['median']:.1%} and the best "
        f"reaches {drawn['best']:.1%}."
    )


def untested_words(alternatives: Mapping[str, Any]) -> list[str]:
    """Return how many neighbours were not tested, which limits all that is said of them."""
    left, tested = len(alternatives.get("not_affordable") or ()), len(alternatives.get("neighbours") or ())
    if not left:
        return []
    if not tested:
        return [
            f"The {counted(left, 'network')} one edit away {'was' if left == 1 else 'were'} not tested, "
            "because the budget did not allow it: what its choices are worth and whether one edit would "
            "improve it is not known."
        ]
    return [
        f"Of the {counted(left + tested, 'network')} one edit away {tested} "
        f"{'was' if tested < 2 else 'were'} tested and {left} {'was' if left == 1 else 'were'} not, because "
        "the budget did not allow it; what follows says nothing of "
        f"{'it' if left == 1 else f'those {left}'}."
    ]


def reason_words(
    space: SearchSpace[Any], reasons: Sequence[Reason], alternatives: Mapping[str, Any]
) -> list[str]:
    """Return the choices that make it good, with the evidence."""
    if not alternatives.get("neighbours"):
        return []
    if not reasons:
        return [
            "Which of its choices make it good is not known: for none of them do these trainings show that "
            "every tested edit that undoes it makes the network worse."
        ]
    shown = [
        f"{ordinal}, {_choice(space, reason)}: {_evidence(reason)}."
        for ordinal, reason in zip(ORDINALS, reasons, strict=False)
    ]
    kinds = {
        1: "One choice is shown to make it good, by what undoing it costs.",
        2: "Two choices are shown to make it good, by what undoing them costs.",
        3: "Three choices are shown to make it good, by what undoing them costs.",
    }
    more = f"Of its choices {len(reasons)} are shown to make it good; these three cost most to undo."
    return [kinds.get(len(reasons), more), *shown]


def _choice(space: SearchSpace[Any], reason: Reason) -> str:
    variable = space.variables[reason.choice]
    if variable.is_depth:
        return f"its depth of {reason.value}"
    return f"{reason.choice} being {space.value_words(variable, reason.value)}"


def _evidence(reason: Reason) -> str:
    return f"{_cost(reason)}{_untested(reason)}{_elsewhere(reason)}"


def _cost(reason: Reason) -> str:
    if reason.cost is None or reason.low is None or reason.high is None:
        return "without it networks fail to train"
    cost = f"{100 * reason.cost:.1f} points (95% interval {100 * reason.low:.1f} to {100 * reason.high:.1f})"
    if reason.undone == 1 or reason.best is None:
        return f"the edit that undoes it costs {cost}"
    failing = f", not counting {reason.failing} whose training failed" if reason.failing else ""
    return (
        f"the {reason.undone} edits that undo it cost {cost} on average{failing}; the one that costs least, "
        f"{reason.best[0]}, costs {100 * abs(reason.best[1]):.1f}"
    )


def _untested(reason: Reason) -> str:
    if not reason.untested:
        return ""
    were = "was" if reason.untested == 1 else "were"
    return f"; {counted(reason.untested, 'other edit')} that would undo it {were} not tested"


def _elsewhere(reason: Reason) -> str:
    if reason.significant is None:
        return ""
    if reason.significant:
        return f"; it matters in other networks, too{_spread(reason)}"
    return "; whether it matters in other networks this run does not show"


def _spread(reason: Reason) -> str:
    if not reason.spread:
        return ""
    return f" (the means of its values have a standard deviation of {100 * reason.spread:.1f} points)"


def worse_words(alternatives: Mapping[str, Any]) -> list[str]:
    """Return what would make it worse, and whether anything is known to be better."""
    neighbours = alternatives.get("neighbours") or []
    harmful = [one for one in neighbours if one["verdict"] in ("breaks", "worse", "fails")]
    sentences = []
    if harmful:
        named = [
            f"{one['edit']} ({'fails to train' if one['change'] is None else points(one['change'])})"
            for one in reversed(harmful[-WORST:])
        ]
        several = len(named) > 1
        sentences.append(f"The edit{'s' * several} that would make it worse most: {listed(named)}.")
    if neighbours:
        sentences.append(_best_words(alternatives, len(neighbours)))
    return sentences


def _best_words(alternatives: Mapping[str, Any], tested: int) -> str:
    """Return whether it is the best of the networks around it, by the verdict on each."""
    verdicts, points_apart = alternatives["verdicts"], 100 * alternatives["margin"]
    margin = f"{points_apart:g} point{'s' * (points_apart != 1)}"
    better = verdicts.get("improves", 0)
    told = [
        f"{better or 'none'} {'are' if better > 1 else 'is'} shown to be better",
        *(
            f"{count} {words[count > 1].format(margin)}"
            for verdict, words in VERDICTS.items()
            if (count := verdicts.get(verdict, 0))
        ),
    ]
    which = counted(tested, "tested network" if alternatives.get("not_affordable") else "network")
    return f"Is it the best? Of {which} one edit away {listed(told)}."


def way_words(evidence: Evidence, alternatives: Mapping[str, Any], moments: Mapping[str, Any]) -> list[str]:
    """Return how the agent came there."""
    order, tried = evidence.chosen.order + 1, len(evidence.seen)
    when = (
        f"the found network was number {order} of the {tried} tried"
        if tried > 1
        else "the found network was the only network tried"
    )
    steps, episodes = len(evidence.steps), len({step.episode for step in evidence.steps})
    how = (
        f"in {counted(steps, 'step')} of {counted(episodes, 'episode')}"
        if steps
        else "by requesting networks directly, not by edits"
    )
    path, taken = alternatives.get("path"), alternatives.get("steps_taken")
    sentences = [f"The agent searched {how}; {when}."]
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
            f"The most decisive step was step {one['step'] + 1}, in episode {one['episode'] + 1}: the edit "
            f"“{one['edit']}” changed {evidence.metric.label} by {points(one['change'])}."
        )
    return sentences


def unknown_words(
    evidence: Evidence, quality: Mapping[str, Any], sections: Sequence[Section], explained: int
) -> str:
    """Return what is not known; `explained` networks were tried by other explanations alone."""
    unknown = []
    if evidence.recording.end is None:
        unknown.append("what the rest of the search would find, since the run has not come to its end")
    if evidence.recording.cut:
        unknown.append("what the last line of the trace said, which is cut off")
    failed = len(evidence.seen) - len(evidence.succeeded)
    if failed:
        unknown.append(f"how good {counted(failed, 'network')} would be whose training failed")
    if quality["score"] is None:
        unknown.append(f"how much of its {evidence.metric.label} is luck")
    if quality["test_score"] is None:
        unknown.append("how good it is on examples that the search did not choose by")
    tried = {str(one.architecture) for one in evidence.seen}
    left = evidence.search_space.size - len(tried) - explained
    if left and not quality["random"].get("all"):
        unknown.append(
            f"whether one of the {left:,} networks that neither the search nor this report tried is better"
        )
    missing = [one.question.rstrip("?") for one in sections if one.withheld]
    if missing:
        questions = listed([f"“{question}?”" for question in missing])
        unknown.append(f"the answer{'s' * (len(missing) > 1)} to {questions}, for the reasons given there")
    if unknown:
        return f"What is not known: {'; '.join(unknown)}."
    return (
        "Every network of the space was tried." if not left else "The table has every network of the space."
    )


def trust_words(quality: Mapping[str, Any], label: str) -> str:
    """Return how far the page can be trusted."""
    if quality["score"] is None:
        return f"Not far: its {label} is the one that it was chosen for, and nothing was measured again."
    sentences = []
    if quality["selects_on_test"]:
        sentences.append(f"Nothing here is independent of the search, which selected on test {label}.")
    elif quality["new"] is not None:
        sentences.append(
            "The test examples were used for nothing else, so their interval holds for new examples like "
            "them."
        )
    elif quality["test_score"] is not None:
        sentences.append("The test examples were used for nothing else.")
    which = "All other" if sentences else "All"
    sentences.append(
        f"{which} {plural(label)} are on the validation examples, which the search chose by and which "
        "make a network look a little too good; their intervals count how trainings differ, not that the "
        "examples are a sample, and those of the edits hold all at once."
        if not quality["selects_on_test"]
        else "Intervals count how trainings differ, and those of the edits hold all at once."
    )
    if not quality["unseen_seeds"]:
        sentences.append(
            "The search saw these trainings, too, so the network may owe part of its lead to luck."
        )
    sentences.append("All this is about these data and this way of training.")
    return " ".join(sentences)
