"""How good the answers are that a network decodes by itself, without the right tokens before it in view."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from nas_gym.tasks.pairs.form import PairForm

DECODED = {
    "decoded_exact_match": "exact match of decoded answers",
    "chrf": "chrF of decoded answers",
    "bleu": "BLEU of decoded answers",
}
"""What is measured, in words; chrF (Popović 2015) and BLEU (Papineni et al. 2002) are from 0 to 100."""


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
    if form.translates and find_spec("sacrebleu") is not None:
        sacrebleu = import_module("sacrebleu")
        measured["chrf"] = float(sacrebleu.corpus_chrf(found, [right]).score)
        measured["bleu"] = float(sacrebleu.corpus_bleu(found, [right]).score)
    return measured
