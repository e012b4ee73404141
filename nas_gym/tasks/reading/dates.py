"""How people and programs write dates. Needs Python alone: an export to plain code takes this file along."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any

ORDERS = ("ymd", "dmy", "mdy")
"""Year, month and day as they stand in a date; a month that is a word is known whatever the order."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WORD = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
TIME = (
    r"(?:(?:T|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"(?: ?(?P<half>[AP]M))?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
SAME = r"(?P<mark>[-/.])"
DAY, MONTH, YEAR = "(?P<day>[0-9]{1,2})", "(?P<month>[0-9]{1,2})", "(?P<year>[0-9]{4})"
NAMED = f"(?P<month>{WORD})"
WRITTEN = {
    "ymd": re.compile(f"{YEAR}{SAME}{MONTH}(?P=mark){DAY}{TIME}", re.IGNORECASE),
    "dmy": re.compile(f"{DAY}{SAME}{MONTH}(?P=mark){YEAR}{TIME}", re.IGNORECASE),
    "mdy": re.compile(f"{MONTH}{SAME}{DAY}(?P=mark){YEAR}{TIME}", re.IGNORECASE),
}
IN_WORDS = (
    re.compile(rf"{DAY}(?:st|nd|rd|th)?[- .]+{NAMED}\.?,?[- ]+{YEAR}{TIME}", re.IGNORECASE),
    re.compile(rf"{NAMED}\.? +{DAY}(?:st|nd|rd|th)?,? +{YEAR}{TIME}", re.IGNORECASE),
)

Parts = tuple[float, float, float, float, float]
"""Year, month (1 to 12), day, weekday (0 is Monday) and hour (with its minutes as a fraction)."""


def parts_of(cell: Any, order: str) -> Parts | None:
    """Return the parts of a date; None if a cell is none in this order. A time is taken as it is written."""
    if isinstance(cell, date):
        clock = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        return _parts(clock)
    return _parts_of_text(cell, order) if isinstance(cell, str) else None


@lru_cache(maxsize=2**16)  # a column is looked at several times, and days repeat
def _parts_of_text(cell: str, order: str) -> Parts | None:
    found = WRITTEN[order].fullmatch(cell)
    for form in IN_WORDS if found is None else ():
        found = found or form.fullmatch(cell)
    if found is None:
        return None
    month = found["month"]
    number = int(month) if month.isdigit() else MONTHS.index(month[:3].lower()) + 1
    hour = int(found["hour"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"].upper() == "PM")
    try:
        return _parts(
            datetime(
                int(found["year"]),
                number,
                int(found["day"]),
                hour,
                int(found["minute"] or 0),
                int(found["second"] or 0),
            )
        )
    except ValueError:  # such as the 30th of February
        return None


def _parts(clock: datetime) -> Parts:
    hour = clock.hour + clock.minute / 60 + clock.second / 3600
    return float(clock.year), float(clock.month), float(clock.day), float(clock.weekday()), hour
