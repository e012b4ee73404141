"""Weights of a policy as a file: arrays, and beside them where they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from nas_agents.pretrained.state import FEATURES
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents.pretrained.network import PolicyNetwork

ARRAYS = ("first.weight", "first.bias", "second.weight", "second.bias", "score.weight", "score.bias")
SHIPPED = "weights.npz"


@dataclass(frozen=True, eq=False)
class PolicyWeights:
    """A trained policy.

    Attributes:
        arrays: float32 arrays by the names of `ARRAYS`.
        provenance: how they were trained, JSON-able.
    """

    arrays: Mapping[str, np.ndarray]
    provenance: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The SHA-256 of the arrays, as a text."""
        found = hashlib.sha256()
        for name in ARRAYS:
            found.update(np.ascontiguousarray(self.arrays[name], dtype="<f4").tobytes())
        return found.hexdigest()

    def judge(self, features: np.ndarray) -> np.ndarray:
        """Return the score of each candidate, float64 (candidates,), as `PolicyNetwork` does.

        Args:
            features: float32 (candidates, `FEATURES`).
        """
        one = _relu(features @ self.arrays["first.weight"].T + self.arrays["first.bias"])
        two = one + _relu(one @ self.arrays["second.weight"].T + self.arrays["second.bias"])
        scores = two @ self.arrays["score.weight"][0] + self.arrays["score.bias"][0]
        return np.asarray(scores, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write the arrays to ``path`` and the provenance beside them, to ``<stem>.json``."""
        arrays: dict[str, Any] = {name: np.asarray(self.arrays[name], np.float32) for name in ARRAYS}
        np.savez(path, **arrays)
        provenance = {**self.provenance, "sha256": self.digest, "features": len(FEATURES)}
        path.with_suffix(".json").write_text(json.dumps(provenance, indent=1) + "\n")

    @staticmethod
    def of_network(network: PolicyNetwork, provenance: Mapping[str, Any]) -> PolicyWeights:
        """Return the weights of a network."""
        arrays = {name: array.detach().numpy().copy() for name, array in network.state_dict().items()}
        return PolicyWeights(arrays, provenance)


def read_weights(path: str | Path) -> PolicyWeights:
    """Read weights that `PolicyWeights.save` wrote; nothing in the files is executed.

    Raises:
        NASGymError: if a file is missing or damaged, does not fit this version, or was changed since.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigError(f"policy file {path} is missing: pass one that `nas-gym pretrain` wrote")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS}
        provenance = json.loads(path.with_suffix(".json").read_text())
        told = provenance.get("sha256")
    except (OSError, KeyError, ValueError, BadZipFile, AttributeError) as error:
        raise ConfigError(
            f"policy file {path} or the .json beside it is damaged ({type(error).__name__}): "
            "pass one that `nas-gym pretrain` wrote"
        ) from error
    found = PolicyWeights(arrays, provenance)
    if arrays["first.weight"].ndim != 2 or arrays["first.weight"].shape[1] != len(FEATURES):
        raise ConfigError(
            f"policy file {path} reads other features than the {len(FEATURES)} of this version: "
            "train it again"
        )
    if found.digest != told:
        raise ConfigError(f"policy file {path} is not what its provenance tells of: train it again")
    return found


@lru_cache(maxsize=1)
def shipped_weights() -> PolicyWeights:
    """Return the policy that comes with the package."""
    return read_weights(Path(__file__).with_name(SHIPPED))


def _relu(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(values, 0))
