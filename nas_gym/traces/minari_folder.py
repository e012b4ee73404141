"""Minari's folder of data sets: which ids fit, and how one is written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

from nas_gym._files import writing
from nas_gym.errors import ConfigError, StoreError

NEEDED = ("minari", "h5py")
EXAMPLE = "nas-gym/mlp-mnist1d/random-v0"


def check_minari(id: str) -> None:  # noqa: A002 - what Minari calls it
    """Check that a data set of this id can be written, before a search is made for it.

    Raises:
        NASGymError: if Minari is not installed, the id does not fit or is taken, or MINARI_DATASETS_PATH is
            relative.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise ConfigError(f"Minari data sets need {' and '.join(missing)}: pip install 'nas-gym[minari]'")
    minari_dataset = import_module("minari.dataset.minari_dataset")
    try:
        minari_dataset.parse_dataset_id(id)
    except (ValueError, TypeError):  # a TypeError where the version is missing
        raise ConfigError(f"{id!r} is no id of a Minari data set: use one like {EXAMPLE}") from None
    if "data" in id.split("/"):
        # Minari 0.5.4 takes what a folder of this name is in for a data set, and lists none any more.
        raise ConfigError(f"{id!r} has a part 'data', by which Minari knows its own folders: rename it")
    path = _path(id)
    if path.exists():
        raise StoreError(
            f"the data set {id} is in {path} already: choose another version or name, or remove it with "
            f"'minari delete {id}'"
        )
    root = _path("")
    for folder in takewhile(lambda folder: folder != root, path.parents):
        if (folder / "data" / "metadata.json").is_file():
            raise StoreError(f"{id} would lie within the data set in {folder}: choose another name")


def minari() -> Any:
    """Return the package, which is imported where it is needed."""
    return import_module("minari")


def _path(id: str) -> Path:  # noqa: A002 - what Minari calls it
    storage = import_module("minari.storage")
    root = os.environ.get("MINARI_DATASETS_PATH")
    if root is not None and not Path(root).is_absolute():
        # Minari 0.5.4 then looks for the file it has written below itself.
        raise ConfigError(
            f"MINARI_DATASETS_PATH must be a whole path like {Path(root).absolute()}, not {root!r}"
        )
    with writing(root or "Minari's folder"):
        return Path(storage.get_dataset_path(id))


@contextmanager
def written_beside(id: str) -> Iterator[None]:  # noqa: A002 - what Minari calls it
    """Let Minari write into a hidden folder, from which a data set that is whole is moved to its place.

    So a process that is killed leaves none that is cut, and what cannot be written is one sentence.
    """
    path, root = _path(id), _path("")
    check_minari(id)
    with warnings.catch_warnings(), writing(path):
        # It asks for an author, an address and a link, which are the user's choice.
        warnings.simplefilter("ignore", UserWarning)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=root))
        try:
            with _data_sets_in(unfinished):
                yield
            _make_namespace(id)
            os.rename(unfinished / id, path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _data_sets_in(folder: Path) -> Iterator[None]:
    """Set the folder of Minari's data sets, which it knows by the environment alone."""
    before = os.environ.get("MINARI_DATASETS_PATH")
    os.environ["MINARI_DATASETS_PATH"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["MINARI_DATASETS_PATH"]
        else:
            os.environ["MINARI_DATASETS_PATH"] = before


def _make_namespace(id: str) -> None:  # noqa: A002 - what Minari calls it
    namespace = import_module("minari.namespace")
    name, _, _ = id.rpartition("/")
    if name and name not in namespace.list_local_namespaces():
        namespace.create_namespace(name)
