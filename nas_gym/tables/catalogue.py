"""Where tables are: those of the package, and those that the user built or imported."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from nas_gym.errors import DataError, unknown
from nas_gym.tables.file import read_table
from nas_gym.tables.table import Table

SHIPPED = Path(__file__).parent / "data"
FOLDER = "NAS_GYM_TABLES"
"""Environment variable with the folder of the user's tables."""
SUFFIX = ".npz"

HOW_TO_GET = {
    "nasbench101": "get its results as a .csv or lines of JSON (its source is "
    "github.com/google-research/nasbench) and run 'nas-gym benchmark import nasbench101 FILE'",
    "nasbench201": "download NATS-tss-v1_0-3ffb9-simple (its address is at github.com/D-X-Y/NATS-Bench), or "
    "get its results as a .csv, and run 'nas-gym benchmark import nasbench201 FILE'",
    "nasbench_macro": "get its results as a .csv (its source is github.com/xiusu/NAS-Bench-Macro) and run "
    "'nas-gym benchmark import nasbench_macro FILE'",
}


def user_folder() -> Path:
    """Return the folder of the user's own tables: the environment variable's, or the platform's."""
    given = os.environ.get(FOLDER)
    return Path(given) if given else user_data_path("nas-gym", appauthor=False) / "tables"


def table_files() -> dict[str, Path]:
    """Return the files of all tables by ``"<benchmark>-<task>"``; a user's table hides a shipped one."""
    folders = (SHIPPED, user_folder())
    return {
        file.stem: file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.glob(f"[!.]*{SUFFIX}"))
    }


def table_path(name: str) -> Path:
    """Return where the user's table of a name is, or would be."""
    return user_folder() / f"{name}{SUFFIX}"


def tasks_of(benchmark: str) -> list[str]:
    """Return the tasks that there are tables of a benchmark for."""
    prefix = f"{benchmark}-"
    return [name.removeprefix(prefix) for name in table_files() if name.startswith(prefix)]


def find_table(benchmark: str, task: str) -> Path:
    """Return the file of a table.

    Raises:
        NASGymError: if there is none, saying how to get it, or which tasks there are.
    """
    files = table_files()
    name = f"{benchmark}-{task}"
    if name in files:
        return files[name]
    if tasks := tasks_of(benchmark):
        raise unknown(f"task of the table benchmark {benchmark!r}", task, tasks)
    if benchmark in HOW_TO_GET:
        raise DataError(f"there is no table {name!r} on this machine: {HOW_TO_GET[benchmark]}")
    raise unknown(
        "table benchmark", benchmark, {known.partition("-")[0] for known in files} | set(HOW_TO_GET)
    )


def load_table(benchmark: str, task: str) -> Table:
    """Return a table, read once in a process as long as its file stays the same.

    Raises:
        NASGymError: as `find_table` and `read_table` do.
    """
    path = find_table(benchmark, task)
    found = path.stat()
    return _read(path, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=8)
def _read(path: Path, state: tuple[int, ...]) -> Table:
    return read_table(path)
