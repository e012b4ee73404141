"""The user's own images or signals: a folder for each class, or an archive of such folders."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.inputs import Inputs
from nas_gym.tasks.media.collection import IMAGES, SIGNALS, is_of, opened
from nas_gym.tasks.media.images import read_images
from nas_gym.tasks.media.log_mel import Frames
from nas_gym.tasks.media.signals import read_signals
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.answers import answers_of
from nas_gym.tasks.own.file_names import CLASS, FILE, by_folder, by_index, by_name, few
from nas_gym.tasks.own.splitting import divide_table
from nas_gym.tasks.own.unlabelled import check_missing_target
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import MissingTexts, listed
from nas_gym.tasks.targets.kinds import check_kind


def folder(
    path: str | Path,
    inputs: Inputs | None = None,
    size: int | str | Sequence[int] | None = None,
    colour: str | None = None,
    length: int | None = None,
    rate: int | None = None,
    features: str | None = None,
    bands: int | None = None,
    window_ms: float | None = None,
    hop_ms: float | None = None,
    index: str | Path | None = None,
    target: str | Sequence[str] | None = None,
    target_kind: str | None = None,
    label_separator: str | None = None,
    categorical: Sequence[str] = (),
    missing: Sequence[str] | None = None,
    missing_target: str = "drop",
    delimiter: str | None = None,
    split: str | Path | None = None,
    group: str | None = None,
    group_in_name: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of images or signals in files: a folder for each class, or an archive of such folders.

    Archives are .zip, .tar and .tar.gz. Folders ``train``, ``validation`` and ``test`` above those of the
    classes are the parts. Images are whatever Pillow reads; signals are .wav, or .npy and .csv with a row for
    each point in time.

    Args:
        path: path of the folder or archive.
        inputs: ``"image"`` or ``"signal"``; None for what most files are.
        size: height and width of images, as ``32`` or ``"32x48"``; None for that of the images, of several
            sizes for the median, at most 64 pixels.
        colour: ``"colour"`` or ``"grey"``; None to tell by the images.
        length: points of a signal; None for the longest, at most 16,384.
        rate: points a second of .wav files; None for the most frequent.
        features: what signals become: ``"log_mel"`` for the energy in bands of the mel scale, frame by frame,
            as recognisers of speech read recordings; None for the points as they are.
        bands: bands of log-mel features; None for 24.
        window_ms: length of a frame in milliseconds; None for 40.
        hop_ms: milliseconds from one frame to the next; None for 20.
        index: path of a table with a column ``file`` that names the files, whose other columns hold the
            target, and what splits the files; None for a class by folder.
        target: column of the index to be predicted, or several.
        target_kind: as in `nas_gym.tasks.own.csv.csv`.
        label_separator: as in `nas_gym.tasks.own.csv.csv`.
        categorical: the target, where its numbers are classes.
        missing: texts of the index that stand for missing values.
        missing_target: as in `nas_gym.tasks.own.csv.csv`.
        delimiter: delimiter of the index.
        split: column of the index; for it and the next three see `nas_gym.tasks.own.csv.csv`.
        group: column of the index.
        group_in_name: what in the name of a file says its group, such as its speaker, where no column does: a
            regular expression with one group, ``"_(.+)_"`` for ``7_jackson_32.wav``.
        time: column of the index.
        gap: files left out before later parts, of an order by time.
    """
    check_kind(target_kind)
    check_missing_target(missing_target)
    full = _existing(path)
    with opened(full) as found:
        own = None if index is None else files.existing(index, "table")
        kind, names, notes = _examples_of(
            [name for name in found.names() if full / name != own], inputs, full.name
        )
        if own is None:
            for option, value in (("target", target), ("group", group), ("time", time), ("split", split)):
                if value is not None:
                    raise ConfigError(
                        f"{option} is a column of an index of {full.name}, and there is none: pass index, a "
                        "table with a column 'file', or leave it out"
                    )
            table, division, said = by_folder(names, full.name)
            targets: tuple[str, ...] = (CLASS,)
        else:
            table, targets, said = by_index(names, own, target, full.name, delimiter)
            texts = MissingTexts.of_option(missing)
            division, _ = divide_table(table, split, group, time, gap, missing=texts)
        if group_in_name is not None:
            division = by_name(listed(table.columns[FILE]), group_in_name, division)
        options = ReadingOptions.of(
            table, [CLASS] if index is None else categorical, (), 50, None, missing, True, None
        )
        answers = answers_of(table, targets, target_kind, options, missing_target, label_separator)
        rows = answers.rows
        wanted = [listed(table.columns[FILE])[row] for row in rows]
        shape: dict[str, Any] = {"size": size, "colour": colour, "length": length, "rate": rate}
        shape |= {"features": features, "bands": bands, "window_ms": window_ms, "hop_ms": hop_ms}
        form, x, refused, shaping = _read(full, found.stamp(), tuple(wanted), kind, **_plain(shape))
    kept = np.array([place for place, name in enumerate(wanted) if name not in refused], dtype=np.int64)
    notes += [*said, *_unreadable(refused, wanted, form), *shaping, *answers.notes]
    y, class_names = answers.y[kept], answers.class_names
    if class_names is not None:
        y, class_names = _present(y, class_names)
    return Data(
        x,
        y,
        target_kind=answers.kind,
        class_names=class_names,
        target_names=answers.target_names,
        inputs=kind,
        division=None if division is None else division.at(rows[kept]),
        files=form,
        origins=None if table.origins is None else table.origins.at(rows[kept]),
        notes=tuple(notes),
        title=files.title(full),
        spec={"path": str(full)} | ({} if own is None else {"index": str(own)}),
    )


def _existing(path: str | Path) -> Path:
    """Return the absolute path of a folder or archive."""
    try:
        full = Path(path).expanduser().resolve()
        if full.is_dir():
            return full
    except (OSError, ValueError, RuntimeError, TypeError):
        pass  # which is said below
    return files.existing(path, "folder or archive")


def _examples_of(
    names: Sequence[str], inputs: Inputs | None, source: str
) -> tuple[Inputs, list[str], list[str]]:
    """Return whether files are images or signals, the names of those that are, and what is to be said."""
    if inputs not in (None, "image", "signal"):
        raise unknown("inputs of files", inputs, ("image", "signal"))
    by_kind: dict[Inputs, list[str]] = {
        "image": [name for name in names if is_of(name, IMAGES)],
        "signal": [name for name in names if is_of(name, SIGNALS)],
    }
    most: Inputs = max(by_kind, key=lambda each: len(by_kind[each]))
    kind = most if inputs is None else inputs
    found = by_kind[kind]
    if not found:
        suffixes = IMAGES if inputs == "image" else SIGNALS if inputs == "signal" else (*IMAGES, *SIGNALS)
        raise DataError(
            f"{source} has no images or signals among its {len(names):,} files: pass a folder for each "
            f"class, with files such as {', '.join(suffixes[:4])}; texts need "
            '{"name": "text", "path": ...}'
        )
    others = sorted(set(names) - set(found))
    notes = [f"left out, since they are no {kind}s: {len(others):,} of {len(names):,} files, {few(others)}"]
    return kind, found, notes if others else []


@lru_cache(maxsize=1)  # a fit makes its task several times: in one split, with folds, for its environment
def _read(
    path: Path,
    stamp: tuple[tuple[str, int, int], ...],
    names: tuple[str, ...],
    kind: str,
    size: Hashable,
    colour: Hashable,
    length: Hashable,
    rate: Hashable,
    features: Hashable,
    bands: Hashable,
    window_ms: Hashable,
    hop_ms: Hashable,
) -> tuple[ExampleForm, np.ndarray, Mapping[str, str], tuple[str, ...]]:
    """Return examples, as `read_images` and `read_signals` do; another stamp has them read anew."""
    own = {"image": {"size": size, "colour": colour}, "signal": {"length": length, "rate": rate}}
    framing = {"bands": bands, "window_ms": window_ms, "hop_ms": hop_ms}
    own["signal"] |= {"features": features, **framing}
    other = "signal" if kind == "image" else "image"
    for option, value in own[other].items():
        if value is not None:
            raise ConfigError(f"{option} is for {other}s, and the files are {kind}s: leave it out")
    with opened(path) as found:
        read: tuple[ExampleForm, np.ndarray, dict[str, str], list[str]]
        if kind == "image":
            read = read_images(found, names, size, colour)
        else:
            read = read_signals(found, names, length, rate, _frames(features, framing))
    form, x, refused, notes = read
    x.flags.writeable = False
    return form, x, refused, tuple(notes)


def _frames(features: object, framing: Mapping[str, Any]) -> Frames | None:
    """Return how frames are cut from recordings; None where signals stay as they are."""
    given = {option: value for option, value in framing.items() if value is not None}
    if features is None:
        for option in given:
            raise ConfigError(f"{option} is for frames: pass features='log_mel', or leave {option} out")
        return None
    if features != "log_mel":
        raise unknown("features of signals", features, ("log_mel",))
    return Frames(**given)


def _plain(options: Mapping[str, Any]) -> dict[str, Hashable]:
    """Return options that can be compared, a list as a tuple.

    Raises:
        NASGymError: for one that is neither a number nor a text, nor a list of them.
    """
    found: dict[str, Hashable] = {}
    for option, value in options.items():
        given = tuple(value) if isinstance(value, list) else value
        try:
            hash(given)
        except TypeError as error:
            raise ConfigError(f"{option} must be a number or a text, not {value!r}") from error
        found[option] = given
    return found


def _unreadable(refused: Mapping[str, str], names: Sequence[str], form: ExampleForm) -> list[str]:
    if not refused:
        return []
    first, why = next(iter(refused.items()))
    told = f"{len(refused):,} of {len(names):,} {form.what} cannot be read"
    if len(refused) == len(names):
        raise DataError(f"{told}, the first {first} ({why}): pass files that can")
    return [f"{told} and are left out, the first {first} ({why})"]


def _present(y: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels and classes without those of which no file could be read."""
    there, labels = np.unique(y, return_inverse=True)
    return labels, tuple(names[place] for place in there)
