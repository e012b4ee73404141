"""RDKit, which reads molecules; an extra, imported only where molecules are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from nas_gym.errors import DataError

INSTALL = "nas-gym[chemistry]"


def chemistry() -> Any:
    """Return the module ``rdkit.Chem``.

    Raises:
        DataError: if RDKit is not installed.
    """
    try:
        return import_module("rdkit.Chem")
    except ImportError:
        raise DataError(
            f"molecules are read by the package rdkit, which is not installed: pip install '{INSTALL}'"
        ) from None


@contextmanager
def quietly() -> Iterator[Any]:
    """Keep RDKit from printing what it finds wrong with a molecule, which is counted instead."""
    chem = chemistry()
    block = import_module("rdkit.rdBase").BlockLogs()
    try:
        yield chem
    finally:
        del block
