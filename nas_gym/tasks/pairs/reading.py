"""Pairs of texts in files: two columns of one file, or two files whose lines belong together."""

from __future__ import annotations

from pathlib import Path

from nas_gym.errors import DataError
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.reading.text_file import decoded


def lines_of(path: str | Path, encoding: str | None = None) -> list[str]:
    """Return the lines of a file of text, without their ends and without empty ones at its end.

    Raises:
        NASGymError: if it does not exist or is no text.
    """
    full = files.existing(path, "data")
    try:
        content = full.read_bytes()
    except OSError as error:
        raise DataError(f"{full.name} cannot be read ({error}): pass another file") from error
    lines = decoded(content, full.name, encoding).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def sources_of(path: Path, encoding: str | None = None) -> tuple[str, ...]:
    """Return the texts of a file, one a line; of a file with tabs the first cell of each line.

    Raises:
        NASGymError: if there is none.
    """
    texts = [line.partition("\t")[0].strip() for line in lines_of(path, encoding)]
    found = tuple(text for text in texts if text)
    if not found:
        raise DataError(f"{path.name} has no text: write one a line")
    return found
