"""Keys: all that a result depends on, its name, and the setting that it shares with many others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SETTING = ("task", "search_space", "recipe", "engine", "numerics")
"""The parts of a key that make up its setting."""


def canonical(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(key: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a key's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(key).encode()).hexdigest()


def setting_of(key: Mapping[str, Any]) -> tuple[int, str]:
    """Return the number of a key's setting and its JSON.

    The number is made of the setting itself, so that processes and stores agree on it unasked.
    """
    text = canonical({part: key.get(part) for part in SETTING})
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True), text
