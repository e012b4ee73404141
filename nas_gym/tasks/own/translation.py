"""The user's own pairs of texts, of which the second is the answer to the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.division import Division
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.pairs.data import Pair, data_of_pairs
from nas_gym.tasks.pairs.form import UNITS, Unit, tokens_of
from nas_gym.tasks.pairs.reading import lines_of
from nas_gym.tasks.reading.origins import at_lines

FEWEST = 10


def translation(
    path: str | Path,
    target_path: str | Path | None = None,
    source: str | None = None,
    target: str | None = None,
    unit: str = "characters",
    target_unit: str | None = None,
    lower: bool = False,
    max_length: int = 40,
    max_names: int | None = None,
    encoding: str | None = None,
) -> Data:
    """A task of pairs of texts in a file with tabs, or in two files whose lines belong together.

    A file with tabs has a pair a line: the source, a tab, its answer, and perhaps more cells, which are not
    read. A source that comes with several answers has all of them in one part. What is left out is counted:
    lines without a source or an answer, and pairs in which one has more than `max_length` tokens.

    Args:
        path: path of the file with tabs, or of the sources, one a line.
        target_path: path of the answers, one a line; None where they are in the file of the sources.
        source: name of the column of sources, where the first line of a file with tabs names the columns.
        target: name of the column of answers, likewise.
        unit: ``"characters"`` or ``"words"``, which spaces separate: what a token is.
        target_unit: what a token of an answer is; None for `unit`.
        lower: whether sources are read in small letters.
        max_length: most tokens of a source, and of an answer.
        max_names: most different tokens of sources, and of answers, that have a code of their own, the most
            frequent; the others are one, ``<unknown>``. None for all.
        encoding: encoding of the text; None for UTF-8, and UTF-16 with a byte-order mark.

    Raises:
        NASGymError: if a file cannot be read, two files have different numbers of lines, a line has no tab,
            or too few pairs are left.
    """
    units = _unit("unit", unit), _unit("target_unit", unit if target_unit is None else target_unit)
    for option, value in (("max_length", max_length), ("max_names", max_names)):
        if value is not None and (whole(value) is None or value < 1):
            raise ConfigError(f"{option} must be a whole number of at least 1, not {value!r}")
    full = files.existing(path, "text")
    if target_path is None:
        texts = _of_columns(full, source, target, encoding)
    elif source is not None or target is not None:
        raise ConfigError("source and target name columns of one file: leave them out, or target_path")
    else:
        texts = _of_two_files(full, files.existing(target_path, "text"), encoding)
    found = _sorted_out(texts, units, lower, max_length)
    if len(found.pairs) < FEWEST:
        raise DataError(
            f"{full.name} has {len(found.pairs)} pairs that can be used{found.left_out}, a task needs "
            f"{FEWEST}: add pairs, or raise max_length"
        )
    groups = _groups([text for text, _ in found.texts])
    division = None if groups is None else Division(groups=groups, names=(("groups", "the sources"),))
    spec = {"path": str(full)}
    if target_path is not None:
        spec["target_path"] = str(files.existing(target_path, "text"))
    return data_of_pairs(
        found.pairs,
        source=units[0],
        target=units[1],
        lower=lower,
        most_names=max_names,
        translates=True,
        division=division,
        notes=found.notes(full.name, max_length),
        origins=at_lines(full.name, np.array(found.places) + (1 if source is None else 2)),
        title=files.title(full),
        spec=spec,
    )


def _unit(option: str, value: str) -> Unit:
    for unit in UNITS:
        if value == unit:
            return unit
    raise unknown(option, value, UNITS)


Texts = list[tuple[str, str]]


def _of_columns(path: Path, source: str | None, target: str | None, encoding: str | None) -> Texts:
    """Return the pairs of a file with tabs."""
    lines = lines_of(path, encoding)
    if (source is None) != (target is None):
        raise ConfigError("source and target name two columns: pass both, or neither")
    places, first = (0, 1), 1
    if source is not None and target is not None:
        header = [cell.strip() for cell in lines[0].split("\t")] if lines else []
        for name in (source, target):
            if name not in header:
                raise unknown(f"column of {path.name}", name, header)
        places, first = (header.index(source), header.index(target)), 2
    found = []
    for number, line in enumerate(lines[first - 1 :], start=first):
        cells = line.split("\t")
        if len(cells) <= max(places):
            if not line.strip():
                found.append(("", ""))
                continue
            raise DataError(
                f"line {number:,} of {path.name} has {len(cells)} cell{'s' * (len(cells) != 1)} between "
                f"tabs, a pair needs {max(places) + 1}: mend it, or pass target_path= of a file of answers"
            )
        found.append((cells[places[0]], cells[places[1]]))
    return found


def _of_two_files(sources: Path, answers: Path, encoding: str | None) -> Texts:
    one, other = lines_of(sources, encoding), lines_of(answers, encoding)
    if len(one) != len(other):
        raise DataError(
            f"{sources.name} has {len(one):,} lines and {answers.name} {len(other):,}, and line belongs to "
            "line: pass files of as many lines"
        )
    return list(zip(one, other, strict=True))


@dataclass(frozen=True)
class _SortedOut:
    """The pairs that can be used, and how many cannot."""

    pairs: list[Pair]
    texts: Texts
    places: list[int]
    empty: int
    too_long: int

    @property
    def left_out(self) -> str:
        counts = [(self.empty, "empty"), (self.too_long, "too long")]
        told = " and ".join(f"{count:,} {what}" for count, what in counts if count)
        return f" ({told} ones are left out)" if told else ""

    def notes(self, name: str, most: int) -> tuple[str, ...]:
        told = []
        if self.empty:
            told.append(f"{self.empty:,} lines of {name} without a source or an answer are left out")
        if self.too_long:
            told.append(
                f"{self.too_long:,} pairs of {name} with more than {most} tokens on a side are left out: "
                "max_length= says more"
            )
        return tuple(told)


def _sorted_out(texts: Texts, units: tuple[Unit, Unit], lower: bool, most: int) -> _SortedOut:
    pairs: list[Pair] = []
    kept, places, empty, too_long = [], list[int](), 0, 0
    for place, (source, answer) in enumerate(texts):
        pair = tokens_of(source.lower() if lower else source, units[0]), tokens_of(answer, units[1])
        if not all(pair):
            empty += 1
        elif max(map(len, pair)) > most:
            too_long += 1
        else:
            pairs.append(pair)
            kept.append((source.strip(), answer.strip()))
            places.append(place)
    return _SortedOut(pairs, kept, places, empty, too_long)


def _groups(sources: list[str]) -> np.ndarray | None:
    """Return the number of each source, of which equal ones have one; None where all differ."""
    numbers: dict[str, int] = {}
    found = [numbers.setdefault(source, len(numbers)) for source in sources]
    return None if len(numbers) == len(sources) else np.array(found, dtype=np.int64)
