"""Weights of a policy as a file: arrays, and beside them where they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from scipy import sparse

from nas_agents.pretrained.graphs import NODES, ROUNDS
from nas_agents.pretrained.state import FEATURES
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents.pretrained.graphs import GraphBatch
    from nas_agents.pretrained.network import PolicyNetwork
    from nas_agents.pretrained.pool import Pool

ARRAYS = ("first.weight", "first.bias", "second.weight", "second.bias", "score.weight", "score.bias")
OF_GRAPHS = (
    "graph.enter.weight",
    "graph.enter.bias",
    *(f"graph.hear.{number}.{what}" for number in range(ROUNDS) for what in ("weight", "bias")),
    "graph.leave.weight",
    "graph.leave.bias",
)
"""What a policy that reads graphs by message passing has besides."""
GRAPHS_AT_ONCE = 1000
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

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the arrays, as a text."""
        found = hashlib.sha256()
        for name in self.names:
            found.update(np.ascontiguousarray(self.arrays[name], dtype="<f4").tobytes())
        return found.hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays, in order."""
        return (*ARRAYS, *OF_GRAPHS) if self.reads_graphs else ARRAYS

    @property
    def reads_graphs(self) -> bool:
        """Whether the policy reads graphs by message passing."""
        return OF_GRAPHS[0] in self.arrays

    def judge(self, features: np.ndarray, pool: Pool) -> np.ndarray:
        """Return the score of each candidate, float64 (candidates,), as `PolicyNetwork` does.

        Args:
            features: float32 (candidates, `FEATURES`).
            pool: the candidates.
        """
        return self.scores(features, self.embedded(pool)[pool.groups] if self.reads_graphs else None)

    def scores(self, features: np.ndarray, embedded: np.ndarray | None) -> np.ndarray:
        """Return scores, float64 (...,), of features (..., `FEATURES`) and what graphs come to."""
        weight = self.arrays["first.weight"]
        one = features @ weight[:, : features.shape[-1]].T
        if embedded is not None:
            one += embedded @ weight[:, features.shape[-1] :].T
        one += self.arrays["first.bias"]
        np.maximum(one, 0, out=one)
        two = one @ self.arrays["second.weight"].T
        two += self.arrays["second.bias"]
        np.maximum(two, 0, out=two)
        two += one
        return np.asarray(two @ self.arrays["score.weight"][0] + self.arrays["score.bias"][0], np.float64)

    def embedded(self, pool: Pool) -> np.ndarray:
        """Return what the graph of each class of a pool comes to, float32 (classes, numbers)."""
        known = pool.embedded.get(self.digest)
        have = 0 if known is None else len(known)
        if have < pool.num_groups:
            starts = range(have, pool.num_groups, GRAPHS_AT_ONCE)
            parts = [
                self.embed(pool.graphs(range(start, min(start + GRAPHS_AT_ONCE, pool.num_groups))))
                for start in starts
            ]
            known = np.concatenate([*([] if known is None else [known]), *parts])
            pool.embedded[self.digest] = known
        assert known is not None
        return known

    def embed(self, batch: GraphBatch) -> np.ndarray:
        """Return what each graph comes to, float32 (graphs, numbers), as `MessagePassing` does."""
        arrays, count = self.arrays, len(batch.nodes)
        hidden = _relu(batch.nodes @ arrays["graph.enter.weight"].T + arrays["graph.enter.bias"])
        read = _means(batch.targets, batch.sources, (count, count))
        readers = _means(batch.sources, batch.targets, (count, count))
        for number in range(ROUNDS):
            heard = np.concatenate([hidden, read @ hidden, readers @ hidden], axis=1)
            weight, bias = (arrays[f"graph.hear.{number}.{what}"] for what in ("weight", "bias"))
            hidden = hidden + _relu(heard @ weight.T + bias)
        total = _ones(batch.owners, np.arange(count), (batch.graphs, count)) @ hidden
        sizes = np.maximum(1, np.bincount(batch.owners, minlength=batch.graphs))[:, None]
        pooled = np.concatenate([total / sizes, total / NODES], axis=1).astype(np.float32)
        return np.asarray(np.tanh(pooled @ arrays["graph.leave.weight"].T + arrays["graph.leave.bias"]))

    def save(self, path: Path) -> None:
        """Write the arrays to ``path`` and the provenance beside them, to ``<stem>.json``."""
        arrays: dict[str, Any] = {name: np.asarray(self.arrays[name], np.float32) for name in self.names}
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
            wanted = (*ARRAYS, *OF_GRAPHS) if OF_GRAPHS[0] in stored else ARRAYS
            arrays = {name: stored[name] for name in wanted}
        provenance = json.loads(path.with_suffix(".json").read_text())
        told = provenance.get("sha256")
    except (OSError, KeyError, ValueError, BadZipFile, AttributeError) as error:
        raise ConfigError(
            f"policy file {path} or the .json beside it is damaged ({type(error).__name__}): "
            "pass one that `nas-gym pretrain` wrote"
        ) from error
    found = PolicyWeights(arrays, provenance)
    read = arrays["graph.leave.weight"].shape[0] if found.reads_graphs else 0
    if arrays["first.weight"].ndim != 2 or arrays["first.weight"].shape[1] != len(FEATURES) + read:
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


def _ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    """Return a matrix with ones in some places; of a place that is named twice, two."""
    return sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def _means(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    """Return the matrix that gives each row the mean of the columns named beside it."""
    counts = np.maximum(1, np.bincount(rows, minlength=shape[0])).astype(np.float32)
    values = 1 / counts[rows]
    return sparse.csr_array((values, (rows, columns)), shape=shape)
