"""Metrics of answers that are sequences of tokens."""

from __future__ import annotations

import numpy as np

from nas_gym.tasks.targets.metrics import Metric


def _split(outputs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits (asked positions, names) and the right names (asked positions,)."""
    logits = outputs.reshape(len(outputs), -1, truth.shape[1]).transpose(0, 2, 1)
    asked = truth >= 0
    return logits[asked], truth[asked]


def _losses(outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the cross-entropy at each asked position, in nats."""
    logits, names = _split(outputs, truth)
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses: np.ndarray = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(names)), names]
    return losses


def _uncertainty(outputs: np.ndarray, truth: np.ndarray) -> float:
    _, names = _split(outputs, truth)
    shares = np.bincount(names) / len(names)
    shares = shares[shares > 0]
    entropy = -(shares * np.log(shares)).sum()
    return float(1 - _losses(outputs, truth).mean() / entropy) if entropy else float("nan")


def _token_accuracy(outputs: np.ndarray, truth: np.ndarray) -> float:
    logits, names = _split(outputs, truth)
    return float((logits.argmax(axis=1) == names).mean())


def exact(outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return which examples have the right token at every asked position, bool (n,)."""
    taken = outputs.reshape(len(outputs), -1, truth.shape[1]).argmax(axis=1)
    right: np.ndarray = ((taken == truth) | (truth < 0)).all(axis=1)
    return right


def _exact_match(outputs: np.ndarray, truth: np.ndarray) -> float:
    return float(exact(outputs, truth).mean())


def _bits(outputs: np.ndarray, truth: np.ndarray) -> float:
    return float(_losses(outputs, truth).mean() / np.log(2))


ASKED, RIGHT, LOSS, EXACT, NAMES = range(5)
"""Columns of `sums_of`; from the last on how often each name is right."""


def sums_of(outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return what metrics are made of, float64 (n, 4 + names), to be added up over examples."""
    logits = outputs.astype(np.float64).reshape(len(outputs), -1, truth.shape[1])
    asked = truth >= 0
    shifted = logits - logits.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(shifted, np.maximum(truth, 0)[:, None], axis=1)[:, 0]
    losses = (np.log(np.exp(shifted).sum(axis=1)) - chosen) * asked
    right = (logits.argmax(axis=1) == truth) & asked
    names = np.stack([(truth == name).sum(axis=1) for name in range(logits.shape[1])], axis=1)
    first = [asked.sum(axis=1), right.sum(axis=1), losses.sum(axis=1), (right | ~asked).all(axis=1)]
    return np.concatenate([np.stack(first, axis=1), names], axis=1).astype(np.float64)


def of_sums(metric: str, sums: np.ndarray, examples: int) -> float:
    """Return a metric of `TOKEN_METRICS` from the sums over examples."""
    if metric == EXACT_MATCH.name:
        return float(sums[EXACT] / examples)
    if metric == TOKEN_ACCURACY.name:
        return float(sums[RIGHT] / sums[ASKED])
    shares = sums[NAMES:] / sums[ASKED]
    shares = shares[shares > 0]
    entropy = -(shares * np.log(shares)).sum()
    return float(1 - sums[LOSS] / sums[ASKED] / entropy) if entropy else float("nan")


UNCERTAINTY = Metric("uncertainty_removed", "uncertainty removed", _uncertainty)
"""Share of the uncertainty about the next token that is removed: 1 - cross-entropy / entropy of how frequent
the tokens are among these examples, the unigram model. 1 is perfect, 0 no better; it has no lower end."""

TOKEN_ACCURACY = Metric("token_accuracy", "token accuracy", _token_accuracy)
"""Share of the asked positions whose first largest output is at the right token, each answered with the right
tokens before it in view (teacher forcing)."""

EXACT_MATCH = Metric("exact_match", "exact match", _exact_match)
"""Share of the examples whose tokens are all right, each with the right tokens before it in view."""

BITS = Metric("bits_per_token", "bits per token", _bits)
"""Mean cross-entropy at the asked positions, in bits; the logarithm of the perplexity to base 2."""

TOKEN_METRICS = {one.name: one for one in (UNCERTAINTY, TOKEN_ACCURACY, EXACT_MATCH)}
"""What the score of tokens may be, by the name of the option ``metric``."""
