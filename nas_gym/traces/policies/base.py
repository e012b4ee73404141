"""Policies over edits, for traces and explanations: scores of actions in any state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from nas_gym.errors import NASGymError, StoreError
from nas_gym.search_spaces import Architecture, SearchSpace

Kind = Literal["q_values", "probabilities"]


class State(NamedTuple):
    """A state of the decision process.

    Attributes:
        architecture: the network as edited.
        steps_left: steps before the episode ends, under an episodic reward; None under a
            continuing one, where the clock is not part of the state.
    """

    architecture: Architecture
    steps_left: int | None = None

    @property
    def key(self) -> str:
        """The state as text, distinct for distinct states."""
        if self.steps_left is None:
            return str(self.architecture)
        return f"{self.architecture} @ {self.steps_left}"


class Policy(Protocol):
    """A policy over edits; any object with these can be watched by a `Trace`.

    Attributes:
        kind: what its scores are, ``"q_values"`` or ``"probabilities"``.
    """

    kind: str

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        """Return the score of every action in every state.

        Args:
            states: N states.
            masks: bool (N, n), the legal actions.

        Returns:
            float64 (N, n); entries of illegal actions mean nothing.
        """
        ...

    def save(self, path: Path) -> None:
        """Write the policy as arrays, without pickle, so that `load_policy` reads it."""
        ...


class TabularPolicy:
    """A Q-table as a policy: the action of the highest value is the greedy one.

    Args:
        search_space: search space whose actions the columns are.
        table: values float64 (n,) by `State.key`; a live view, not a copy. A state that is not in
            it scores 0 everywhere.
        kind: kind of the values, ``"q_values"`` or ``"probabilities"``.
    """

    suffix = ".npz"

    def __init__(
        self, search_space: SearchSpace[Any], table: Mapping[str, np.ndarray], kind: Kind = "q_values"
    ) -> None:
        self.search_space = search_space
        self.table = table
        self.kind: str = kind

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        unseen = np.zeros(masks.shape[1])
        return np.array([self.table.get(state.key, unseen) for state in states], dtype=np.float64)

    def save(self, path: Path) -> None:
        shape = (len(self.table), len(self.search_space.actions))
        values = np.array(list(self.table.values()), dtype=np.float64).reshape(shape)
        np.savez_compressed(
            path, kind=self.kind, states=np.array(list(self.table), dtype=np.str_), values=values
        )

    @classmethod
    def load(cls, path: Path, search_space: SearchSpace[Any]) -> TabularPolicy:
        """Read a saved table."""
        with np.load(path, allow_pickle=False) as arrays:
            table = dict(zip(arrays["states"].tolist(), arrays["values"], strict=True))
            kind: Kind = "q_values" if str(arrays["kind"]) == "q_values" else "probabilities"
        width = next((len(values) for values in table.values()), len(search_space.actions))
        if width != len(search_space.actions):
            raise StoreError(
                f"{path} has values of {width} actions, the search space has {len(search_space.actions)}: "
                "load it with the search space it was saved for"
            )
        return cls(search_space, table, kind)


def load_policy(path: Path, search_space: SearchSpace[Any]) -> Policy:
    """Read a policy that `TabularPolicy.save` or `NeuralPolicy.save` wrote.

    Raises:
        NASGymError: if the file is missing, is not such a policy, or does not fit the search space.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"policy file {path} is missing: pass a file of a run's policy folder")
    try:
        return _loaded(path, search_space)
    except NASGymError:
        raise
    except Exception as error:  # a damaged or made-up file may meet anything
        raise StoreError(
            f"policy file {path} is damaged ({type(error).__name__}): delete it, and the snapshot before it "
            "is read"
        ) from error


def _loaded(path: Path, search_space: SearchSpace[Any]) -> Policy:
    """Return a policy of the kind that its file's name ends in."""
    if path.suffix == TabularPolicy.suffix:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["kind"]) == "values":
                from nas_gym.traces.policies.values import ValuePolicy

                return ValuePolicy.load(arrays, search_space)
        return TabularPolicy.load(path, search_space)
    from nas_gym.traces.policies.neural import NeuralPolicy

    if path.suffix == NeuralPolicy.suffix:
        return NeuralPolicy.load(path, search_space)
    raise StoreError(
        f"policy file {path} ends in {path.suffix!r}: known: {TabularPolicy.suffix} (tables), "
        f"{NeuralPolicy.suffix} (networks)"
    )


def legal_weights(kind: str, scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return how strongly a policy prefers each action, comparable between kinds.

    Of probabilities the probabilities among legal actions. Of Q-values the softmax over legal
    actions of the values in units of their standard deviation: uniform where the table knows
    nothing, near 1 for an action far above the others.

    Args:
        kind: kind of the policy.
        scores: float64 (..., n).
        mask: bool (..., n), with at least one legal action in each row.

    Returns:
        float64 (..., n), 0 for illegal actions, summing to 1.
    """
    legal = mask & np.isfinite(scores)
    # A row without a finite legal score counts as indifferent.
    legal = np.where(legal.any(-1, keepdims=True), legal, mask)
    values = np.where(legal & np.isfinite(scores), scores, 0.0)
    if kind == "probabilities":
        weights = np.where(legal, np.maximum(values, 0.0), 0.0)
        weights = np.where(weights.sum(-1, keepdims=True) > 0, weights, legal.astype(np.float64))
    else:
        count = legal.sum(-1, keepdims=True)
        mean = values.sum(-1, keepdims=True) / count
        spread = np.sqrt((np.where(legal, values - mean, 0.0) ** 2).sum(-1, keepdims=True) / count)
        highest = np.where(legal, values, -np.inf).max(-1, keepdims=True)
        known = spread > 1e-12 * np.maximum(1.0, np.abs(highest))
        scaled = np.where(known, (values - highest) / np.where(known, spread, 1.0), 0.0)
        weights = np.where(legal, np.exp(np.minimum(scaled, 0.0)), 0.0)
    return np.asarray(weights / weights.sum(-1, keepdims=True))
