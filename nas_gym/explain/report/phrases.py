"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percent(share: float) -> str:
    """Return text such as ``"93%"``; shares that are not quite all or nothing do not look like it."""
    if 0.995 <= share < 1:
        return "over 99%"
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def percent_range(interval: tuple[float, float]) -> str:
    """Return text such as ``"90 to 95%"``."""
    low, high = interval
    return f"{100 * low:.0f} to {100 * high:.0f}%"


def points(difference: float) -> str:
    """Return a difference of scores: ``"+1.5 points"``; what rounds to nothing has no minus."""
    return f"{signed(difference)} points"


def signed(difference: float) -> str:
    """Return the number of points of a difference, ``"+1.5"``."""
    return f"{round(100 * difference, 1) + 0.0:+.1f}"


def compared(difference: float) -> str:
    """Return how a network compares, by a difference of scores: ``"1.5 points better"``, ``"as good"``."""
    way = _way(difference)
    return f"{unsigned(difference)} points {way}" if way else "as good"


def compared_range(low: float, high: float) -> str:
    """Return the ends of an interval so: ``"0.5 to 2.5 better"``, ``"4.9 worse to 4.0 better"``."""
    ways = _way(low), _way(high)
    if ways[0] == ways[1] and ways[0]:
        near, far = sorted((unsigned(low), unsigned(high)), key=float)
        return f"{near} to {far} {ways[0]}"
    return " to ".join(
        f"{unsigned(end)} {way}" if way else "0.0" for end, way in zip((low, high), ways, strict=True)
    )


def _way(difference: float) -> str:
    rounded = round(100 * difference, 1)
    return "better" if rounded > 0 else "worse" if rounded < 0 else ""


def deviation_in_points(variance: float | None) -> float | None:
    """Return a variance of scores as a standard deviation in points; below 0 where the variance is."""
    return None if variance is None else float(np.sign(variance) * np.sqrt(abs(variance)) * 100)


def quantity(value: float, digits: int = 3) -> str:
    """Return a number in the units of the data with about so many digits: ``"43.1"``, ``"1,230"``."""
    size = abs(value)
    if size == 0 or 1e-4 <= size < 1e15:
        decimals = max(0, digits - 1 - int(np.floor(np.log10(size)))) if size else 0
        text = f"{value:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if decimals else text
    return f"{value:.{digits}g}"


def plural(label: str) -> str:
    """Return several scores by the label of their metric: ``"accuracies"``, ``"R² values"``."""
    return f"{label[:-1]}ies" if label.endswith("y") else f"{label} values"


def capital(text: str) -> str:
    """Return a text that begins a sentence; the other letters stay as they are."""
    return text[:1].upper() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """Return text such as ``"a, b and c"``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def finite(value: float | np.floating | None) -> float | None:
    """Return a number that JSON can hold; None where it is none."""
    return None if value is None or not np.isfinite(value) else float(value)


def ordinal(number: int) -> str:
    """Return a place in an order: ``"21st"``."""
    last = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{last}"


def counted(count: int, noun: str) -> str:
    """Return text such as ``"1 state"``, ``"1,200 states"``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def unsigned(difference: float) -> str:
    """Return the number of points of a difference without a sign, ``"1.5"``."""
    return f"{abs(round(100 * difference, 1)):.1f}"
