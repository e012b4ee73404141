"""Files of packages that ship data, read without importing the package."""

from __future__ import annotations

import csv
import gzip
from importlib.metadata import PackageNotFoundError, distribution

from nas_gym.errors import ConfigError


def sample_rows(task: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a ``.csv.gz`` file of bokeh-sampledata.

    Args:
        task: the task that needs it, for messages.
        name: name of the file.

    Raises:
        NASGymError: if the package is not installed.
    """
    try:
        path = distribution("bokeh-sampledata").locate_file(f"bokeh_sampledata/_data/{name}")
        with gzip.open(str(path), "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (PackageNotFoundError, FileNotFoundError) as error:
        raise ConfigError(
            f"the task {task!r} reads a file of the package bokeh-sampledata: install it with "
            "pip install 'nas-gym[series]'"
        ) from error
