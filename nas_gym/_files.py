"""Writing files: whole or not at all, and a disk that refuses is one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nas_gym.errors import StoreError

UNFINISHED = ".unfinished"


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the system refuses while a file is written into one sentence.

    Raises:
        NASGymError: for a full disk, a folder that may not be written, and the like.
    """
    try:
        yield
    except OSError as error:
        raise unwritten(error, path) from error


def unwritten(error: OSError, path: str | os.PathLike[str] | None = None) -> StoreError:
    """The sentence for a file that could not be written, or read, for a reason of the system's."""
    where = error.filename if path is None else os.fspath(path)
    reason = error.strerror or str(error)
    return StoreError(
        f"{'a file' if where is None else where} cannot be used ({reason}): what is finished stays as it is; "
        "make room or give permission, and run the same command again"
    )


def write_text(file: Path, text: str) -> None:
    """Write a text in UTF-8 as `write_bytes` does."""
    write_bytes(file, encodable(text).encode())


def encodable(text: str) -> str:
    """A text with what is not UTF-8 as escapes: a name that the file system gave must not end a report."""
    return text.encode("utf-8", "backslashreplace").decode()


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file at once, so that a reader finds all of it, or what was there before.

    Raises:
        NASGymError: if it cannot be written; nothing of it is left.
    """
    unfinished = file.with_name(file.name + UNFINISHED)
    with writing(file):
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, file)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise


def write_whole(file: BinaryIO, content: bytes) -> None:
    """Write all of a content into an unbuffered file, of which a disk that fills takes a part."""
    while content:
        content = content[file.write(content) :]
