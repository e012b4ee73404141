"""The wheel alone: what a user has after ``pip install``, without the source tree and without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import socket
from pathlib import Path

def refuse(*arguments):
    raise OSError("a table needs no network")

socket.socket.connect = refuse
import gymnasium as gym, nas_agents, nas_gym

for package in (nas_gym, nas_agents):
    assert Path(package.__file__).is_relative_to(Path.cwd()), package.__file__
    assert (Path(package.__file__).parent / "py.typed").exists()
domains = ("Text", "Speech", "Molecules", "Series")
for env_id in ("NASTable-MLP-v0", "NASTable-Conv-v0", *(f"NASTable-{domain}-v0" for domain in domains)):
    env = gym.make(env_id)
    env.reset(seed=0)
    _, reward, *_ = env.step(1)
    assert 0 < reward < 1, reward
result = nas_agents.make_agent("q-learning").search(gym.make("NASTable-MLP-v0"), 20, 0)
print(len(result.evaluations), result.score)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves files beside what it reads
    for name in ("nas_gym", "agents"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", str(source), "--no-deps", "--wheel-dir", str(folder)], check=True)
    (wheel,) = folder.glob("nas_gym-*.whl")
    target = folder / "site"
    subprocess.run([*pip, "install", str(wheel), "--no-deps", "--target", str(target)], check=True)
    return target


def test_the_wheel_works_alone_and_offline(installed: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("20 ")


def test_the_wheel_holds_no_tests_and_no_benchmarks(installed: Path) -> None:
    packages = {each.name for each in installed.iterdir() if each.suffix != ".dist-info"}
    assert packages - {"bin", "__pycache__"} == {"nas_gym", "nas_agents"}
