"""The first page: what was found, how good and how sure, why, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from nas_gym._clock import OutOfTimeError
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.simple_methods import TIMED, Method
from nas_gym.explain.report.phrases import quantity
from nas_gym.explain.section import DEFAULTS, Section, Settings, Table
from nas_gym.explain.sections.summary.figures import drawing_of
from nas_gym.explain.sections.summary.methods import Beside, beside_simple_methods
from nas_gym.explain.sections.summary.page import FirstPage, first_page
from nas_gym.explain.sections.summary.text import sentences_of
from nas_gym.explain.sections.summary.words import trust_words

KEY, QUESTION = "summary", "What was found, and how good is it?"


def summarise(evidence: Evidence, sections: Sequence[Section], settings: Settings = DEFAULTS) -> Section:
    """Return one page in plain words, made of the other sections.

    Args:
        evidence: evidence of a run in which not everything failed.
        sections: those that were made; one that is missing or withheld leaves its sentences out.
        settings: the seed is of the simple methods that stand beside the network.
    """
    numbers = {one.key: one.numbers for one in sections if not one.withheld}
    try:
        beside = beside_simple_methods(evidence, settings.seed)
        no_time_for = beside.no_time_for if beside is not None else ()
    except OutOfTimeError:
        beside, no_time_for = None, ("simple methods",)
    page = replace(first_page(evidence, numbers, beside), no_time_for=no_time_for)
    return Section(
        KEY,
        QUESTION,
        sentences_of(evidence, page, sections),
        trust=trust_words(page),
        tables=tuple(_tables(page)),
        figures=(drawing_of(evidence, page.reasons),),
        numbers=_numbers(evidence, page, sections),
        facts=page.facts,
        method=QUESTION,
    )


def _tables(page: FirstPage) -> list[Table]:
    """Return the network beside simple methods, the best on test examples first."""
    if page.beside is None:
        return []
    methods = [page.beside.network, *(rival.method for rival in page.beside.rivals)]
    rows: list[tuple[str, str | None, str | None, int | None, str | None]] = [
        (one.name, f"{one.test:.1%}", f"{one.validation:.1%}", one.size, _milliseconds(one.seconds))
        for one in sorted((_as_told(page, one) for one in methods), key=lambda one: -one.test)
    ]
    if page.start is not None:
        rows.append(("where the search started", None, f"{page.start[2]:.1%}", None, None))
    if page.drawn:
        rows.append(("median of random networks", None, f"{page.drawn['median']:.1%}", None, None))
    caption = (
        "The found network beside simple methods, fitted on the same training examples with their default "
        "settings (of a ridge on fingerprints the strength was chosen on validation examples): scores on "
        "test examples (which chose nothing) and on validation examples (which the search chose by), size as "
        f"the numbers that each stores, and the time to predict {TIMED:,} examples on this machine. Scores "
        "of networks are means over new trainings where there were several."
    )
    head = ("method", "test", "validation", "size", "time")
    return [Table("beside", caption, head, tuple(rows))]


def _as_told(page: FirstPage, method: Method) -> Method:
    """Return the found network with the scores that the sentences tell, and other methods as they are."""
    if method.key != "network":
        return method
    test, validation = page.quote.estimate, page.validation.estimate
    return replace(
        method,
        test=test if isinstance(test, float) else method.test,
        validation=validation if isinstance(validation, float) else method.validation,
    )


def _milliseconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{quantity(1000 * seconds)} ms"


def _numbers(evidence: Evidence, page: FirstPage, sections: Sequence[Section]) -> dict[str, Any]:
    return {
        "architecture": str(evidence.chosen.architecture),
        "words": page.words,
        "parameters": page.parameters,
        "evaluations": page.tried.estimate,
        "failed": page.failed,
        "found_at": page.found_at.estimate,
        "space": page.possible.estimate,
        "finished": page.finished,
        "metric": evidence.problem.task.target.metric.name,
        "quote": page.quote.as_dict(),
        "selected_on_test": page.selected_on_test,
        "beside": _beside_numbers(page.beside),
        "reasons": [asdict(reason) for reason in page.reasons],
        "smaller": None if page.smaller is None else page.smaller.architecture,
        "better": None if page.better is None else page.better.architecture,
        "rising": page.rising,
        "seeds_to_tell": page.seeds_to_tell,
        "examples_to_tell": page.examples_to_tell,
        "withheld": {one.key: one.answer[0] for one in sections if one.withheld and one.is_applicable},
    }


def _beside_numbers(beside: Beside | None) -> list[dict[str, Any]]:
    """Return the methods; their times are in the table alone, since no two runs measure the same."""
    if beside is None:
        return []
    methods = [beside.network, *(rival.method for rival in beside.rivals)]
    return [
        {
            "key": one.key,
            "name": one.name,
            "test": one.test,
            "validation": one.validation,
            "size": one.size,
            "fitted_on": one.fitted_on,
        }
        for one in methods
    ]
