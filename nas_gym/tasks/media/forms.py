"""Forms of files by kind, and new files in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.chemistry.formulas import FormulaForm
from nas_gym.tasks.chemistry.molecules import MoleculeForm
from nas_gym.tasks.media.collection import by_name, is_of, opened
from nas_gym.tasks.media.images import ImageForm
from nas_gym.tasks.media.log_mel import LogMelForm
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.media.signals import SignalForm
from nas_gym.tasks.pairs.form import PairForm
from nas_gym.tasks.series.form import SeriesForm
from nas_gym.tasks.texts.form import TextForm

ColumnForm = MoleculeForm | FormulaForm
"""How texts in a column of a table that only chemistry can read become examples."""
FileForm = ImageForm | SignalForm | LogMelForm | SeriesForm | PairForm | TextForm | ColumnForm
FORMS: dict[str, Callable[..., FileForm]] = {
    ImageForm.kind: ImageForm,
    SignalForm.kind: SignalForm,
    LogMelForm.kind: LogMelForm,
    SeriesForm.kind: SeriesForm.of,
    PairForm.kind: PairForm,
    TextForm.kind: TextForm,
    MoleculeForm.kind: MoleculeForm,
    FormulaForm.kind: FormulaForm,
}


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


def form_of(config: Mapping[str, Any]) -> FileForm:
    """Return the form of a config."""
    options = dict(config)
    return FORMS[options.pop("kind")](**options)


def read_files(path: Path, form: ImageForm | SignalForm) -> FileExamples:
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
