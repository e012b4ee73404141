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
        sections: those that were made; one that is missing or withheld leaves its sentences out.
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
        trust=trust_words(quality),
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

    ``"accuracy"``, ``"low"`` and ``"high"`` are on the validation examples that the search chose by, the
    ends over training seeds alone; ``"new"`` is what holds for new examples.
    """
    chosen = alternatives.get("chosen") or {}
    result = evidence.result or {}
    constant, counts = evidence.evaluator.constant_answer(), evidence.evaluator.examples()
    quality: dict[str, Any] = {
        "seen": evidence.chosen.score,
        "accuracy": chosen.get("accuracy"),
        "low": chosen.get("low"),
        "high": chosen.get("high"),
        "seeds": chosen.get("seeds", 0),
        "unseen_seeds": chosen.get("unseen_seeds", evidence.evaluator.table is None),
        "validation_examples": None if counts is None else counts[0],
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
    if quality["accuracy"] is None and final:
        mean, low, high = mean_interval(np.array(final), math.nan, 0)
        ends = (None, None) if math.isnan(low) else (low, high)
        quality |= {"accuracy": mean, "low": ends[0], "high": ends[1], "seeds": len(final)}
    return quality


def _other_tests(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return seed and test accuracy, None if failed, of final trainings the estimate is not of."""
    used = (result.get("on_new_examples") or {}).get("seeds", ())
    return [
        {"seed": score["seed"], "accuracy": None if score["error"] else score["test_score"]}
        for score in result.get("final", ())
        if score["seed"] not in used
    ]
