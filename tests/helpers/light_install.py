"""An installation of a few packages with what they require, and of nothing else that is installed here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def with_requirements(packages: Sequence[str]) -> set[str]:
    """Return packages with all that they require."""
    found: set[str] = set()
    open_ = [canonicalize_name(package) for package in packages]
    while open_:
        package = open_.pop()
        if package in found:
            continue
        found.add(package)
        required = map(Requirement, metadata.requires(package) or ())
        needed = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
        open_ += [canonicalize_name(one.name) for one in needed]
    return found


def install(site: Path, packages: Sequence[str], *, ours: bool = True) -> None:
    """Make a folder of links that stands for site-packages.

    Args:
        site: the folder, which is made.
        packages: what is installed beside what it requires.
        ours: whether ``nas-gym`` is, too, without its requirements.
    """
    site.mkdir()
    for package in with_requirements(packages):
        distribution = metadata.distribution(package)
        for name in {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}:
            if not (site / name).exists():
                (site / name).symlink_to(str(distribution.locate_file(name)))
    if not ours:
        return
    about = next(
        Path(str(found.locate_file(file.parts[0])))
        for found in metadata.distributions(name="nas-gym")  # a checkout may have an older kind, too
        for file in found.files or ()
        if file.parts[0].endswith(".dist-info")
    )
    (site / about.name).symlink_to(about)
    (site / "nas_gym").symlink_to(ROOT / "nas_gym")
    (site / "nas_agents").symlink_to(ROOT / "agents" / "nas_agents")


def run(site: Path, arguments: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with what is installed in a folder, in another one."""
    return subprocess.run(
        [sys.executable, "-S", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
