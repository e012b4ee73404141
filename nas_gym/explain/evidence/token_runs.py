"""Runs of tokens, counted: what linear models of texts read."""

from __future__ import annotations

from typing import Any

import numpy as np

LONGEST = 3
MOST = 20_000
"""Runs that are counted at most, those in the most texts, so that a fit takes seconds."""
LEAST = 2
"""Texts of the training part that a run must be in."""


class TokenRuns:
    """How often each run of 1 to `LONGEST` tokens is in a text; runs are those of the training part.

    Args:
        x: texts of the training part, codes (n, length), 0 where nothing is.
        codes: number of codes.
    """

    def __init__(self, x: np.ndarray, codes: int) -> None:
        self._codes = codes
        rows, runs = _runs(x, codes)
        known, numbers = np.unique(runs, return_inverse=True)
        texts = np.bincount(np.unique(numbers.ravel() * len(x) + rows) // len(x), minlength=len(known))
        often = np.flatnonzero(texts >= min(LEAST, len(x)))
        kept = often[np.argsort(-texts[often], kind="stable")[:MOST]]
        self._known = np.sort(known[kept])

    def __call__(self, x: np.ndarray) -> Any:
        """Return the counts of texts, a sparse matrix (n, runs) of float64."""
        from scipy.sparse import csr_matrix

        rows, runs = _runs(x, self._codes)
        places = np.minimum(np.searchsorted(self._known, runs), max(0, len(self._known) - 1))
        there = self._known[places] == runs if len(self._known) else np.zeros(len(runs), dtype=bool)
        shape = (len(x), max(1, len(self._known)))
        return csr_matrix((np.ones(int(there.sum())), (rows[there], places[there])), shape=shape)


def _runs(x: np.ndarray, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the text and the number of each run, int64; a run is told by its codes as digits."""
    x = x.astype(np.int64)
    rows, numbers, run = [], [], np.zeros_like(x)
    for length in range(1, LONGEST + 1):
        last = x[:, length - 1 :]
        if not last.shape[1]:
            break
        run = run[:, : last.shape[1]] * codes + last
        there = np.all([x[:, at : at + last.shape[1]] > 0 for at in range(length)], axis=0)
        rows.append(np.nonzero(there)[0])
        numbers.append(run[there])
    return np.concatenate(rows), np.concatenate(numbers)
