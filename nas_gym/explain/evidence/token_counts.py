"""Language models that only count: what comes next, by the token before or by the two before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_NUMBERS = 4e7
"""Chances that a model holds at most: of the two tokens before only the most frequent are known then."""
BIGRAM, TRIGRAM = "bigram", "trigram"


@dataclass(frozen=True, eq=False)
class CountedModel:
    """Chances of the next token by what is before it.

    Attributes:
        size: chances that were counted.
        outputs: from texts, codes (n, length), to the logarithms of the chances, float32
            (n, names * length), as a network gives them.
    """

    size: int
    outputs: Callable[[np.ndarray], np.ndarray]


def counted_models(x: np.ndarray, y: np.ndarray, codes: int, names: int) -> dict[str, CountedModel]:
    """Return the models of the one and of the two tokens before, counted in the training part.

    The bigram counts the unigram, with one more of every name, once; the trigram is mixed with the bigram by
    how often its two tokens were seen (Witten and Bell 1991).

    Args:
        x: texts, codes (n, length).
        y: names that come next, int64 (n, length), -1 where nothing is asked.
        codes: number of codes.
        names: number of names; with more than `MOST_NUMBERS` pairs of both nothing is returned.
    """
    if codes * names > MOST_NUMBERS:
        return {}
    x = _whole(x)
    asked = y >= 0
    unigram = np.bincount(y[asked], minlength=names) + 1.0
    unigram /= unigram.sum()
    pairs = np.zeros((codes, names))
    np.add.at(pairs, (x[asked], y[asked]), 1)
    bigram = (pairs + unigram) / (pairs.sum(axis=1, keepdims=True) + 1)
    contexts = (context(x) * codes + x)[asked]
    known, times = np.unique(contexts, return_counts=True)
    known = np.sort(known[np.argsort(-times, kind="stable")[: int(MOST_NUMBERS // names)]])
    places = np.minimum(np.searchsorted(known, contexts), len(known) - 1)
    found = known[places] == contexts
    triples = np.zeros((len(known), names))
    np.add.at(triples, (places[found], y[asked][found]), 1)
    kinds = (triples > 0).sum(axis=1, keepdims=True)
    trigram = (triples + kinds * bigram[known % codes]) / (triples.sum(axis=1, keepdims=True) + kinds)

    def by_two(new: np.ndarray) -> np.ndarray:
        new = _whole(new)
        wanted = context(new) * codes + new
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return _logs(np.where((known[places] == wanted)[..., None], trigram[places], bigram[new]))

    size = int(np.count_nonzero(pairs)) + names
    return {
        BIGRAM: CountedModel(size, lambda new: _logs(bigram[_whole(new)])),
        TRIGRAM: CountedModel(size + int(np.count_nonzero(triples)), by_two),
    }


def context(x: np.ndarray) -> np.ndarray:
    """Return the code before each code, int64 of the same shape, 0 before the first."""
    return np.pad(_whole(x), ((0, 0), (1, 0)))[:, :-1]


def _whole(x: np.ndarray) -> np.ndarray:
    return np.asarray(x).astype(np.int64)


def _logs(chances: np.ndarray) -> np.ndarray:
    """Return (n, length, names) as outputs, (n, names * length)."""
    logs: np.ndarray = np.log(chances).astype(np.float32).transpose(0, 2, 1)
    return logs.reshape(len(logs), -1)
