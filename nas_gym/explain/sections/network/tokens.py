"""What is said of answers that are sequences: examples with what is right and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from nas_gym.explain.methods.attribution.token_rows import GAP, taken, token_row
from nas_gym.explain.section import Table
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.tasks import Task

SHOWN = 10


class TokenAnswers(Answers):
    """Answers at each of several positions."""

    noun = "token"

    def words(self) -> list[str]:
        """Return how many tokens are right, and which positions are hardest."""
        asked = self.task.y_validation >= 0
        right = (self.taken == self.task.y_validation) & asked
        counts = asked.sum(axis=0)
        shares = right.sum(axis=0) / np.maximum(counts, 1)
        enough = np.flatnonzero(counts >= max(1, counts.max() // 10))
        worst, best = enough[shares[enough].argmin()], enough[shares[enough].argmax()]
        return [
            f"Its likeliest token is the right one {right.sum() / asked.sum():.1%} of the time, least at "
            f"position {worst + 1} ({shares[worst]:.0%}), most at position {best + 1} ({shares[best]:.0%})."
        ]

    def tables(self, features: Sequence[int] = ()) -> list[Table]:
        """Return the first validation examples with what is right and what is answered."""
        return [
            Table(
                "examples",
                "The first validation examples: the right tokens, and at each position the likeliest one by "
                f"the network, with the right tokens before it in view; {GAP} is the end.",
                ("example", "right", "answer", "right tokens"),
                tuple(
                    (number + 1, *token_row(self.task, self.taken, number))
                    for number in range(min(SHOWN, len(self.outputs)))
                ),
            )
        ]

    def numbers(self) -> dict[str, Any]:
        """Return the share of right tokens at each position; None where none is asked."""
        asked = self.task.y_validation >= 0
        right = ((self.taken == self.task.y_validation) & asked).sum(axis=0)
        counts = asked.sum(axis=0)
        shares = [float(one / all_) if all_ else None for one, all_ in zip(right, counts, strict=True)]
        return {"right_by_position": shares}

    @cached_property
    def taken(self) -> np.ndarray:
        """The likeliest name at each position, int64 (n, positions)."""
        return taken(self.task, self.outputs)


def measure_tokens(task: Task, outputs: np.ndarray, seed: int) -> TokenAnswers:
    """Return what is said of answers at each position."""
    return TokenAnswers(task, outputs)
