"""Errors a user can act on: what was expected, what came, what to do, in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NASGymError(ValueError):
    """A mistake in what the user passed in; the command line prints it and exits with code 2."""


class DataWarning(UserWarning):
    """One line on a reading of data that a user may want otherwise; the command line prints it once."""


def unknown(what: str, name: object, known: Iterable[str]) -> NASGymError:
    """The error for a name that is not among the known ones, with the nearest of them."""
    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    return NASGymError(f"unknown {what} {name!r}: {hint}known: {', '.join(names)}")
