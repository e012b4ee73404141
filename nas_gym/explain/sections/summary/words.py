"""Facts of the first page as parts of its sentences, and how far the page can be trusted."""

from __future__ import annotations

from nas_gym.explain.fact import Fact, Verdict
from nas_gym.explain.report.phrases import compared, compared_range
from nas_gym.explain.sections.summary.page import FirstPage, Neighbour


def trust_words(page: FirstPage) -> str:
    """Return how far the page can be trusted."""
    if page.validation.estimate is None:
        return "Not far: its score is the one that it was chosen for, and nothing was measured again."
    sentences = []
    if page.selected_on_test:
        sentences.append("Nothing here is independent of the search, which chose by test examples.")
    elif page.quote.low is not None:
        counts = (
            "the choice of test examples and how trainings differ"
            if page.quoted_trainings > 1
            else "the choice of test examples, for this one trained network"
        )
        sentences.append(
            f"The number to quote holds for new examples like the test examples; its interval counts "
            f"{counts}."
        )
    sentences.append(
        "What is said of its choices, of networks near and of the start is about the examples that the "
        "search chose by. The intervals of these cover how much a score varies between trainings, "
        "and hold for all of them together; with other validation examples the scores would differ more."
    )
    sentences.append("All this is about these data and this way of training.")
    return " ".join(sentences)


def change_of(one: Neighbour) -> str:
    """Return how a neighbour compares with the found network."""
    if one.verdict == "fails" or one.change.estimate is None:
        return "fails to train"
    return compared(number(one.change))


def compared_fact(fact: Fact) -> str:
    """Return how a network compares, with the interval where there is one."""
    if fact.low is None or fact.high is None:
        return compared(number(fact))
    return f"{compared(number(fact))}, 95% interval {compared_range(fact.low, fact.high)}"


def gain_words(gain: Fact) -> str:
    """Return how far above its start the found network is."""
    if gain.verdict is not Verdict.SHOWN:
        return (
            "With both trained again, the found network is not clearly better or worse "
            f"({compared_fact(gain)}): these trainings show no gain of the search."
        )
    change = compared_fact(gain).replace(", 95%", " (95%") + ")"
    return f"With both trained again, the found network is {change}."


def percent(fact: Fact) -> str:
    """Return a score."""
    return f"{number(fact):.1%}"


def percent_range(fact: Fact) -> str:
    """Return the ends of the interval of a score."""
    return f"{100 * (fact.low or 0.0):.1f} to {100 * (fact.high or 0.0):.1f}%"


def number(fact: Fact) -> float:
    """Return the estimate of a fact, 0 where there is none."""
    return float(fact.estimate) if isinstance(fact.estimate, int | float) else 0.0
