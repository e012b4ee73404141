"""Integrated Gradients of a neural policy's preference over its observation, completeness checked."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from torch import Tensor, nn

from nas_gym.errors import ConfigError
from nas_gym.explain.methods.attribution.integrated_gradients import (
    ROUNDS,
    TOLERANCE,
    has_captum,
    refined_gradients,
)
from nas_gym.explain.methods.attribution.observation_parts import ObservationPart, parts_of
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import NeuralPolicy, State, view_of

MISSING = (
    "which part of the state a neural policy looks at is computed by Captum, which is not installed: "
    "pip install 'nas-gym[explain]'"
)


@dataclass(frozen=True, eq=False, slots=True)
class ObservationAttributions:
    """The contribution of each part of an observation to a preference.

    Attributes:
        names: names of the parts.
        values: contributions, float64 (N, parts).
        errors: |sum of the values - difference of the outputs| / |difference|, float64 (N,).
    """

    names: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray

    @property
    def reliable(self) -> np.ndarray:
        """Where the values add up to the difference that they explain within 1e-4, bool (N,)."""
        return np.asarray(self.errors < TOLERANCE)


def integrated_gradients(
    policy: NeuralPolicy,
    space: SearchSpace[Any],
    states: Sequence[State],
    edits: np.ndarray,
    masks: np.ndarray,
    reference: Sequence[State],
    rounds: int = ROUNDS,
) -> ObservationAttributions:
    """Attribute the preference for an edit in each state to the parts of the observation.

    Integrated Gradients (Sundararajan, Taly and Yan 2017) by Captum, in double precision, the path
    refined until they add up (see `refined_gradients`). The output is the policy's score of the edit
    (a Q-value, or the logit of its probability) minus its mean over the legal edits; the baseline is
    the mean observation over `reference`. Attributions of the one-hot code of a part are added up.

    Args:
        policy: policy of the run.
        space: search space of the run.
        states: N states.
        edits: the explained edit of each state, int (N,).
        masks: legal edits, bool (N, n).
        reference: states of the baseline.
        rounds: number of refinements of the path at most.

    Raises:
        NASGymError: if Captum is not installed.
    """
    if not has_captum():
        raise ConfigError(MISSING)
    import torch

    network = copy.deepcopy(policy.network).double().cpu()
    network.set_training_mode(False)
    parts, sizes = _layout(policy, space)
    shown = _flat(policy.preprocessed(states), sizes)
    baseline = _flat(policy.preprocessed(reference), sizes).mean(0, keepdim=True)
    weights = -masks.astype(np.float64) / masks.sum(axis=1, keepdims=True)
    weights[np.arange(len(edits)), edits] += 1.0
    preference = _Preferences(network, sizes, baseline, torch.as_tensor(weights))
    found = refined_gradients(preference, shown - baseline, torch.arange(len(states)), rounds)
    added = [found.values[:, columns].sum(axis=1) for columns in _columns(parts, sizes)]
    return ObservationAttributions(tuple(part.name for part in parts), np.stack(added, axis=1), found.errors)


class _Preferences(nn.Module):
    """The preferences for N edits, each over the legal edits of its state, (k, inputs) to (k, N).

    Args:
        network: network of the policy.
        sizes: sizes of the entries of what the policy is fed.
        baseline: what the zero input stands for.
        weights: weights of the scores in each preference, (N, n).
    """

    def __init__(self, network: Any, sizes: dict[str, int], baseline: Tensor, weights: Tensor) -> None:
        super().__init__()
        self._network, self._sizes = network, sizes
        self._baseline, self._weights = baseline, weights

    def forward(self, fed: Tensor) -> Tensor:
        """Return the preferences, of inputs from which the baseline was taken away."""
        scores: Tensor = _outputs(self._network, _split(fed + self._baseline, self._sizes))
        return scores @ self._weights.T


def _layout(
    policy: NeuralPolicy, space: SearchSpace[Any]
) -> tuple[tuple[ObservationPart, ...], dict[str, int]]:
    """Return the parts of what the network is fed, and the sizes of its entries, in order."""
    observation = policy.network.observation_space
    if isinstance(observation, spaces.Dict):
        sizes = {key: spaces.flatdim(entry) for key, entry in observation.spaces.items()}
        return parts_of(space, observation), sizes
    view = view_of(space, observation)
    inner = type(view)(view.kind, view.horizon, False).observer(space).space
    assert isinstance(inner, spaces.Dict)
    return parts_of(space, inner), {key: spaces.flatdim(entry) for key, entry in inner.spaces.items()}


def _flat(fed: dict[str, Any], sizes: dict[str, int]) -> Any:
    import torch

    entries = [fed[key].flatten(1) for key in sizes] if "" not in fed else [fed[""]]
    return torch.cat([entry.double().cpu() for entry in entries], dim=1)


def _split(fed: Any, sizes: dict[str, int]) -> dict[str, Any]:
    return dict(zip(sizes, fed.split(list(sizes.values()), dim=1), strict=True))


def _columns(parts: tuple[ObservationPart, ...], sizes: dict[str, int]) -> list[slice]:
    starts = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    return [
        slice(starts[part.key] + part.columns.start, starts[part.key] + part.columns.stop) for part in parts
    ]


def _outputs(network: Any, entries: dict[str, Any]) -> Any:
    """Return the score of every edit: Q-values, or logits of probabilities."""
    import torch

    flat = not isinstance(network.observation_space, spaces.Dict)
    fed = torch.cat(list(entries.values()), dim=1) if flat else entries
    if hasattr(network, "q_net"):
        return network.q_net.q_net(network.q_net.features_extractor(fed))
    features = network.pi_features_extractor(fed)
    return network.action_net(network.mlp_extractor.forward_actor(features))
