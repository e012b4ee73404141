"""How good the answers are that a network decodes by itself, without the right tokens before it in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from nas_gym.tasks.pairs.form import PairForm, tokens_of

DECODED = {
    "decoded_exact_match": "exact match of decoded answers",
    "decoded_token_errors": "token error rate of decoded answers",
    "chrf": "chrF of decoded answers",
    "bleu": "BLEU of decoded answers",
}
"""What is measured, in words.

The token error rate is the edits that make the answers the right ones, by tokens of these, as are the phone
error rate and the word error rate. Exact match is the same as with the right tokens in view, since the first
wrong token ends both. chrF (Popović 2015) and BLEU (Papineni et al. 2002) are from 0 to 100.
"""


def decoded_metrics(
    form: PairForm, x: np.ndarray, y: np.ndarray, outputs: Callable[[np.ndarray], np.ndarray]
) -> dict[str, float]:
    """Return the metrics of greedily decoded answers, for a final test: no search sees them.

    Translations are also measured by chrF and BLEU, where the package sacrebleu is installed.

    Args:
        form: how texts became examples.
        x: examples, whose answers so far are not looked at.
        y: the right answers, as a task has them.
        outputs: a network, from examples to (n, names * positions).
    """
    found, right = form.texts(form.decoded(x, outputs)), form.named(y)
    pairs = zip(found, right, strict=True)
    measured = {"decoded_exact_match": sum(one == other for one, other in pairs) / len(right)}
    tokens = [[tokens_of(text, form.target) for text in texts] for texts in (found, right)]
    edits = sum(edit_distance(one, other) for one, other in zip(*tokens, strict=True))
    measured["decoded_token_errors"] = edits / sum(map(len, tokens[1]))
    if form.translates and find_spec("sacrebleu") is not None:
        sacrebleu = import_module("sacrebleu")
        measured["chrf"] = float(sacrebleu.corpus_chrf(found, [right]).score)
        measured["bleu"] = float(sacrebleu.corpus_bleu(found, [right]).score)
    return measured


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the fewest insertions, deletions and substitutions between two sequences (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for number, token in enumerate(one, start=1):
        before, row = row, [number]
        for place, target in enumerate(other):
            row.append(min(before[place] + (token != target), before[place + 1] + 1, row[place] + 1))
    return row[-1]
