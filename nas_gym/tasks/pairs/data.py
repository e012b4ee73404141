"""From pairs of token sequences to the data of a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.tasks.data import Data
from nas_gym.tasks.inputs import PADDING
from nas_gym.tasks.pairs.form import START, UNKNOWN, PairForm, Unit
from nas_gym.tasks.targets.tokens import Tokens

Pair = tuple[Sequence[str], Sequence[str]]
NOT_ASKED = -1


def data_of_pairs(
    pairs: Sequence[Pair],
    *,
    source: Unit = "characters",
    target: Unit = "characters",
    lower: bool = False,
    most_names: int | None = None,
    translates: bool = False,
    **fields: Any,
) -> Data:
    """Return the data of pairs of sources and answers.

    What a network is scored by is the token accuracy with the right tokens before it in view (teacher
    forcing): an answer of the network's own is decoded only where it predicts and in the final test.

    Args:
        pairs: tokens of the source and of the answer of each example, none empty.
        source: what a token of a source is.
        target: what a token of an answer is.
        lower: whether texts are read in small letters.
        most_names: most different tokens of sources, and of answers, that have a code of their own, the
            most frequent; the others share one. None for all.
        translates: whether answers are texts that are measured as translations are.
        **fields: of `Data`.
    """
    read, answers = (_names([pair[side] for pair in pairs], most_names) for side in (0, 1))
    # A name has one code, whether it is read as a part of the source or of the answer so far.
    vocabulary = ("", START, *dict.fromkeys((*read, *answers)))
    lengths = (max(len(one) for one, _ in pairs), 1 + max(len(other) for _, other in pairs))
    form = PairForm(vocabulary, ("", *answers), lengths, source, target, lower, translates)
    x = np.full((len(pairs), *form.shape), PADDING, dtype=np.float32)
    y = np.full((len(pairs), lengths[1]), NOT_ASKED, dtype=np.int64)
    codes = {name: code for code, name in enumerate(vocabulary)}
    numbers = {name: number for number, name in enumerate(form.answers)}
    for given, asked, (one, other) in zip(x, y, pairs, strict=True):
        given[: len(one)] = [_of(codes, token, read) for token in one]
        given[lengths[0]] = codes[START]
        fed = [_of(codes, token, answers) for token in other]
        given[lengths[0] + 1 : lengths[0] + 1 + len(other)] = fed
        asked[: len(other)] = [_of(numbers, token, answers) for token in other]
        asked[len(other)] = 0
    tokens = Tokens(form.answers, lengths[1], causal=True, score="token_accuracy")
    return Data(x, y, coded=form.inputs, target=tokens, files=form, **fields)


def _names(sequences: Sequence[Sequence[str]], most: int | None) -> dict[str, None]:
    """Return the names of tokens in their order, with that of rare ones where there are any."""
    counts = Counter(token for sequence in sequences for token in sequence)
    if most is None or len(counts) <= most:
        return dict.fromkeys(sorted(counts))
    frequent = sorted(counts, key=lambda token: (-counts[token], token))[:most]
    return dict.fromkeys([UNKNOWN, *sorted(frequent)])


def _of(numbers: dict[str, int], token: str, known: dict[str, None]) -> int:
    return numbers[token if token in known else UNKNOWN]
