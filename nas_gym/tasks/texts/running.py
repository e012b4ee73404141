"""Running text as windows, of which the next token is asked at each position."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.reading.text_file import decoded
from nas_gym.tasks.targets.tokens import Tokens
from nas_gym.tasks.texts.form import UNKNOWN, TextForm, tokens_of

RUNNING_UNITS = ("characters", "bytes")
"""Units of running text, of which scores can be compared; those of subwords depend on the subwords."""
LENGTH = 32
PARTS = (0.70, 0.85)
"""Where the validation and the test part begin."""
LEAST_WINDOWS = 20


def running_text(
    path: Path, unit: str, length: int | None, lower: bool, characters: int, encoding: str | None
) -> Data:
    """Return the windows of a text in a file, in its order.

    A window begins where the one before ended, so no token is asked twice. The parts are parts of the text,
    so that what is tested on comes after all that was trained on.

    Args:
        path: path of the file.
        unit: ``"characters"`` or ``"bytes"``.
        length: tokens of a window; None for 32.
        lower: whether capital letters count as small ones.
        characters: most characters that are read.
        encoding: encoding of the file; None to tell.

    Raises:
        NASGymError: if the file cannot be read, or is too short.
    """
    if unit not in RUNNING_UNITS:
        raise unknown("unit of running text", unit, RUNNING_UNITS)
    if not isinstance(characters, int) or characters < 1:
        raise ConfigError(f"characters must be a whole number of at least 1, not {characters!r}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error}): pass another file") from error
    whole_text = decoded(content, path.name, encoding)
    tokens = tokens_of(whole_text[:characters], unit, lower)
    size = length or LENGTH
    windows = (len(tokens) - 1) // size
    if windows < LEAST_WINDOWS:
        raise DataError(
            f"{path.name} has {len(tokens):,} {unit}, which are {windows} windows of {size}, and at least "
            f"{LEAST_WINDOWS} are needed: pass a longer text, a smaller length, or the target of a table"
        )
    starts = [round(share * windows) for share in PARTS]
    counts = Counter(tokens[: starts[0] * size])
    known = sorted(token for token, count in counts.items() if count > 1)
    form = TextForm(("", UNKNOWN, *known), size, unit, lower)
    codes = {token: number for number, token in enumerate((UNKNOWN, *known))}
    numbers = np.array([codes.get(token, 0) for token in tokens], dtype=np.int64)
    x = numbers[: windows * size].reshape(windows, size) + 1
    y = numbers[1 : windows * size + 1].reshape(windows, size)
    train, validation, test = np.split(np.arange(windows), starts)
    notes = []
    if len(whole_text) > characters:
        notes.append(
            f"the first {characters:,} of {len(whole_text):,} characters are read: characters= says more"
        )
    return Data(
        x.astype(np.float32),
        y,
        target=Tokens((UNKNOWN, *known), size),
        coded=form.inputs,
        files=form,
        parts=(train, validation, test),
        notes=tuple(notes),
    )
