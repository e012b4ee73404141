"""How texts become codes: the same for training, for new texts and where a network is saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import NASGymError, unknown
from nas_gym.tasks.forms.base import ARRAYS, ExampleForm, FileExamples, Reading
from nas_gym.tasks.inputs import PADDING, TokenInputs
from nas_gym.tasks.media.collection import is_collection
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.own import paths
from nas_gym.tasks.pairs.reading import sources_of
from nas_gym.tasks.reading.raw_table import RawTable, listed, text_of
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.reading.text_file import decoded
from nas_gym.tasks.texts import subwords

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What every token stands for that is not in the vocabulary, code 1."""
UNITS = ("characters", "bytes", "subwords")


@dataclass(frozen=True)
class TextForm(ExampleForm):
    """How texts become codes: cut into units, of which each has a code, filled up or cut to one length.

    Attributes:
        vocabulary: what each code stands for; the first is ``""``, the padding, the second `UNKNOWN`.
        length: codes of a text; what is behind is cut off.
        unit: ``"characters"``, ``"bytes"`` of UTF-8, which are written as two hexadecimal digits, or
            ``"subwords"``.
        lower: whether capital letters count as small ones.
        column: name of the column of a table that holds the texts; "" where each is a file.
        start: a token before each text; "" for none.
        model: the subwords, see `nas_gym.tasks.texts.subwords`; "" of other units.
    """

    vocabulary: tuple[str, ...]
    length: int
    unit: str = "characters"
    lower: bool = False
    column: str = ""
    start: str = ""
    model: str = ""
    kind: ClassVar[str] = "text"
    what: ClassVar[str] = "texts"
    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    takes_texts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an array."""
        return (self.length,)

    @property
    def inputs(self) -> TokenInputs:
        """What the codes stand for."""
        return TokenInputs(self.vocabulary, (self.length,))

    def tokens(self, text: str) -> list[str]:
        """Return the units of a text, as many as it has."""
        begin = [self.start] if self.start else []
        if self.model:
            return begin + subwords.pieces(self.model, text.lower() if self.lower else text)
        return begin + tokens_of(text, self.unit, self.lower)

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """Return the codes of texts, float32 (n, length)."""
        codes = {token: code for code, token in enumerate(self.vocabulary)}
        strange = codes[UNKNOWN]
        rows = [[codes.get(token, strange) for token in self.tokens(text)[: self.length]] for text in texts]
        found = np.full((len(rows), self.length), PADDING, dtype=np.float32)
        for number, row in enumerate(rows):
            found[number, : len(row)] = row
        return found

    def texts(self, x: np.ndarray) -> list[str]:
        """Return the texts of codes, (n, length), as far as codes say them."""
        joined = [[self.vocabulary[code] for code in row if code] for row in x.astype(np.int64).tolist()]
        if self.model:
            return [subwords.joined(tokens) for tokens in joined]
        if self.unit == "characters":
            return ["".join(tokens) for tokens in joined]
        known = [[token for token in tokens if token != UNKNOWN] for tokens in joined]
        return [bytes.fromhex("".join(tokens)).decode("utf-8", "replace") for tokens in known]

    def examples_in(self, path: Path, reading: Reading) -> FileExamples | None:
        """Return the texts of a file: one a line of a ``.txt`` file, else those of the column of a table."""
        if path.suffix in ARRAYS:
            return None
        if not self.column or is_collection(path):
            found: FileExamples | None = super().examples_in(path, reading)
            return found
        path = paths.existing(path, "text")
        if path.suffix != ".txt":
            return self.in_table(read_table(path, **reading, expected=(self.column,)))
        texts = sources_of(path, reading.get("encoding"))
        return FileExamples(self.encode(texts), texts, self.column)

    def in_table(self, table: RawTable) -> FileExamples | None:
        if not self.column:
            return None
        if self.column not in table.columns:
            raise unknown(f"column of texts of {table.source}", self.column, table.columns)
        texts = tuple(text_of(cell) for cell in listed(table.columns[self.column]))
        return FileExamples(self.encode(texts), texts, self.column)

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return the codes of a file, float32 (length,).

        Raises:
            Unreadable: if it is not of a known encoding.
        """
        codes: np.ndarray = self.encode([text_of_file(content)])[0]
        return codes

    def fitted(self, x: np.ndarray, train: np.ndarray) -> tuple[TextForm, np.ndarray, tuple[str, ...]]:
        """Return the form of what the training part alone knows, the codes in it, and what is to be said.

        A token that occurs there at most once is unknown, so that networks learn what to make of such.

        Args:
            x: codes of all texts, (n, length).
            train: indices of the training examples.
        """
        counts = np.bincount(x[train].astype(np.int64).ravel(), minlength=len(self.vocabulary))
        kept = [code for code in range(2, len(self.vocabulary)) if counts[code] > 1]
        new = np.full(len(self.vocabulary), 1, dtype=np.float32)
        new[PADDING] = PADDING
        new[kept] = np.arange(2, 2 + len(kept))
        vocabulary = ("", UNKNOWN, *(self.vocabulary[code] for code in kept))
        return replace(self, vocabulary=vocabulary), new[x.astype(np.int64)], ()

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {
            "kind": self.kind,
            "vocabulary": list(self.vocabulary),
            "length": self.length,
            "unit": self.unit,
            "lower": self.lower,
            "column": self.column,
            "start": self.start,
            **({"model": self.model} if self.model else {}),
        }


MOST_LENGTH = 128
"""Tokens of a text above which texts are cut where nobody says their length: attention takes their square."""
SHARE = 0.95
"""Share of the texts that are not cut, up to there."""


@dataclass(frozen=True)
class UnfittedSubwords(TextForm):
    """Texts as characters, which become subwords as soon as the training part is known.

    Attributes:
        size: subwords that are learned from the training part.
        cut: subwords of a text, behind which it is cut; None for as many as most texts have.
    """

    size: int = subwords.SIZE
    cut: int | None = None

    def fitted(self, x: np.ndarray, train: np.ndarray) -> tuple[TextForm, np.ndarray, tuple[str, ...]]:
        texts = self.texts(x)
        model = subwords.learned([texts[place] for place in train.tolist()], self.size)
        found = [subwords.pieces(model, text) for text in texts]
        length, notes = length_for([len(each) for each in found], self.cut, "subwords")
        known = sorted({piece for each in found for piece in each} - {"", UNKNOWN})
        form = TextForm(("", UNKNOWN, *known), length, "subwords", self.lower, self.column, self.start, model)
        narrowed, codes, _ = form.fitted(form.encode(texts), train)
        return narrowed, codes, notes


def length_for(lengths: Sequence[int], length: int | None, unit: str) -> tuple[int, tuple[str, ...]]:
    """Return the tokens behind which texts are cut, and a note if some are.

    Args:
        lengths: tokens of each text.
        length: what the user chose; None for as many as `SHARE` of the texts have, at most `MOST_LENGTH`.
        unit: what the tokens are.
    """
    chosen = length or int(min(MOST_LENGTH, max(1, np.quantile(lengths, SHARE, method="higher"))))
    cut = sum(each > chosen for each in lengths)
    return chosen, (
        f"{cut:,} of {len(lengths):,} texts are longer than {chosen} {unit} and cut there",
    ) if cut else ()


def tokens_of(text: str, unit: str, lower: bool) -> list[str]:
    """Return the units of a text."""
    if lower:
        text = text.lower()
    return [f"{byte:02x}" for byte in text.encode("utf-8")] if unit == "bytes" else list(text)


def form_for(
    texts: Sequence[str], length: int, unit: str = "characters", *, lower: bool = False, column: str = ""
) -> TextForm:
    """Return the form whose vocabulary has every unit of some texts, in order.

    Raises:
        NASGymError: for an unknown unit.
    """
    if unit not in UNITS:
        raise unknown("unit of texts", unit, UNITS)
    found = {token for text in texts for token in tokens_of(text, unit, lower)} - {"", UNKNOWN}
    return TextForm(("", UNKNOWN, *sorted(found)), length, unit, lower, column)


def text_of_file(content: bytes) -> str:
    """Return the text of a file, in whatever encoding it seems to be.

    Raises:
        Unreadable: if it is not of a known encoding.
    """
    try:
        return decoded(content, "the file")
    except NASGymError as error:
        raise Unreadable(f"it is in no encoding that could be told: {error}") from error
