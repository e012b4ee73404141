"""Where a policy comes from: the command, the plan, the landscapes and the versions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nas_agents.pretrained.training.learning import Plan
from nas_agents.pretrained.training.reinforcement import Reinforcement
from nas_agents.pretrained.training.spaces import SPACES
from nas_agents.pretrained.weights import PolicyWeights
from nas_gym.traces import versions

SOURCES = (
    "readings.py",
    "subtrees.py",
    "graphs.py",
    "pool.py",
    "beliefs.py",
    "state.py",
    "network.py",
    "training/spaces.py",
    "training/landscapes.py",
    "training/imitation.py",
    "training/learning.py",
)
"""The files that the weights follow from, with the plan."""
REINFORCEMENT_SOURCES = ("training/reinforcement.py",)
"""The files that reinforced weights follow from besides."""


def provenance(plan: Plan, command: str) -> dict[str, Any]:
    """Return the provenance of a policy trained on synthetic landscapes, JSON-able.

    Args:
        plan: the plan of its training.
        command: the command that repeats it.
    """
    return {
        "command": command,
        "plan": asdict(plan) | {"spaces": list(plan.spaces)},
        "landscapes": {name: SPACES[name][0] for name in plan.spaces},
        "tables_read": [],
        "sources": source_hash(),
        "versions": {**versions(), "torch": torch.__version__, "numpy": np.__version__},
    }


def reinforcement_provenance(plan: Reinforcement) -> dict[str, Any]:
    """Return what the provenance of an imitated policy that was reinforced has besides."""
    return {"reinforcement": asdict(plan) | {"sources": _hash(REINFORCEMENT_SOURCES)}}


def fine_tuned(before: PolicyWeights, plan: Plan, command: str, runs: Sequence[Path]) -> dict[str, Any]:
    """Return the provenance of a policy that was trained further on a user's own runs."""
    return {
        "command": command,
        "plan": asdict(plan) | {"spaces": []},
        "runs": [str(path) for path in runs],
        "started_from": {"sha256": before.digest, "provenance": dict(before.provenance)},
        "versions": {**versions(), "torch": torch.__version__, "numpy": np.__version__},
    }


def source_hash() -> str:
    """Return the SHA-256 of `SOURCES`, so that a change of what the weights were trained by is seen."""
    return _hash(SOURCES)


def _hash(names: Sequence[str]) -> str:
    found = hashlib.sha256()
    for name in names:
        found.update(files("nas_agents.pretrained").joinpath(name).read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()
