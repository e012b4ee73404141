"""What every form is: how files, and texts in them, become examples, in training and for new ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.media.collection import by_name, is_collection, is_of, opened
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.own import paths
from nas_gym.tasks.reading.raw_table import RawTable

ARRAYS = (".npy", ".npz")
Reading = Mapping[str, str | None]
"""Options of `nas_gym.tasks.reading.table_file.read_table`."""


@dataclass(frozen=True, eq=False)
class FileExamples:
    """Examples that were read from files.

    Attributes:
        x: raw examples, (n, *shape).
        names: names of the files, or the texts themselves where a file holds many.
        column: what the names are called beside answers.
    """

    x: np.ndarray
    names: tuple[str, ...]
    column: str = "file"


class ExampleForm(ABC):
    """How files became the examples of a task.

    Attributes:
        kind: its name in a config.
        what: what the files are, for sentences.
        suffixes: of the files that hold one example each.
        takes_texts: whether examples may be given as a list of texts, see `encode`.
        decodes: whether answers are decoded token by token.
    """

    kind: ClassVar[str]
    what: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    takes_texts: ClassVar[bool] = False
    decodes: ClassVar[bool] = False

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of an example."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what `nas_gym.tasks.forms.registry.form_of` builds the form from again, JSON-able."""

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return the example of a file, (*shape).

        Raises:
            Unreadable: if it is none.
        """
        raise Unreadable(f"{name} is no file of {self.what}")

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the examples of texts, (n, *shape), of a form that takes them."""
        raise NotImplementedError

    def in_table(self, table: RawTable) -> Any:
        """Return the examples in a table, with a field ``x``; None of a form that tables do not hold.

        Raises:
            NASGymError: if a column is missing, or something in it is no example.
        """
        return None

    def examples_in(self, path: Path, reading: Reading) -> Any:
        """Return the examples in a file or folder; None of a file that may hold an array of them.

        Args:
            path: what the user named.
            reading: how a table is read.

        Raises:
            NASGymError: if it does not exist, or what is in it cannot be read.
        """
        is_array = path.suffix == ".npy" and path.is_file()
        if is_collection(path) or (is_of(path.name, self.suffixes) and not is_array):
            return read_files(path if path.is_dir() else paths.existing(path, "data"), self)
        return None


def read_files(path: Path, form: ExampleForm) -> FileExamples:
    """Return the examples in a file, or in all files of a folder or an archive, however deep.

    Raises:
        NASGymError: if there is none, or one cannot be read.
    """
    if is_of(path.name, form.suffixes):
        try:
            return FileExamples(form.read(path.name, path.read_bytes())[None], (path.name,))
        except (OSError, Unreadable) as error:
            raise DataError(f"{path.name} cannot be read as {form.kind} ({error}): leave it out") from error
    with opened(path) as files:
        names = [name for name in files.names() if is_of(name, form.suffixes)]
        if not names:
            raise DataError(f"{path.name} has no {form.what} ({', '.join(form.suffixes)}): pass some")
        found = {}
        for name in files.in_order(names):
            try:
                found[name] = form.read(name, files.read(name))
            except (OSError, Unreadable) as error:
                raise DataError(f"{name} cannot be read as {form.kind} ({error}): leave it out") from error
    return FileExamples(np.stack(list(by_name(found, names).values())), tuple(names))
