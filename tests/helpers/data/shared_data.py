"""The published tables that tests compare with, where this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("NAS_GYM_SHARED") or Path(__file__).parents[4] / "shared" / "data")
NASBENCH201 = "nasbench201_cifar10.csv.gz"
NASBENCH_MACRO = "nasbench_macro_cifar10.csv.gz"


def shared_file(name: str) -> Path:
    """A file of the folder; the test that asks for one which is not there is skipped with the reason."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine: set NAS_GYM_SHARED to the folder that holds {name}")
    return path
