"""A malformed input: a command line, what lies in its folder, and what the sentence that refuses it says."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

TABLE = ("--env", "NASTable-MLP-v0", "--budget", "3", "--store", "memory")
"""Options of a search that trains nothing."""


@dataclass(frozen=True)
class Material:
    """Where a case is prepared.

    Attributes:
        home: folder that the command runs in.
        run: copy of a finished run of Q-learning that kept its network, made for this case.
        tables: folder of the user's tables.
    """

    home: Path
    run: Path
    tables: Path


@dataclass(frozen=True)
class Case:
    """One malformed input.

    Attributes:
        name: what is wrong, in words.
        arguments: the command line.
        says: words of the sentence, a regular expression.
        prepare: writes what the command reads.
    """

    name: str
    arguments: Sequence[str]
    says: str
    prepare: Callable[[Material], None] = field(default=lambda material: None)


def file(name: str, content: str | bytes) -> Callable[[Material], None]:
    """Return what writes a file into the folder of the command."""

    def write(material: Material) -> None:
        path = material.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def arrays(name: str, **values: Any) -> Callable[[Material], None]:
    """Return what writes arrays into an .npz file."""
    return lambda material: np.savez(material.home / name, **values)


def edited_json(name: str, edit: Callable[[dict[str, Any]], Any]) -> Callable[[Material], None]:
    """Return what changes a JSON file of the run; an edit that returns something replaces all of it."""

    def write(material: Material) -> None:
        path = material.run / name
        values = json.loads(path.read_text())
        replaced = edit(values)
        path.write_text(json.dumps(values if replaced is None else replaced))

    return write


def edited_line(number: int, edit: Callable[[dict[str, Any]], Any]) -> Callable[[Material], None]:
    """Return what changes a line of the run's trace."""

    def write(material: Material) -> None:
        path = material.run / "trace.jsonl"
        lines = path.read_text().splitlines()
        values = json.loads(lines[number])
        replaced = edit(values)
        lines[number] = json.dumps(values if replaced is None else replaced)
        path.write_text("\n".join(lines) + "\n")

    return write


def edited_archive(path: Path, edits: Mapping[str, Any]) -> None:
    """Write an .npz file anew with some arrays replaced; None leaves one out."""
    with np.load(path, allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files}
    found |= {name: value for name, value in edits.items() if value is not None}
    for name, value in edits.items():
        if value is None:
            del found[name]
    np.savez(path, **found)


def rows(columns: str, *lines: str, repeat: int = 1) -> str:
    """Return a table of text."""
    return "\n".join([columns, *(line for _ in range(repeat) for line in lines)]) + "\n"


def good_rows(count: int = 60) -> str:
    """Return a table that can be learned from."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["a", "b", "kind"])
    writer.writerows((number % 7, (number * 5) % 11, "xy"[number % 2]) for number in range(count))
    return text.getvalue()


def zipped(**files: bytes) -> bytes:
    """Return a .zip archive of files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, each in files.items():
            archive.writestr(name.replace("__", "/"), each)
    return content.getvalue()
