"""The alternatives to the found network as facts, from the numbers of the section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nas_gym.explain.fact import Fact, difference

OVER = "validation examples"


def facts_of(numbers: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return every fact of the section."""
    return tuple(_facts(numbers))


def _facts(numbers: Mapping[str, Any]) -> Iterator[Fact]:
    start = gain_over_start(numbers)
    if start is not None:
        yield start
    yield from map(change_by, numbers.get("neighbours", ()))
    yield from map(cost_of, numbers.get("undoing", ()))
    if numbers.get("smaller"):
        yield change_by_smaller(numbers["smaller"])


def gain_over_start(numbers: Mapping[str, Any]) -> Fact | None:
    """Return what the found network gained over where the search started; None where that is not known."""
    start = numbers.get("start") or {}
    if start.get("gain_low") is None or start.get("score") is None:
        return None
    ends = (start["gain"], start["gain_low"], start["gain_high"])
    of = "the found network over where the search started"
    return difference("gain over start", of, OVER, *ends, start["seeds"])


def change_by(one: Mapping[str, Any]) -> Fact:
    """Return the score of a network one edit away minus that of the found one."""
    key, of = f"change by {one['edit']}", f"the network after {one['edit']}, over the found one"
    return difference(key, of, OVER, one["change"], one["low"], one["high"], one.get("seeds", 0))


def cost_of(one: Mapping[str, Any]) -> Fact:
    """Return what the edits that undo a choice cost on average."""
    of = f"the found network over those after {one['edits']} edits that undo {one['choice']}"
    ends = (one["cost"], one["low"], one["high"])
    return difference(f"cost of {one['choice']}", of, OVER, *ends, one["edits"])


def change_by_smaller(one: Mapping[str, Any]) -> Fact:
    """Return the score of the smallest network that is about as good minus that of the found one."""
    of = f"{one['architecture']} over the found network"
    ends = (one["change"], one["low"], one["high"])
    return difference("change by a smaller network", of, OVER, *ends, one["seeds"])
