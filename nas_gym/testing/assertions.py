"""The one statement that the suites are made of, and the global states that a part must leave alone."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def require(holds: object, sentence: str) -> None:
    """Raise an AssertionError with a sentence unless a condition holds, also under ``python -O``."""
    if not holds:
        raise AssertionError(sentence)


def require_json(value: Any, what: str) -> None:
    """Require that a value is the same after it was written as JSON and read again."""
    try:
        read = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} must be JSON-able, not {value!r} ({error})") from error
    require(read == value, f"{what} must be the same after JSON, not {read!r} for {value!r}")


@contextmanager
def global_state_kept(what: str) -> Iterator[None]:
    """Require that the global random generators are left as they were."""
    before = _global_state()
    yield
    changed = [name for name, state in _global_state().items() if before.get(name, state) != state]
    require(not changed, f"{what} changes the global random state of {', '.join(changed)}")


def _global_state() -> dict[str, Any]:
    states: dict[str, Any] = {"random": random.getstate()}
    states["numpy"] = np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states
