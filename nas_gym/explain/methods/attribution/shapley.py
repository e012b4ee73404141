"""Exact Shapley values of a policy's preference, over the states of a table."""

from __future__ import annotations

import math

import numpy as np

MOST_PARTS = 14


def shapley_values(parts: np.ndarray, state: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """How much each part of a state contributes to a preference, float64 (P,), without sampling.

    The characteristic function of a set of known parts is the mean preference over the reference
    states that agree with the state in them, so that unknown parts are marginalised as in SVERL
    (Beechey, Smith and Simsek 2023, "Explaining Reinforcement Learning with Shapley Values"). The
    values add up to the preference in the state minus its mean over all reference states.

    Args:
        parts: of the N reference states, int (N, P); one of them must be the state.
        state: its parts, int (P,).
        preference: in the reference states, float64 (N,).
    """
    count = parts.shape[1]
    agreeing = (parts == state) @ (1 << np.arange(count))
    sums = np.bincount(agreeing, preference, minlength=1 << count)
    numbers = np.bincount(agreeing, minlength=1 << count).astype(np.float64)
    sets = np.arange(1 << count)
    # States that agree in a set of parts are those that agree in it exactly or in more.
    for part in range(count):
        without = sets[(sets >> part) & 1 == 0]
        sums[without] += sums[without | 1 << part]
        numbers[without] += numbers[without | 1 << part]
    known = sums / np.maximum(numbers, 1.0)
    size = np.array([int(number).bit_count() for number in sets])
    weight = [math.factorial(k) * math.factorial(count - k - 1) / math.factorial(count) for k in range(count)]
    found = np.zeros(count)
    for part in range(count):
        without = sets[(sets >> part) & 1 == 0]
        gains = known[without | 1 << part] - known[without]
        found[part] = (np.array(weight)[size[without]] * gains).sum()
    return found
