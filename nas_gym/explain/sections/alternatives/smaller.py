"""The smallest network that is about as good as the found one, among those that were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nas_gym.explain.evidence.rescoring import SEEDS, measure
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import loses_less
from nas_gym.explain.methods.significance.dunnett import against_control
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.sections.alternatives.analysis import Alternatives, seen_scores
from nas_gym.search_spaces import Architecture

CANDIDATES = 3
LENIENT = 2.0
"""Margins that a network may have been behind when it was seen once, and still be trained again."""


def smaller_network(evidence: Evidence, found: Alternatives, left: float) -> dict[str, Any] | None:
    """Return the smallest network within the margin of the found one; None if none of those tried is.

    The smallest of the networks that looked about as good are trained with `SEEDS` fresh seeds and compared
    with the found one. First comes the smallest that is shown to be within the margin, else the
    smallest that seems so.

    Args:
        evidence: the run.
        found: the alternatives, whose trainings of the found network are used again.
        left: trainings that are left to spend.

    Returns:
        Its text, words, parameters and change, JSON-able; the interval of one that is a neighbour holds for
        all neighbours at once, that of another for all candidates.
    """
    control = found.scores.of(found.chosen)
    sizes = _sizes(evidence, found)
    own = sizes.get(str(found.chosen))
    count = CANDIDATES if evidence.evaluator.free else int(min(CANDIDATES, left // SEEDS))
    if own is None or not len(control) or count < 1:
        return None
    candidates = sorted(
        (one for one in _about_as_good(evidence, found) if sizes.get(str(one), own) < own),
        key=lambda one: (sizes[str(one)], str(one)),
    )[:count]
    scores = measure(evidence, dict.fromkeys(candidates, SEEDS)) if candidates else None
    tested = [one for one in candidates if scores is not None and len(scores.of(one))]
    if scores is None or not tested:
        return None
    compared = against_control([scores.of(one) for one in tested], control)
    # What the comparison of the neighbours says of one of them is said here, too.
    told = {
        str(one.architecture): (one.change, one.low, one.high)
        for one in found.neighbours
        if not math.isnan(one.change)
    }
    ends = zip(compared.differences, compared.low, compared.high, strict=True)
    changes = [
        told.get(str(one), (float(change), float(low), float(high)))
        for one, (change, low, high) in zip(tested, ends, strict=True)
    ]
    shown = [n for n, (_, low, _) in enumerate(changes) if loses_less(low, found.margin)]
    seeming = [n for n, (change, _, _) in enumerate(changes) if change >= -found.margin]
    first = next(iter(shown or seeming), None)
    if first is None:
        return None
    one, (change, low, high) = tested[first], changes[first]
    return {
        "architecture": str(one),
        "words": evidence.search_space.describe(one).words,
        "parameters": sizes[str(one)],
        "change": finite(change),
        "low": finite(low),
        "high": finite(high),
        "seeds": len(scores.of(one)),
    }


def _about_as_good(evidence: Evidence, found: Alternatives) -> list[Architecture]:
    """Return the networks that looked about as good as the found one."""
    least = found.seen - LENIENT * found.margin
    seen = {text: score for text, score in seen_scores(evidence).items() if score >= least}
    near = {
        str(one.architecture): one.architecture for one in found.neighbours if one.change >= -found.margin
    }
    tried = {str(one.architecture): one.architecture for one in evidence.succeeded}
    return [near.get(text) or tried[text] for text in dict.fromkeys([*seen, *near])]


def _sizes(evidence: Evidence, found: Alternatives) -> Mapping[str, int]:
    """Return the trainable parameters of what was tried; {} where the space builds no networks."""
    space = evidence.search_space
    tried = {str(one.architecture): one.architecture for one in evidence.succeeded}
    tried |= {str(one.architecture): one.architecture for one in found.neighbours}
    if (table := evidence.evaluator.table) is not None:
        return dict(zip(tried, table.costs("parameters", list(tried.values())).tolist(), strict=True))
    try:
        return {text: space.network(one).parameters for text, one in tried.items()}
    except NotImplementedError:
        return {}
