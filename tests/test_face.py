"""What `import nas_gym` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nas_gym

ROOMS = {
    "envs",
    "errors",
    "evaluators",
    "explain",
    "networks",
    "search_spaces",
    "tables",
    "tasks",
    "testing",
    "traces",
    "training",
}
HEAVY = {"torch", "stable_baselines3", "sb3_contrib", "optuna", "matplotlib", "sklearn"}
LIGHT = f"""
import sys, gymnasium, nas_gym
assert "NAS-v0" in gymnasium.registry
print("imported:", *sorted({HEAVY!r} & set(sys.modules)))
"""


def test_importing_registers_the_ids_and_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "imported:"


@pytest.mark.parametrize("name", nas_gym.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(nas_gym, name) is not None
    assert name in dir(nas_gym)


def test_the_rooms_are_rooms_and_no_function_has_the_name_of_one():
    for name in ROOMS:
        room = getattr(nas_gym, name)
        assert room.__name__ == f"nas_gym.{name}"
    assert callable(nas_gym.explain.explain)
    assert set(nas_gym.__all__) > ROOMS
