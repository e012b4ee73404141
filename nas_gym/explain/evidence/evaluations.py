"""Which evaluations of a run its statistics are made from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence

MOST = 1_000
WANTED = 100


@dataclass(frozen=True, eq=False)
class UsableEvaluations:
    """Evaluations of one fidelity that did not fail.

    Attributes:
        architectures: the distinct architectures.
        y: score of each, float64 (n,).
        fidelity: epochs; None for the full recipe.
        failed: number of evaluations of this fidelity that failed and are left out.
        others: number of evaluations of other fidelities, which are left out.
        thinned: number of evaluations left out at random, because there were more than can be used.
    """

    architectures: tuple[Any, ...]
    y: np.ndarray
    fidelity: int | None
    failed: int
    others: int
    thinned: int

    def left_out(self) -> str:
        """Return a sentence that counts the evaluations left out, "" if none was."""
        parts = [
            (self.failed, "whose training failed"),
            (self.others, "that trained for another number of epochs"),
            (self.thinned, "drawn at random because there were more than can be used"),
        ]
        said = [f"{count:,} {words}" for count, words in parts if count]
        return f"Evaluations left out: {', '.join(said)}." if said else ""

    def counts(self) -> dict[str, int | None]:
        """Return how many evaluations are used and left out."""
        return {
            "evaluations": len(self.y),
            "failed_left_out": self.failed,
            "other_fidelities_left_out": self.others,
            "thinned": self.thinned,
            "fidelity": self.fidelity,
        }


def usable(evidence: Evidence, most: int = MOST, seed: int = 0) -> UsableEvaluations:
    """Return the evaluations of the highest fidelity that has enough of them, else of the one that has most.

    Args:
        evidence: evidence of the run.
        most: number of evaluations to use at most; of more a random part is used.
        seed: seed of the random part.
    """
    counts = Counter(one.fidelity for one in evidence.succeeded)
    enough = [fidelity for fidelity, count in counts.items() if count >= WANTED]
    fidelity = (
        max(enough, key=lambda each: inf if each is None else each)
        if enough
        else max(counts, key=lambda each: counts[each])
    )
    same = [one for one in evidence.succeeded if one.fidelity == fidelity]
    failed = sum(one.failed and one.fidelity == fidelity for one in evidence.seen)
    others = sum(one.fidelity != fidelity for one in evidence.seen)
    thinned = max(0, len(same) - most)
    if thinned:
        kept = np.random.default_rng(seed).permutation(len(same))[:most]
        same = [same[number] for number in np.sort(kept)]
    architectures = tuple(one.architecture for one in same)
    return UsableEvaluations(
        architectures, np.array([one.score for one in same]), fidelity, failed, others, thinned
    )
