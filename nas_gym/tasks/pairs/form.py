"""How a text becomes the example of a task of pairs, and answers become texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.forms.base import ARRAYS, ExampleForm, FileExamples, Reading
from nas_gym.tasks.inputs import PADDING, TokenInputs
from nas_gym.tasks.own import paths
from nas_gym.tasks.pairs.reading import sources_of

Unit = Literal["characters", "words"]
UNITS: tuple[Unit, ...] = ("characters", "words")
START = "<start>"
"""The name of the code that stands before the first token of every answer."""
UNKNOWN = "<unknown>"
"""The name of the code of every word that is too rare to have one of its own."""


def tokens_of(text: str, unit: Unit) -> list[str]:
    """Return the tokens of a text, without spaces at its ends; words are what spaces separate."""
    return list(text.strip()) if unit == "characters" else text.split()


@dataclass(frozen=True)
class PairForm(ExampleForm):
    """How the texts of a task of pairs became its examples, which a saved network keeps.

    An example is the source, filled up with padding, and behind it what was answered so far: `START`, then
    the tokens of the answer, so that the answer at a position is what follows there, the end at last.

    Attributes:
        vocabulary: what each code stands for; the first is "", the padding.
        answers: what each number of an answer stands for; the first is "", the end.
        lengths: length of the source and of the answer.
        source: what a token of the source is.
        target: what a token of the answer is.
        lower: whether sources are read in small letters.
        translates: whether answers are texts that are measured as translations are.
    """

    vocabulary: tuple[str, ...]
    answers: tuple[str, ...]
    lengths: tuple[int, int]
    source: Unit = "characters"
    target: Unit = "characters"
    lower: bool = False
    translates: bool = False
    kind: ClassVar[str] = "pairs"
    what: ClassVar[str] = "texts"
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".tsv")
    takes_texts: ClassVar[bool] = True
    decodes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("vocabulary", "answers", "lengths"):  # from JSON they come as lists
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example."""
        return (sum(self.lengths),)

    @property
    def inputs(self) -> TokenInputs:
        """What the codes of an example stand for."""
        return TokenInputs(self.vocabulary, self.lengths)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.vocabulary)}

    @cached_property
    def _fed(self) -> np.ndarray:
        """The code that each number of an answer has as input of the next answer; padding of the end."""
        return np.array([self._codes.get(name, PADDING) for name in self.answers], dtype=np.float32)

    def config(self) -> dict[str, Any]:
        """Return what `nas_gym.tasks.forms.registry.form_of` builds the form from again, JSON-able."""
        return {
            "kind": self.kind,
            "vocabulary": list(self.vocabulary),
            "answers": list(self.answers),
            "lengths": list(self.lengths),
            "source": self.source,
            "target": self.target,
            "lower": self.lower,
            "translates": self.translates,
        }

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the examples of sources without answers, float32 (n, *shape).

        Raises:
            NASGymError: if a text is empty, too long, or has a token that training did not have.
        """
        x = np.full((len(texts), *self.shape), PADDING, dtype=np.float32)
        for row, text in zip(x, texts, strict=True):
            tokens = tokens_of(text.lower() if self.lower else text, self.source)
            if not 0 < len(tokens) <= self.lengths[0]:
                raise DataError(
                    f"the text {text!r} has {len(tokens)} {self.source}, the network reads 1 to "
                    f"{self.lengths[0]}: shorten it, or leave it out"
                )
            row[: len(tokens)] = [self._code(token, text) for token in tokens]
        x[:, self.lengths[0]] = self._codes[START]
        return x

    def _code(self, token: str, text: str) -> int:
        code = self._codes.get(token, self._codes.get(UNKNOWN))
        if code is None or token in (START, ""):
            raise DataError(
                f"the text {text!r} has {token!r}, which none had in training: replace it, or leave it out"
            )
        return code

    def decoded(self, x: np.ndarray, outputs: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the outputs for sources alone, each position with a network's own answers before it.

        The likeliest token is taken at each position (greedy decoding), the first of equal ones; so the
        result depends on the network and the source alone.

        Args:
            x: examples (n, *shape), of which the answers are ignored.
            outputs: a network, from examples to (n, names * positions).

        Returns:
            (n, names * positions), those of the position p after p answers of its own.
        """
        source, positions = self.lengths
        x = x.copy()
        x[:, source:] = PADDING
        x[:, source] = self._codes[START]
        for position in range(1, positions):
            found = outputs(x).reshape(len(x), len(self.answers), positions)
            x[:, source + position] = self._fed[found[:, :, position - 1].argmax(axis=1)]
            going = x[:, source + position] != PADDING
            if not going.any():
                break
        return outputs(x)

    def texts(self, answers: np.ndarray) -> list[str]:
        """Return answers as texts: the likeliest tokens up to the first that is the end.

        Args:
            answers: outputs or probabilities, (n, names * positions).
        """
        taken = answers.reshape(len(answers), len(self.answers), self.lengths[1]).argmax(axis=1)
        return self.named(taken)

    def named(self, numbers: np.ndarray) -> list[str]:
        """Return the texts of numbers of answers, (n, positions), each up to its end or what is not asked."""
        between = "" if self.target == "characters" else " "
        found = []
        for row in numbers.tolist():
            names = [self.answers[number] if number >= 0 else "" for number in row]
            found.append(between.join(names[: names.index("")] if "" in names else names))
        return found

    def examples_in(self, path: Path, reading: Reading) -> FileExamples | None:
        """Return the examples of the sources in a file, one a line; None of a file of arrays."""
        if path.suffix in ARRAYS:
            return None
        texts = sources_of(paths.existing(path, "text"), reading.get("encoding"))
        return FileExamples(self.encode(texts), texts, "source")

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return the example of a file that holds one text."""
        found: np.ndarray = self.encode([content.decode("utf-8-sig").strip()])[0]
        return found
