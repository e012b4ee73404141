"""A newcomer's folder."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the newcomer's own file, and a cache of its own."""
    folder = tmp_path_factory.mktemp("newcomer")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3))
    quality = np.where(rows[:, 0] + rows[:, 1] > 0, "good", "bad")
    lines = [
        ",".join([*(f"{value:.3f}" for value in row), label])
        for row, label in zip(rows, quality, strict=True)
    ]
    (folder / "wine.csv").write_text("\n".join(["acid,sugar,age,quality", *lines]) + "\n")
    return folder
