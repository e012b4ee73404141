"""The first page: what was found, how sure that is, why it is good, and what is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.significance.dunnett import mean_interval
from nas_gym.explain.section import Section
from nas_gym.explain.sections.summary.figures import figures_of
from nas_gym.explain.sections.summary.reasons import reasons_for
from nas_gym.explain.sections.summary.text import (
    found_words,
    quality_words,
    reason_words,
    trust_words,
    unknown_words,
    untested_words,
    way_words,
    worse_words,
)

KEY, QUESTION = "summary", "What was found, and why is it good?"


def summarise(evidence: Evidence, sections: Sequence[Section]) -> Section:
    """Return one page in plain words, made of the other sections.

    Args:
        evidence: evidence of a run in which not everything failed.
        sections: the other sections; the sentences of one that is missing or withheld are left out.
    """
    numbers = {one.key: one.numbers for one in sections if not one.withheld}
    alternatives = numbers.get("alternatives", {})
    quality = _quality(evidence, alternatives)
    reasons = reasons_for(evidence, alternatives, numbers.get("choices", {}))
    answer = [
        found_words(evidence),
        *quality_words(evidence, quality),
        *untested_words(alternatives),
        *reason_words(evidence.search_space, reasons, alternatives),
        *worse_words(alternatives),
        " ".join(way_words(evidence, alternatives, numbers.get("moments", {}))),
        unknown_words(evidence, quality, sections, alternatives.get("not_seen", 0)),
    ]
    return Section(
        KEY,
        QUESTION,
        tuple(answer),
        trust=trust_words(quality, evidence.metric.label),
        figures=figures_of(evidence, quality, reasons),
        numbers={
            "architecture": str(evidence.chosen.architecture),
            "words": evidence.search_space.describe(evidence.chosen.architecture).words,
            "evaluations": len(evidence.seen),
            "failed": len(evidence.seen) - len(evidence.succeeded),
            "found_at": evidence.chosen.order + 1,
            "space": evidence.search_space.size,
            "finished": evidence.recording.end is not None,
            "quality": quality,
            "reasons": [asdict(reason) for reason in reasons],
            "withheld": {one.key: one.answer[0] for one in sections if one.withheld},
        },
    )


def _quality(evidence: Evidence, alternatives: Mapping[str, Any]) -> dict[str, Any]:
    """Return how good the network is, from the best sources there are.

    ``"score"``, ``"low"`` and ``"high"`` are on the validation examples that the search chose by, the
    ends over training seeds alone; ``"new"`` is what holds for new examples.
    """
    chosen = alternatives.get("chosen") or {}
    result = evidence.result or {}
    constant, counts = evidence.evaluator.constant_answer(), _examples(evidence)
    quality: dict[str, Any] = {
        "seen": evidence.chosen.score,
        "score": chosen.get("score"),
        "low": chosen.get("low"),
        "high": chosen.get("high"),
        "seeds": chosen.get("seeds", 0),
        "unseen_seeds": chosen.get("unseen_seeds", evidence.evaluator.table is None),
        "validation_examples": None if counts is None else counts[0],
        "test_examples": None if counts is None else counts[1],
        "start": alternatives.get("start") or {},
        "random": alternatives.get("random") or {},
        "test_score": result.get("test_score"),
        "new": result.get("on_new_examples"),
        "kept": evidence.folder.best_file.is_file(),
        "other_tests": _other_tests(result),
        "selects_on_test": evidence.evaluator.selects_on_test,
        "constant_answer": None if constant is None else asdict(constant),
    }
    final = [score["validation_score"] for score in result.get("final", ()) if not score["error"]]
    if quality["score"] is None and final:
        mean, low, high = mean_interval(np.array(final), math.nan, 0)
        ends = (None, None) if math.isnan(low) else (low, high)
        quality |= {"score": mean, "low": ends[0], "high": ends[1], "seeds": len(final)}
    return quality


def _examples(evidence: Evidence) -> tuple[int, int] | None:
    """Return the numbers of validation and test examples that scores are of; None where not known."""
    task = evidence.evaluator.task
    known = evidence.evaluator.examples()
    if known is None and evidence.evaluator.trains:
        return len(task.y_validation), len(task.y_test)
    return known


def _other_tests(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return seed and test score, None if failed, of the final trainings that the estimate is not of."""
    used = (result.get("on_new_examples") or {}).get("seeds", ())
    return [
        {"seed": one["seed"], "score": None if one["error"] else one["test_score"]}
        for one in result.get("final", ())
        if one["seed"] not in used
    ]
