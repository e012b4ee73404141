"""Errors a user can act on: each says in one sentence what was expected, what came, and what to do.

`except NASGymError` catches them all; `nas-gym` prints the sentence and exits with code 2.

| error | raised for |
|---|---|
| `ConfigError` | an argument, name, option or part of the user's own that does not fit |
| `DataError` | data or a file of the user's that cannot be used: examples, labels, tables, saved networks |
| `StoreError` | a store or a run folder that cannot be used, and files that cannot be written |
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NASGymError(ValueError):
    """A mistake in what the user passed in, and the base of the errors below."""


class ConfigError(NASGymError):
    """A wrong argument, an unknown name or option, or a part of the user's own that breaks its interface."""


class DataError(NASGymError):
    """Data or a file of the user's that is missing, damaged, or holds what cannot be used."""


class StoreError(NASGymError):
    """A store or run folder of something else, in use or damaged, or a file that cannot be written."""


class DataWarning(UserWarning):
    """One line on how data or a file was read, which a user may want otherwise; a command prints it once."""


class WaitWarning(DataWarning):
    """One line on what work waits for, told as those on data are."""


def unknown(what: str, name: object, known: Iterable[str]) -> ConfigError:
    """Return the error for a name that is not among the known ones, with the nearest of them."""
    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    return ConfigError(f"unknown {what} {name!r}: {hint}known: {', '.join(names)}")
