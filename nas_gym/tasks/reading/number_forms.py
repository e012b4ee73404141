"""How people and spreadsheets write numbers, and which way a column of texts does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
ALL_PLAIN = re.compile(rf"(?:{PLAIN.pattern}\n)*+{PLAIN.pattern}")

CURRENCIES = (
    "[$€£¥₹₩₽₺₪₫฿₴]|(?:US|C|A|HK|NZ)\\$|USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|kr\\.?|zł|Kč"
)
SPACES = " \u00a0\u2009\u202f"
APOSTROPHES = "'\u2019"
CELL = re.compile(
    rf"(?P<sign>[+\-\u2212]?)[{SPACES}]?(?P<before>{CURRENCIES})?[{SPACES}]?(?P<second>[+\-\u2212]?)"
    rf"(?P<body>[0-9](?:[0-9.,{SPACES}{APOSTROPHES}]*[0-9.,])?|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]{{1,4}})?"
    rf"(?P<after>[{SPACES}]?(?:%|{CURRENCIES}))?"
)


@dataclass(frozen=True)
class NumberForm:
    """One way to write numbers.

    Attributes:
        decimal: what stands before decimals, ``"."`` or ``","``.
        thousands: what groups digits by three, one of ``"", ",", ".", " ", "'"``; a space or an
            apostrophe of any kind counts as that.
        unit: ``"%"``, a sign or code of a currency, or ``""``; all numbers have it or none.
        accounting: whether numbers in round brackets are negative.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    accounting: bool = False

    def value(self, text: str) -> float | None:
        """Return the number that a text is in this form; None where it is not."""
        if self == PLAIN_FORM and PLAIN.fullmatch(text):
            return float(text)
        parts = taken_apart(text)
        if parts is None or parts.unit != self.unit or (parts.brackets and not self.accounting):
            return None
        if not _body_of(self.decimal, self.thousands).fullmatch(parts.body):
            return None
        whole = parts.body.replace(self.thousands, "") if self.thousands else parts.body
        number = float(parts.sign + whole.replace(self.decimal, ".") + parts.exponent)
        return number / 100 if self.unit == "%" else number

    def words(self) -> str:
        """Return the form as a clause: ``"a decimal comma and a currency"``."""
        named = [
            *(["a decimal comma"] if self.decimal == "," else []),
            *([f"{_NAMES[self.thousands]} between thousands"] if self.thousands else []),
            *(["per cent"] if self.unit == "%" else []),
            *([f"the currency {self.unit}"] if self.unit not in ("", "%") else []),
            *(["negative numbers in brackets"] if self.accounting else []),
        ]
        return " and ".join(named) or "typographic signs"

    def config(self) -> dict[str, Any]:
        """Return the JSON-able arguments that make this form again."""
        return asdict(self)


PLAIN_FORM = NumberForm()
_NAMES = {",": "a comma", ".": "a point", " ": "a space", "'": "an apostrophe"}
_ALIKE = {ord(mark): " " for mark in SPACES} | {ord(mark): "'" for mark in APOSTROPHES}
_MARKS = tuple(
    (decimal, thousands) for decimal in ".," for thousands in ("", *",. '") if decimal != thousands
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A number taken apart: sign, digits with what stands between them, exponent, unit, brackets."""

    sign: str
    body: str
    exponent: str
    unit: str
    brackets: bool


def taken_apart(text: str) -> Parts | None:
    """Return the parts of a text that is a number in some form; None for any other text."""
    brackets = text.startswith("(") and text.endswith(")")
    found = CELL.fullmatch(text[1:-1].strip() if brackets else text)
    if found is None or (found["before"] and found["after"]) or (found["sign"] and found["second"]):
        return None
    sign = found["sign"] or found["second"]
    if brackets and sign:
        return None
    body = found["body"].translate(_ALIKE)
    if not (body.isdigit() or _any_body().fullmatch(body)):
        return None
    unit = (found["before"] or found["after"] or "").strip(SPACES)
    minus = "-" if brackets or sign in ("-", "\u2212") else ""
    return Parts(minus, body, found["exponent"] or "", unit, brackets)


def all_plain(cells: Sequence[Any]) -> bool:
    """Return whether all cells of a column are texts that are plain numbers, as those of most columns are."""
    try:
        joined = "\n".join(cells)  # one search of a long text is several times as fast as one of each cell
    except TypeError:  # some are no texts
        return False
    several = joined.count("\n") != len(cells) - 1
    return not cells or (not several and ALL_PLAIN.fullmatch(joined) is not None)


def is_number(text: str) -> bool:
    """Return whether a text is a number in some form."""
    return PLAIN.fullmatch(text) is not None or taken_apart(text) is not None


def forms_of(texts: Sequence[str], decimal: str | None = None) -> list[NumberForm]:
    """Return the forms in which all these numbers are written, the plain one first, at most one a meaning.

    Two forms mean that the numbers may be read in two ways, as ``1,234`` may.

    Args:
        texts: numbers in some form, see `is_number`.
        decimal: the mark before decimals where it is known.
    """
    parts = [taken_apart(text) for text in texts]
    assert all(parts), "these texts are numbers"
    units = {part.unit for part in parts if part}
    if len(units) > 1:
        return []
    accounting = any(part.brackets for part in parts if part)
    bodies = {part.body for part in parts if part}
    found: dict[tuple[str, ...], NumberForm] = {}
    for mark, thousands in _MARKS:
        matches = decimal in (None, mark) and all(
            _body_of(mark, thousands).fullmatch(body) for body in bodies
        )
        if matches:
            form = NumberForm(mark, thousands, units.copy().pop() if units else "", accounting)
            meaning = tuple(body.replace(thousands or "\0", "").replace(mark, ".") for body in sorted(bodies))
            found.setdefault(meaning, form)
    return list(found.values())


def exact(text: str) -> Decimal:
    """Return the value of a plain number, exactly."""
    return Decimal(text)


@lru_cache
def _any_body() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_body_of(*marks).pattern})" for marks in _MARKS))


@lru_cache
def _body_of(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return what unsigned numbers look like; a group of three does not follow a first group of zeros."""
    mark = re.escape(decimal)
    simple = rf"[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+"
    if not thousands:
        return re.compile(simple)
    grouped = rf"[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:{mark}[0-9]*)?"
    return re.compile(f"{grouped}|{simple}")
