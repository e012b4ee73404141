"""What the first page says, as facts: read from the run, its result and the other sections."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from nas_gym.explain.evidence.learning_curve import last_rise
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import QUOTE, Fact, counted, loses_less, measured, out_of_time
from nas_gym.explain.methods.significance.dunnett import mean_interval
from nas_gym.explain.sections.alternatives.facts import change_by, change_by_smaller, gain_over_start
from nas_gym.explain.sections.summary.methods import Beside
from nas_gym.explain.sections.summary.reasons import Reason, fact_of, reasons_for

MARGIN = 0.01
"""A difference of scores that matters to a user: one point."""
FEWEST_DRAWN = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A network one edit away that was trained beside the found one.

    Attributes:
        edit: the edit that leads there.
        architecture: its text.
        change: its score minus that of the found network; unknown where its training failed.
        verdict: as in the section on alternatives.
    """

    edit: str
    architecture: str
    change: Fact
    verdict: str


@dataclass(frozen=True, slots=True)
class Smaller:
    """A smaller network that the search or this report tried, and that is about as good.

    Attributes:
        architecture, words: its text, and what it is.
        parameters: its trainable parameters.
        change: its score minus that of the found network.
        within: whether it is shown to lose less than the margin.
    """

    architecture: str
    words: str
    parameters: int
    change: Fact
    within: bool


@dataclass(frozen=True)
class FirstPage:
    """The facts of the first page.

    Attributes:
        words: the found network, in words.
        parameters: its trainable parameters; None where the space builds no networks.
        facts: found at, tried, possible.
        quote: its score on examples that nothing was chosen by.
        quoted_trainings: trainings that the quoted score is a mean of.
        selected_on_test: whether the search chose by the test examples.
        validation: its score on the examples that the search chose by, over new trainings.
        seen: its score as the search saw it.
        beside: simple methods; None where there are no data or weights.
        constant: score of the best constant answer, and the answer.
        start: what it gained over where the search started; None where that is the same network.
        drawn: what random networks have; {} for none.
        reasons: the choices that make it good, the costliest to undo first.
        neighbours: the tested networks one edit away, the best first.
        untested: networks one edit away that were not tested.
        smaller: the smallest network that is about as good; None if none is known.
        rising: what the last fifth of its learning curve added; None where it no longer rises.
        seeds_to_tell: trainings of each network that would tell the margin; None where unknown.
        examples_to_tell: test examples that would tell its score to the margin; None where unknown.
        untried: networks that neither the search nor this report tried; 0 in a table.
        failed: networks whose training failed.
        finished, cut: whether the run came to its end, and whether its last line was cut off.
        no_time_for: methods to compare with that a limit by the clock left no time for.
    """

    words: str
    parameters: int | None
    tried: Fact
    found_at: Fact
    possible: Fact
    quote: Fact
    quoted_trainings: int
    selected_on_test: bool
    validation: Fact
    seen: Fact
    beside: Beside | None
    constant: tuple[str, float] | None
    start: tuple[str, Fact, float] | None
    drawn: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    neighbours: tuple[Neighbour, ...]
    untested: int
    smaller: Smaller | None
    rising: float | None
    seeds_to_tell: int | None
    examples_to_tell: int | None
    untried: int
    failed: int
    finished: bool
    cut: bool
    no_time_for: tuple[str, ...] = ()

    @property
    def better(self) -> Neighbour | None:
        """The best network one edit away that is shown to be better; None if none is."""
        return next((one for one in self.neighbours if one.verdict == "improves"), None)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact of the page."""
        found = [self.tried, self.found_at, self.possible, self.quote, self.validation, self.seen]
        found += [rival.gain for rival in self.beside.rivals] if self.beside else []
        found += [self.start[1]] if self.start else []
        found += [fact_of(reason) for reason in self.reasons]
        found += [one.change for one in self.neighbours]
        found += [self.smaller.change] if self.smaller else []
        found += [out_of_time(name, "the found network beside it") for name in self.no_time_for]
        return tuple(found)


def first_page(
    evidence: Evidence, numbers: Mapping[str, Mapping[str, Any]], beside: Beside | None
) -> FirstPage:
    """Return the facts of the first page.

    Args:
        evidence: a run in which not everything failed.
        numbers: numbers of the sections that have an answer, by their keys.
        beside: the network beside simple methods.
    """
    space, result = evidence.search_space, evidence.result or {}
    alternatives = numbers.get("alternatives", {})
    chosen = evidence.chosen.architecture
    quote, trainings = _quote(evidence, result, beside)
    neighbours = tuple(_neighbour(one) for one in alternatives.get("neighbours", ()))
    tried = len(evidence.seen)
    others = alternatives.get("not_seen", 0)
    return FirstPage(
        words=space.describe(chosen).words,
        parameters=_parameters(evidence),
        tried=counted("tried", "the search", "its budget", tried, "networks", tried),
        found_at=counted("found at", "the found network", "the search", evidence.chosen.order + 1, "", tried),
        possible=counted("possible", "the search space", "all of it", space.size, "networks", 0),
        quote=quote,
        quoted_trainings=trainings,
        selected_on_test=evidence.evaluator.selects_on_test,
        validation=_validation(evidence, result, alternatives),
        seen=measured("seen", "the found network", "the search", evidence.chosen.score, None, None, 1),
        beside=beside,
        constant=_constant(evidence),
        start=_start(alternatives),
        drawn=_drawn(alternatives),
        reasons=tuple(reasons_for(evidence, alternatives, numbers.get("choices", {}))),
        neighbours=neighbours,
        untested=len(alternatives.get("not_affordable", ())),
        smaller=_smaller(alternatives),
        rising=last_rise(result, str(chosen)),
        seeds_to_tell=alternatives.get("seeds_for_margin"),
        examples_to_tell=_examples_to_tell(quote),
        untried=0 if evidence.evaluator.table is not None else space.size - tried - others,
        failed=tried - len(evidence.succeeded),
        finished=evidence.recording.end is not None,
        cut=evidence.recording.cut,
    )


def _parameters(evidence: Evidence) -> int | None:
    try:
        return evidence.search_space.network(evidence.chosen.architecture).parameters
    except NotImplementedError:
        return None


def _quote(evidence: Evidence, result: Mapping[str, Any], beside: Beside | None) -> tuple[Fact, int]:
    """Return the score for new examples, and of how many trainings it is the mean."""
    key, of = QUOTE, "the found network"
    new, plain = result.get("on_new_examples"), result.get("test_score")
    if evidence.evaluator.selects_on_test:
        return measured(key, of, "test examples that the search chose by", plain, None, None, 0), 0
    if new is not None:
        over = f"{new['examples']:,} test examples"
        trainings = len(new["seeds"])
        return measured(key, of, over, new["score"], new["low"], new["high"], new["examples"]), trainings
    if plain is not None and beside is not None and beside.low is not None:
        count = len(beside.network.outputs)
        over, ends = f"{count:,} test examples", (beside.low, beside.high)
        return measured(key, of, over, beside.network.test, *ends, count), 1
    trainings = sum(not one["error"] for one in result.get("final", ()))
    known = plain if trainings else None
    return measured(key, of, "test examples", known, None, None, trainings), trainings


def _validation(evidence: Evidence, result: Mapping[str, Any], alternatives: Mapping[str, Any]) -> Fact:
    """Return the score on the examples that the search chose by, over trainings that it did not see."""
    counts = evidence.evaluator.examples()
    part = "test" if evidence.evaluator.selects_on_test else "validation"
    over = f"{f'{counts[0]:,} ' if counts else ''}{part} examples that the search chose by"
    chosen = alternatives.get("chosen") or {}
    score, seeds = chosen.get("score"), chosen.get("seeds", 0)
    ends = (chosen.get("low"), chosen.get("high"))
    final = [one["validation_score"] for one in result.get("final", ()) if not one["error"]]
    if score is None and final:
        score, *found = mean_interval(np.array(final), math.nan, 0)
        ends, seeds = (found[0], found[1]), len(final)
    return measured("validation score", "new trainings of the found network", over, score, *ends, seeds)


def _constant(evidence: Evidence) -> tuple[str, float] | None:
    constant = evidence.evaluator.constant_answer()
    return None if constant is None else (constant.answer, constant.test)


def _start(alternatives: Mapping[str, Any]) -> tuple[str, Fact, float] | None:
    """Return the start network in words, what was gained over it, and its own score."""
    gain = gain_over_start(alternatives)
    return None if gain is None else (alternatives["start"]["words"], gain, alternatives["start"]["score"])


def _drawn(alternatives: Mapping[str, Any]) -> Mapping[str, Any]:
    drawn = alternatives.get("random") or {}
    if drawn.get("beaten") is None or drawn["count"] < FEWEST_DRAWN:
        return {}
    return dict(drawn)


def _neighbour(one: Mapping[str, Any]) -> Neighbour:
    return Neighbour(one["edit"], one["architecture"], change_by(one), one["verdict"])


def _smaller(alternatives: Mapping[str, Any]) -> Smaller | None:
    one = alternatives.get("smaller")
    if not one:
        return None
    within = loses_less(one["low"], MARGIN)
    return Smaller(one["architecture"], one["words"], one["parameters"], change_by_smaller(one), within)


def _examples_to_tell(quote: Fact) -> int | None:
    """Return how many test examples would tell a share to the margin."""
    if (
        quote.low is None
        or not isinstance(quote.estimate, float)
        or (quote.high or 0) - quote.low <= 2 * MARGIN
    ):
        return None
    half = ((quote.high or 0) - quote.low) / 2
    # An interval shrinks as the root of the number of examples; 1.96 deviations of a share at least.
    share = min(max(quote.estimate, MARGIN), 1 - MARGIN)
    least = (NormalDist().inv_cdf(0.975) / MARGIN) ** 2 * share * (1 - share)
    return math.ceil(max(least, quote.evidence * (half / MARGIN) ** 2) / 100) * 100
