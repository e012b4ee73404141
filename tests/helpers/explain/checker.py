"""What must hold between the facts of a first page and its sentences, whatever the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nas_gym.explain import Section
from tests.helpers.explain.section_checks import of_sections

PERCENT = re.compile(r"(?<![\d.])(\d+\.\d)(?:%| to)")
COUNTS = {
    "improves": r"(\d+) (?:is|are) clearly better",
    "worse": r"(\d+) (?:is|are) clearly worse but perhaps by less",
    "does not matter": r"(\d+) (?:is|are) as good within one point",
    "unclear": r"(\d+) (?:is|are) too close to it to tell",
}


def contradictions(summary: Section, sections: dict[str, Section]) -> list[str]:
    """Return every implication between facts, sentences and tables that does not hold, in words."""
    return [*_found(summary, sections), *of_sections([summary, *sections.values()])]


def _found(summary: Section, sections: dict[str, Section]) -> Iterator[str]:
    text = " ".join(summary.answer).replace("**", "")
    facts = {fact.key: fact for fact in summary.facts}
    numbers = summary.numbers
    yield from _quote(text, facts["test score"], numbers)
    yield from _reasons(text, numbers, facts)
    if "alternatives" in sections and not sections["alternatives"].withheld:
        yield from _near(text, sections["alternatives"].numbers)
    for section in sections.values():
        named = f"“{section.question}”" in text
        if named and not section.is_applicable:
            yield f"what does not apply is called unknown: {section.question}"
        if named and not section.withheld:
            yield f"what is answered is called unknown: {section.question}"


def _quote(text: str, quote: Any, numbers: Any) -> Iterator[str]:
    says_none = "No number to quote" in text
    if says_none is not (quote.estimate is None or numbers["selected_on_test"]):
        yield f"a number to quote is announced wrongly: {quote}"
    told = re.search(r"number to quote: it (?:is right for|reaches \S+) (\d+\.\d)%", text)
    if not says_none and (told is None or abs(float(told[1]) - 100 * quote.estimate) > 0.05 + 1e-9):
        yield f"the number to quote is not the one of the fact: {told and told[0]}"
    if not says_none and ("95% interval" in text.split("The number to quote")[1].split("**")[0][:160]) < (
        quote.low is not None
    ):
        yield "the interval of the number to quote is left out"


def _reasons(text: str, numbers: Any, facts: Any) -> Iterator[str]:
    reasons = numbers["reasons"]
    # Other paragraphs are numbered, too.
    why = re.search(r"Why this network.*?(?=Is something near|What would make it worse|Not known:|$)", text)
    listed = len(re.findall(r"\(\d\) ", why[0])) if why else 0
    if listed != min(3, len(reasons)):
        yield f"{len(reasons)} reasons, {listed} listed"
    if not reasons and "Why this network." in text:
        yield "reasons are announced and there are none"
    costs = [float("inf") if reason["cost"] is None else reason["cost"] for reason in reasons]
    if costs != sorted(costs, reverse=True):
        yield f"reasons are not ordered by what undoing them costs: {costs}"
    for reason in reasons:
        if reason["cost"] is not None and not facts[f"cost of {reason['choice']}"].is_shown:
            yield f"{reason['choice']} is a reason and its cost is not shown"
        if reason["best"] is not None and reason["best"][1] > 0:
            yield f"undoing {reason['choice']} helps: {reason['best']}"


def _near(text: str, alternatives: Any) -> Iterator[str]:
    verdicts = alternatives["verdicts"]
    if not alternatives["neighbours"]:
        return
    for verdict, pattern in COUNTS.items():
        told = re.search(pattern, text)
        if int(told[1] if told else 0) != verdicts.get(verdict, 0):
            yield f"{verdicts.get(verdict, 0)} networks are {verdict!r}, told are {told and told[0]}"
    found_better = "Explaining found a better network" in text
    if found_better is not bool(verdicts.get("improves")):
        yield "a better network is announced wrongly"
    if ("none is clearly better" in text) is bool(verdicts.get("improves")):
        yield "none is called clearly better wrongly"
    tested = re.search(r"Of (\d[\d,]*) (?:tested )?networks? one change away", text)
    if tested is None or int(tested[1].replace(",", "")) != len(alternatives["neighbours"]):
        yield f"{len(alternatives['neighbours'])} neighbours, told are {tested and tested[0]}"
