"""Chemical formulas, and what they are made of as features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.forms.base import ARRAYS, ExampleForm, FileExamples, Reading
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.own import paths
from nas_gym.tasks.reading.raw_table import RawTable, listed, text_of
from nas_gym.tasks.reading.table_file import read_table

TOKEN = re.compile(r"(?P<element>[A-Z][a-z]?)|(?P<open>[(\[{])|(?P<close>[)\]}])")
AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
CHARGE = re.compile(r"\^?[+-][0-9]*$|\^[0-9]*[+-]$")
WATER = r"\.(?=(?:[0-9]+(?:\.[0-9]+)?)?H2O)(?<![.·•*][0-9]\.)"
PARTS = re.compile(rf"[·•*]|(?<![0-9])\.|\.(?=[A-Z(\[])|{WATER}")
"""What parts a salt from its water of crystallisation: a middle dot, or a dot that is no decimal point, as
before ``5H2O``."""
CLOSING = {"(": ")", "[": "]", "{": "}"}
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
STATISTICS = ("mean", "deviation", "smallest", "largest")
ATOMIC_NUMBER, PERIOD, GROUP, COVALENT, VAN_DER_WAALS, MASS, OUTER = PROPERTIES = (
    "atomic number",
    "period",
    "group",
    "covalent radius",
    "van der Waals radius",
    "atomic mass",
    "outer electrons",
)
NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
"""Atomic numbers after which a period begins."""
Elements = tuple[tuple[str, tuple[float, ...]], ...]


def parse_formula(text: str) -> dict[str, float]:
    """Return the amount of each element in a formula, such as ``"CuSO4·5H2O"`` or ``"Fe0.95O"``.

    Raises:
        DataError: if it is none.
    """
    amounts: dict[str, float] = {}
    plain = CHARGE.sub("", text.strip().translate(SUBSCRIPTS).replace(" ", ""))
    for part in PARTS.split(plain):
        lead = AMOUNT.match(part)
        rest = part[lead.end() :] if lead else part
        if not rest:
            raise DataError(f"{text!r} is no chemical formula: write it like 'CuSO4·5H2O'")
        for element, amount in _counted(rest, text).items():
            amounts[element] = amounts.get(element, 0.0) + amount * (float(lead[0]) if lead else 1.0)
    kept = {element: amount for element, amount in amounts.items() if amount > 0}
    if not kept:
        raise DataError(f"{text!r} is a chemical formula of nothing: write it like 'CuSO4·5H2O'")
    return kept


def _counted(part: str, text: str) -> dict[str, float]:
    """Count the elements of a formula without a dot or a number before it."""
    levels: list[dict[str, float]] = [{}]
    opened: list[str] = []
    place = 0
    while place < len(part):
        token = TOKEN.match(part, place)
        if token is None:
            raise DataError(
                f"{text!r} is no chemical formula, for {part[place:][:10]!r} is none: write it like "
                "'CuSO4·5H2O'"
            )
        place = token.end()
        if token["open"]:
            levels.append({})
            opened.append(CLOSING[token["open"]])
            continue
        found = {token["element"]: 1.0} if token["element"] else {}
        if token["close"]:
            if not opened or opened.pop() != token["close"]:
                raise DataError(f"{text!r} has a bracket that does not match: mend the formula")
            found = levels.pop()
        amount = AMOUNT.match(part, place)
        if amount:
            place = amount.end()
        for element, number in found.items():
            times = float(amount[0]) if amount else 1.0
            levels[-1][element] = levels[-1].get(element, 0.0) + number * times
    if opened:
        raise DataError(f"{text!r} has a bracket that is not closed: mend the formula")
    return levels[0]


def reduced(amounts: Mapping[str, float]) -> str:
    """Return a text that formulas of one composition share: shares of the elements by name."""
    total = sum(amounts.values())
    return " ".join(f"{element}{amounts[element] / total:.6f}" for element in sorted(amounts))


@dataclass(frozen=True)
class FormulaForm(ExampleForm):
    """How formulas become features: the share of each element, and statistics over the atoms.

    The statistics of each of `PROPERTIES` are its mean, standard deviation, smallest and largest value over
    the atoms of the formula (after Ward et al. 2016, "A general-purpose machine learning framework for
    predicting properties of inorganic materials").

    Attributes:
        column: column of the formulas in a table.
        elements: symbol and properties of each element that is known, in the order of the periodic table.
    """

    column: str
    elements: Elements
    kind: ClassVar[str] = "formula"
    what: ClassVar[str] = "formulas"
    suffixes: ClassVar[tuple[str, ...]] = ()
    takes_texts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        plain = tuple((str(symbol), tuple(map(float, numbers))) for symbol, numbers in self.elements)
        object.__setattr__(self, "elements", plain)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example."""
        return (len(self.feature_names),)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name per feature."""
        told = [f"{statistic} of {one}" for one in PROPERTIES for statistic in STATISTICS]
        return (*(f"share of {symbol}" for symbol, _ in self.elements), *told)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form, which holds the properties of the elements."""
        elements = [[symbol, list(numbers)] for symbol, numbers in self.elements]
        return {"kind": self.kind, "column": self.column, "elements": elements}

    def features(self, text: str) -> np.ndarray:
        """Return the features of one formula, float64 (features,).

        Raises:
            DataError: if it is no formula, or has an element that is not known.
        """
        amounts = parse_formula(text)
        known = dict(self.elements)
        for element in amounts:
            if element not in known:
                raise DataError(f"{text!r} has {element!r}, which is no element that is known: mend it")
        total = sum(amounts.values())
        shares = np.array([amounts.get(symbol, 0.0) / total for symbol, _ in self.elements])
        weights = shares[shares > 0]
        values = np.array([numbers for symbol, numbers in self.elements if symbol in amounts])
        mean = weights @ values
        deviation = np.sqrt(weights @ (values - mean) ** 2)
        statistics = np.stack([mean, deviation, values.min(axis=0), values.max(axis=0)], axis=1)
        return np.concatenate([shares, statistics.ravel()])

    def encode(self, texts: Sequence[Any]) -> np.ndarray:
        """Return the features of new formulas, float64 (n, features).

        Raises:
            NASGymError: if one is none, naming its row.
        """
        found = np.zeros((len(texts), *self.shape))
        for place, text in enumerate(texts):
            try:
                if text is None or not str(text).strip():
                    raise DataError("it is empty: pass a formula")
                found[place] = self.features(str(text))
            except DataError as error:
                raise DataError(f"formula {place + 1:,}: {error}") from error
        return found

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return the features of the formula that a file holds.

        Raises:
            Unreadable: if it holds none.
        """
        try:
            return self.features(content.decode("utf-8", "replace"))
        except DataError as error:
            raise Unreadable(f"{name}: {error}") from error

    def examples_in(self, path: Path, reading: Reading) -> Any:
        """Return the formulas of a file, or its table where that holds features; None of a file of arrays."""
        if path.suffix in ARRAYS:
            return None
        path = paths.existing(path, "table")
        table = read_table(path, **reading, expected=(self.column,))
        return self.in_table(table) or table

    def in_table(self, table: RawTable) -> FileExamples | None:
        """Return the formulas of a table; None of one that holds features."""
        if self.column not in table.columns:
            return None
        texts = tuple(map(text_of, listed(table.columns[self.column])))
        return FileExamples(self.examples(table), texts, self.column)

    def examples(self, table: RawTable) -> np.ndarray:
        """Return the features of the formulas of a table.

        Raises:
            NASGymError: if it has no such column, or as `encode` does.
        """
        if self.column not in table.columns:
            raise DataError(
                f"{table.source} has no column {self.column!r}, which held the formulas in training: "
                "name it so"
            )
        return self.encode(list(table.columns[self.column]))


def place_in_table(number: int) -> tuple[int, int]:
    """Return period and group of an element; lanthanides and actinides count as of group 3."""
    period = next(row for row, last in enumerate(NOBLE) if number <= last)
    within, size = number - NOBLE[period - 1], NOBLE[period] - NOBLE[period - 1]
    if within <= 2 and not (period == 1 and within == 2):
        return period, within
    return period, max(3, 18 - (size - within))
