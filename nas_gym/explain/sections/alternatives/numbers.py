"""The alternatives to the found network as numbers."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.significance.dunnett import SAME, mean_interval, seeds_for_margin
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.sections.alternatives.analysis import Alternatives, seen_scores


def known_along_path(evidence: Evidence, found: Alternatives) -> list[tuple[float | None, bool]]:
    """Return the score of each network of the path, if known, and whether it is of fresh seeds."""
    seen = seen_scores(evidence)
    known: list[tuple[float | None, bool]] = []
    for one in found.path.architectures if found.path else ():
        fresh = found.scores.of(one)
        known.append((float(fresh.mean()), True) if len(fresh) else (seen.get(str(one)), False))
    return known


def numbers_of(evidence: Evidence, found: Alternatives) -> dict[str, Any]:
    """Return every number of the section."""
    comparisons, space = found.comparisons, evidence.search_space
    fresh = found.scores.of(found.chosen)
    start = str(found.start)
    return {
        "chosen": {
            "architecture": str(found.chosen),
            "words": space.describe(found.chosen).words,
            "seen": found.seen,
            **_mean(found, fresh),
            "failed": found.scores.failed.get(str(found.chosen), 0),
            "optimism": found.seen - float(fresh.mean()) if len(fresh) and found.scores.unseen else None,
            "unseen_seeds": found.scores.unseen,
        },
        "start": {
            "architecture": start,
            "words": space.describe(found.start).words,
            **_mean(found, found.scores.of(found.start)),
            **_change(found, start),
        },
        "random": _random_numbers(found, fresh),
        "margin": found.margin,
        "verdicts": dict(Counter(one.verdict for one in found.neighbours)),
        "neighbours": [
            {
                "edit": one.edit,
                "kind": one.kind,
                "architecture": str(one.architecture),
                "seen": one.seen,
                "score": finite(one.score),
                "change": finite(one.change),
                "low": finite(one.low),
                "high": finite(one.high),
                "failed": one.failed,
                "seeds": len(found.scores.of(one.architecture)),
                "verdict": one.verdict,
            }
            for one in found.neighbours
        ],
        "undoing": [
            {
                "choice": one.choice,
                "edits": one.edits,
                "cost": finite(one.cost),
                "low": finite(one.low),
                "high": finite(one.high),
            }
            for one in found.undoing
        ],
        "not_affordable": [{"edit": edit, "architecture": str(one)} for edit, one in found.left_out],
        "trainings": found.scores.trainings,
        "not_seen": len(set(found.scores.scores) - {str(one.architecture) for one in evidence.seen}),
        "deviation": finite(comparisons.deviation),
        "degrees": comparisons.degrees,
        "critical": finite(comparisons.critical),
        "half_width": half_width(found),
        "unequal_noise_p": comparisons.unequal,
        "seeds_for_margin": seeds_needed(found),
        "path": _path_numbers(evidence, found),
        "steps_taken": found.steps_taken,
    }


def _mean(found: Alternatives, fresh: np.ndarray) -> dict[str, Any]:
    if not len(fresh):
        return {"score": None, "low": None, "high": None, "seeds": 0}
    mean, low, high = mean_interval(fresh, found.comparisons.deviation, found.comparisons.degrees)
    return {"score": mean, "low": finite(low), "high": finite(high), "seeds": len(fresh)}


def _change(found: Alternatives, text: str) -> dict[str, Any]:
    """Return by how much the chosen network is better than another that it was compared with."""
    if text not in found.compared:
        return {"gain": 0.0 if text == str(found.chosen) else None, "gain_low": None, "gain_high": None}
    number, comparisons = found.compared.index(text), found.comparisons
    ends = (-comparisons.differences[number], -comparisons.high[number], -comparisons.low[number])
    return dict(zip(("gain", "gain_low", "gain_high"), map(finite, ends), strict=True))


def _random_numbers(found: Alternatives, fresh: np.ndarray) -> dict[str, Any]:
    if not len(found.random):
        return {"count": 0, "all": False, "median": None, "best": None, "beaten": None, "level": None}
    mean = float(fresh.mean()) if len(fresh) else math.nan
    return {
        "count": len(found.random),
        "all": found.random_is_all,
        "median": float(np.median(found.random)),
        "best": float(found.random.max()),
        "beaten": float((found.random < mean - SAME).mean()) if len(fresh) else None,
        "level": float((abs(found.random - mean) <= SAME).mean()) if len(fresh) else None,
    }


def _path_numbers(evidence: Evidence, found: Alternatives) -> dict[str, Any] | None:
    if found.path is None:
        return None
    return {
        "architectures": [str(one) for one in found.path.architectures],
        "edits": list(found.path.edits),
        "scores": [score for score, _ in known_along_path(evidence, found)],
        "fresh": [fresh for _, fresh in known_along_path(evidence, found)],
        "shortest": found.path.shortest,
    }


def half_width(found: Alternatives) -> float | None:
    """Return the median of half the width of an interval; None where there is none."""
    widths = [(one.high - one.low) / 2 for one in found.neighbours if not math.isnan(one.high)]
    return float(np.median(widths)) if widths else None


def seeds_needed(found: Alternatives) -> int | None:
    """Return the number of seeds for each network that would detect the margin; None if unknown."""
    compared = max(1, len(found.compared))
    return seeds_for_margin(found.comparisons, compared, found.margin)
