"""What the names of files and folders say of files: their class, their part, their group, their row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.division import Division
from nas_gym.tasks.own.answers import targets_of
from nas_gym.tasks.own.splitting import WORDS
from nas_gym.tasks.reading.origins import Origins
from nas_gym.tasks.reading.raw_table import RawTable, listed, text_of
from nas_gym.tasks.reading.table_file import read_table

FILE, CLASS = "file", "class"
FILE_COLUMNS = (FILE, "filename", "file_name", "path", "image", "signal", "name")
"""Names of the column of an index that names the files; of several in an index the first of these."""
SHOWN = 3  # file names that a note lists


def by_folder(names: Sequence[str], source: str) -> tuple[RawTable, Division | None, list[str]]:
    """Return a table of the files and their classes, their parts where folders name them, and notes."""
    paths = [PurePosixPath(name).parts for name in names]
    while len({path[0] for path in paths}) == 1 and all(len(path) > 2 for path in paths):
        paths = [path[1:] for path in paths]  # one folder around all
    words = {path[0].casefold() for path in paths if len(path) > 2}
    parts = {WORDS[word] for word in words} if words <= set(WORDS) else set()
    in_parts = len(parts) > 1 and 0 in parts
    depth = 2 if in_parts else 1
    if not in_parts:
        _check_classes({path[0] for path in paths if len(path) > 1}, source)
    usable = [place for place, path in enumerate(paths) if len(path) > depth]
    lost = [names[place] for place in sorted(set(range(len(paths))) - set(usable))]
    notes = (
        [f"left out, since they are in no folder of a class: {len(lost):,} files, {few(lost)}"]
        if lost
        else []
    )
    if not usable:
        raise DataError(
            f"{source} has no folder for each class: put the files of a class into a folder of its name, or "
            "pass index, a table with a column 'file'"
        )
    chosen = [paths[place] for place in usable]
    columns = {FILE: [names[place] for place in usable], CLASS: [path[depth - 1] for path in chosen]}
    table = RawTable(source, dict(columns), origins=_called(columns[FILE], source))
    if not in_parts:
        return table, None, notes
    places = np.array([WORDS[path[0].casefold()] for path in chosen])
    if 2 not in parts:
        places[places == 1] = 2
        notes.append(f"{source} has no folder 'test': the files for validation are the test part")
    return table, Division(parts=places, names=(("parts", "folder"),)), notes


def _check_classes(names: set[str], source: str) -> None:
    """Refuse folders of classes that must be meant for parts.

    Raises:
        NASGymError: if several are called as parts are, or all.
    """
    parts = sorted(name for name in names if name.casefold() in WORDS)
    others = sorted(names - set(parts))
    if len(parts) > 1 and others:
        raise DataError(
            f"{source} has, beside the folders of parts ({', '.join(parts)}), also {few(others)}: take "
            "that out, or pass index, a table with a column 'file'"
        )
    if parts and not others:
        raise DataError(
            f"the folders of {source}, {', '.join(parts)}, have names of parts, not of classes: put "
            "folders of classes into each part, train among them, or pass index, a table with a column 'file'"
        )


def by_index(
    names: Sequence[str], path: Path, target: object, source: str, delimiter: str | None
) -> tuple[RawTable, tuple[str, ...], list[str]]:
    """Return the table of an index with the full names of the files, its target, and notes."""
    table = read_table(path, delimiter=delimiter, expected=FILE_COLUMNS)
    folded = {name.casefold(): name for name in sorted(table.columns)}  # small letters are last, and win
    column = next((folded[name] for name in FILE_COLUMNS if name in folded), None)
    if column is None:
        raise ConfigError(
            f"{path.name} has the columns {', '.join(list(table.columns)[:8])}: name the one with the names "
            "of the files 'file'"
        )
    if target is None:
        raise ConfigError(f"{path.name} is an index, which needs its target: name the column to be predicted")
    targets = targets_of(target, table.without({column}))
    if not targets:
        raise unknown(f"target column of {path.name}", target, set(table.columns) - {column})
    known = _places(names)
    cells = [known.get(_cleaned(text_of(cell))) for cell in listed(table.columns[column])]
    absent = [
        text_of(cell) for cell, name in zip(listed(table.columns[column]), cells, strict=True) if not name
    ]
    if len(absent) == len(cells):
        raise DataError(
            f"{source} has none of the files that {path.name} names, such as {absent[0]!r}: mend it"
        )
    twice = Counter(name for name in cells if name).most_common(1)[0]
    if twice[1] > 1:
        raise DataError(f"{path.name} names the file {twice[0]!r} {twice[1]} times: name each once")
    rows = np.array([row for row, name in enumerate(cells) if name is not None], dtype=np.int64)
    table = replace(table.at(rows), source=path.name)
    others = {name: given for name, given in table.columns.items() if name not in (column, FILE)}
    known_files = [str(cells[row]) for row in rows]
    columns = {FILE: known_files} | others
    notes = []
    if absent:
        notes.append(
            f"left out, since {source} lacks the files that {path.name} names: {len(absent):,}, {few(absent)}"
        )
    unnamed = sorted(set(names) - set(columns[FILE]))
    if unnamed:
        notes.append(
            f"left out, since {path.name} does not name them: {len(unnamed):,} files, {few(unnamed)}"
        )
    return replace(table, columns=columns, origins=_called(known_files, source)), targets, notes


def _called(names: Sequence[str], source: str) -> Origins:
    return Origins("file", f"the names of their files in {source}", tuple(names))


def _places(names: Sequence[str]) -> Mapping[str, str]:
    """Return the names of files by what an index may call them: the end of a path that one file has."""
    ends: dict[str, set[str]] = {}
    for name in names:
        parts = name.split("/")
        for place in range(len(parts)):
            ends.setdefault("/".join(parts[place:]), set()).add(name)
    found = {end: next(iter(owners)) for end, owners in ends.items() if len(owners) == 1}
    return found | {name: name for name in names}


def _cleaned(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def by_name(names: Sequence[str], pattern: str, division: Division | None) -> Division:
    """Return the division of files whose names say their groups.

    Raises:
        NASGymError: if the pattern is none with one group, does not fit a name, or there are groups already.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(f"group_in_name {pattern!r} is no regular expression ({error})") from error
    if compiled.groups != 1:
        raise ConfigError(
            f"group_in_name {pattern!r} has {compiled.groups} groups in parentheses, expected 1: put what "
            "names the group into parentheses, as '_(.+)_'"
        )
    if division is not None and (division.groups is not None or division.times is not None):
        raise ConfigError("group_in_name says the groups, beside group or time: leave one of them out")
    found = [compiled.search(PurePosixPath(name).name) for name in names]
    lost = [name for name, match in zip(names, found, strict=True) if match is None or not match[1]]
    if lost:
        raise DataError(f"group_in_name {pattern!r} finds no group in {len(lost):,} names, {few(lost)}")
    _, groups = np.unique([match[1] for match in found if match], return_inverse=True)
    known = division or Division()
    return replace(known, groups=groups, names=(*known.names, ("groups", "group in the name")))


def few(names: Sequence[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
