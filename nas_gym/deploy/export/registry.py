"""Exporting a saved network: what formats there are, and the check that what is written answers the same."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import UNFINISHED, writing
from nas_gym.deploy.deployed import DeployedModule, Numbers, example_rows
from nas_gym.deploy.export.base import ExportFormat
from nas_gym.deploy.export.rounding import rounding
from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.registry import lookup
from nas_gym.tasks import features_of, read_examples
from nas_gym.training import apart

FORMATS: dict[str, str] = {
    "onnx": "nas_gym.deploy.export.onnx:Onnx",
    "torch": "nas_gym.deploy.export.torch_program:TorchProgram",
    "python": "nas_gym.deploy.export.python_code:PythonCode",
    "tensorflow": "nas_gym.deploy.export.tensorflow:TensorFlow",
    "tflite": "nas_gym.deploy.export.tensorflow:TFLite",
}
"""The formats by name: where each is defined, so that it is imported when it is needed."""
TOLERANCE = 1e-5
"""How far an answer may be off, as a probability or in standard deviations of a value."""
ROUNDINGS = 8.0
"""Times the rounding of the network itself, where that allows more, up to `MOST_ALLOWED`."""
MOST_ALLOWED = 1e-3


@dataclass(frozen=True)
class Exported:
    """A network in another format.

    Attributes:
        path: the file or folder.
        to: name of the format.
        numbers: type of the raw examples that it takes.
        rows: how many examples it was checked with.
        difference: the largest difference from the saved network's answers, as a probability or in
            standard deviations of a value.
        bytes: its size.
    """

    path: Path
    to: str
    numbers: Numbers
    rows: int
    difference: float
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.path} ({self.bytes / 1000:,.1f} kB) takes raw examples as {self.numbers} and answers "
            f"{self.rows} of them as the saved network does (largest difference {self.difference:.1g})"
        )


@apart
def export_network(
    saved: SavedNetwork, to: str, path: str | Path | None = None, *, rows: Any = None
) -> Exported:
    """Write a saved network in another format, and check what is written against the network.

    Raw examples go in: standardisation and answers are part of what is written. Examples are float32 where
    that changes no answer by more than `TOLERANCE`, else float64. What is written may be off by as much, or
    by as much as float32 can tell of this network at all (see `nas_gym.deploy.export.rounding`), but never by
    more than `MOST_ALLOWED`.

    Args:
        saved: the network, as `nas_gym.load_network` gives it.
        to: name of the format, one of `FORMATS`.
        path: file, or folder for a format that is one; None for ``network`` in the current folder.
        rows: examples to check with, in any form that `SavedNetwork.predict` takes; None for 64 that are
            drawn, like those in training by mean and deviation.

    Raises:
        NASGymError: for an unknown format, a package that is missing, an operation or a type that the format
            cannot hold, or answers that differ; nothing is left of what was written then.
    """
    form = _format(to)
    target = Path(path) if path is not None else Path(f"network{form.suffix}")
    if target.suffix != form.suffix:
        ends = f"ends in {form.suffix}" if form.suffix else "is a folder, whose name has no ending"
        raise ConfigError(f"what is exported to {to} {ends}, not {target.name!r}: rename it")
    if target.is_dir():
        raise ConfigError(f"{target} is there already: name another folder, or remove it")
    raw = _features(saved, rows)
    allowed = min(MOST_ALLOWED, max(TOLERANCE, ROUNDINGS * rounding(saved, raw)))
    numbers = _numbers(saved, raw, to, form, allowed)
    unfinished = target.with_name(target.name + UNFINISHED + form.suffix)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(unfinished)
        try:
            form.write(saved, unfinished, numbers)
            difference = _difference(saved, raw, form.answers(saved, unfinished)(raw))
            _check(target, difference, allowed)
            os.replace(unfinished, target)
        finally:
            _remove(unfinished)
    return Exported(target, to, numbers, len(raw), difference, _size(target))


def suffix_of(to: str) -> str:
    """Return how the files of a format end; "" for a format that is a folder.

    Raises:
        NASGymError: for an unknown format.
    """
    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    form: type[ExportFormat] = lookup("format", to, FORMATS)
    return form.suffix


def _format(to: str) -> ExportFormat:
    """Return a format whose packages are there."""
    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    form: ExportFormat = lookup("format", to, FORMATS)()
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"exporting to {to} needs {' and '.join(missing)}: install with "
            f"pip install 'nas-gym[{form.extra}]', or choose another format of {', '.join(FORMATS)}"
        )
    return form


def _features(saved: SavedNetwork, rows: Any) -> np.ndarray:
    """Return examples as raw features, float64 (n, *input_shape)."""
    if rows is None:
        return example_rows(saved)
    if isinstance(rows, str | Path):
        rows = read_examples(rows, saved.encoder, saved.files)
    raw = features_of(rows, saved.search_space.input_shape, saved.encoder, saved.feature_names)
    return raw.astype(np.float64)


def _numbers(saved: SavedNetwork, raw: np.ndarray, to: str, form: ExportFormat, allowed: float) -> Numbers:
    """Return the first type of a format that answers exactly enough, or the last if it is as allowed."""
    import torch

    off = {}
    for numbers in form.numbers:
        with torch.no_grad():
            x = torch.tensor(raw, dtype=getattr(torch, numbers))
            off[numbers] = _difference(saved, raw, DeployedModule(saved, numbers)(x).numpy())
        if off[numbers] <= TOLERANCE:
            return numbers
    if off[form.numbers[-1]] <= allowed:
        return form.numbers[-1]
    raise DataError(
        f"{to} takes examples as {form.numbers[-1]}, which answers them by up to {min(off.values()):.2g} "
        f"otherwise than the saved network (at most {allowed:.2g} is allowed), since they are large beside "
        "their deviation: export to onnx or torch"
    )


def _difference(saved: SavedNetwork, raw: np.ndarray, found: np.ndarray) -> float:
    """Return how far answers are off those of the saved network, infinite if they are of another shape."""
    expected = saved.given(raw)
    if found.shape != expected.shape:
        return float("inf")
    off = np.abs(found.astype(np.float64) - expected) / saved.target.answer_scale
    return float(np.nan_to_num(off.max(), nan=np.inf))


def _check(target: Path, difference: float, allowed: float) -> None:
    if difference > allowed:
        raise DataError(
            f"{target} would answer otherwise than the saved network, by {difference:.2g} where at most "
            f"{allowed:.2g} is allowed: choose another format of {', '.join(FORMATS)}"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
