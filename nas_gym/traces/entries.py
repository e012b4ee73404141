"""What the entries of a run's files are, so that a damaged or made-up file is refused where it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = type(None)
WORDS = {NOTHING: "null", bool: "true or false", dict: "an object", list: "a list", str: "a text"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry of a JSON object may be.

    Attributes:
        types: its types; a bool is no int here.
        items: types of the items of a list; () for any.
        entries: entries of an object, or of each object in a list; None for any.
        needed: whether it must be there.
    """

    types: tuple[type, ...]
    items: tuple[type, ...] = ()
    entries: Mapping[str, Entry] | None = None
    needed: bool = True

    def flaw(self, value: Any) -> str:
        """Return what is wrong with a value in words; "" if nothing is."""
        if type(value) not in self.types:
            return f"is {_words(value)}"
        if self.items and isinstance(value, list):
            for item in value:
                if type(item) not in self.items:
                    return f"holds {_words(item)}"
        if self.entries is None:
            return ""
        for one in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
            if found := flaw(one, self.entries):
                return f"holds {found}"
        return ""


def flaw(values: Mapping[str, Any], entries: Mapping[str, Entry]) -> str:
    """Return the first entry that is missing or not what it should be, in words; "" if there is none."""
    for name, entry in entries.items():
        if name not in values:
            if entry.needed:
                return f"no {name!r}"
        elif found := entry.flaw(values[name]):
            return f"{name!r}, which {found}"
    return ""


def _words(value: Any) -> str:
    return WORDS.get(type(value), "a number")


NUMBER, TEXT, FLAG, WHOLE = Entry((int, float)), Entry((str,)), Entry((bool,)), Entry((int,))
MAYBE_NUMBER, MAYBE_TEXT = Entry((int, float, NOTHING)), Entry((str, NOTHING))
MAYBE_WHOLE = Entry((int, NOTHING))
WHOLES, TEXTS = Entry((list,), (int,)), Entry((list,), (str,))

_SCORED = {"seed": WHOLE, "validation_score": NUMBER, "test_score": NUMBER, "error": TEXT}
_EVALUATED = {
    "architecture": TEXT,
    "score": NUMBER,
    "seconds": NUMBER,
    "status": TEXT,
    "fidelity": Entry((int, NOTHING), needed=False),
}

FINISHED = {
    "evaluations": Entry((list,), (dict,), _EVALUATED),
    "architecture": TEXT,
    "score": NUMBER,
    "seed": WHOLE,
    "stopped": TEXT,
    "label": TEXT,
    "access": TEXT,
    "seconds": NUMBER,
    "metric_label": TEXT,
    "validation_score": NUMBER,
    "test_score": NUMBER,
    "final": Entry((list,), (dict,), _SCORED),
    "charges": Entry((list, NOTHING), (int, float), needed=False),
    "shares": Entry((list, NOTHING), (int, float), needed=False),
    "incumbents": Entry((list, NOTHING), (dict,), {"evaluation": WHOLE, "regret": NUMBER}, needed=False),
    "on_new_examples": Entry((dict, NOTHING), needed=False),
    "constant_answer": Entry((dict, NOTHING), needed=False),
}
"""The result of a search by an agent; that of a `nas_gym.Trace` is what its user passed."""
