"""Policies of stable-baselines3 and sb3-contrib models: scores, and saving without pickle."""

from __future__ import annotations

import importlib
import inspect
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.errors import StoreError
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces.policies.base import Kind, State
from nas_gym.traces.policies.views import View, view_of

FORMAT = 1
# Classes are rebuilt by name, from these packages alone: a saved file must not choose what is imported.
TRUSTED = ("torch.nn.", "torch.optim.", "stable_baselines3.", "sb3_contrib.")
# Rebuilt from the search space, or needed for training alone.
LEFT_OUT = ("observation_space", "action_space", "lr_schedule")


class NeuralPolicy:
    """The policy of a PPO, A2C, DQN or MaskablePPO model, or of one derived from them.

    Args:
        search_space: search space whose architectures the model edits.
        model: the model; its current weights are used at every call.
        kind: ``"probabilities"`` or ``"q_values"``; None for what the model has.

    Raises:
        NASGymError: if the model's observations cannot be made from a state.
    """

    suffix = ".pt"

    def __init__(self, search_space: SearchSpace[Any], model: Any, kind: Kind | None = None) -> None:
        self._model = model
        self.kind: str = kind or ("q_values" if hasattr(model.policy, "q_net") else "probabilities")
        self.search_space = search_space
        self._view = view_of(search_space, model.policy.observation_space)
        self._observer = self._view.observer(search_space)

    @property
    def network(self) -> Any:
        """The policy of stable-baselines3, a `torch.nn.Module` with its observation space."""
        return self._model.policy

    def preprocessed(self, states: Sequence[State]) -> dict[str, Any]:
        """Return what the network is fed for N states, by entry of the observation: one-hot, float (N, size).

        An observation that is not a Dict has the one entry ``""``.
        """
        from stable_baselines3.common.preprocessing import preprocess_obs

        policy = self._model.policy
        observation, _ = policy.obs_to_tensor(self._observations(states))
        fed = preprocess_obs(observation, policy.observation_space)
        return fed if isinstance(fed, dict) else {"": fed}

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        import torch

        policy = self._model.policy
        was_training = policy.training
        policy.set_training_mode(False)
        with torch.no_grad():
            observation, _ = policy.obs_to_tensor(self._observations(states))
            scores = self._forward(policy, observation, masks)
        policy.set_training_mode(was_training)
        return np.asarray(scores.cpu().numpy(), dtype=np.float64)

    def save(self, path: Path) -> None:
        import torch

        policy = self._model.policy
        cls = _known_class(type(policy))
        parameters = {
            name: _described(value)
            for name, value in policy._get_constructor_parameters().items()
            if name not in LEFT_OUT and name in inspect.signature(cls).parameters
        }
        description = {
            "format": FORMAT,
            "kind": self.kind,
            "class": _name(cls),
            "parameters": parameters,
            "view": [self._view.kind, self._view.horizon, self._view.flat],
        }
        weights = {name: tensor.detach().cpu() for name, tensor in policy.state_dict().items()}
        # In memory first: of a disk that is full torch tells in many ways.
        buffer = io.BytesIO()
        torch.save({"description": json.dumps(description), "weights": weights}, buffer)
        path.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: Path, search_space: SearchSpace[Any]) -> NeuralPolicy:
        """Read a saved policy; it scores states, it cannot be trained on.

        Raises:
            NASGymError: if the file is not such a policy, its class is not one of stable-baselines3 or
                sb3-contrib, or it does not fit the search space.
        """
        import torch

        saved = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(saved, dict) or set(saved) != {"description", "weights"}:
            raise StoreError(f"{path} is no saved policy: pass a file of a run's policy folder")
        description = json.loads(saved["description"])
        kind, horizon, flat = description["view"]
        policy = _class(description["class"], path)(
            observation_space=View(kind, horizon, flat).observer(search_space).space,
            action_space=spaces.Discrete(len(search_space.actions)),
            lr_schedule=lambda _: 0.0,
            **{name: _rebuilt(value, path) for name, value in description["parameters"].items()},
        )
        try:
            policy.load_state_dict(saved["weights"])
        except RuntimeError as error:
            raise StoreError(
                f"the weights in {path} do not fit this search space: load them with the search space "
                "they were saved for"
            ) from error
        return cls(search_space, _Loaded(policy), description["kind"])

    def _observations(self, states: Sequence[State]) -> Any:
        shown = [
            self._observer(state.architecture, 0 if state.steps_left is None else state.steps_left)
            for state in states
        ]
        if isinstance(self._observer.space, spaces.Dict):
            return {name: np.stack([one[name] for one in shown]) for name in self._observer.space.spaces}
        return np.stack(shown)

    def _forward(self, policy: Any, observation: Any, masks: np.ndarray) -> Any:
        if hasattr(policy, "q_net"):
            return policy.q_net(observation)
        if _takes_masks(policy):
            return policy.get_distribution(observation, action_masks=masks).distribution.probs
        return policy.get_distribution(observation).distribution.probs


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a `NeuralPolicy` needs of a model."""

    policy: Any


def _takes_masks(policy: Any) -> bool:
    return any("maskable" in cls.__module__ for cls in type(policy).__mro__)


def _known_class(cls: type) -> type:
    """Return the nearest class that `load` may rebuild; one that only acts differently scores alike."""
    return next((base for base in cls.__mro__ if _name(base).startswith(TRUSTED)), cls)


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _described(value: Any) -> Any:
    if isinstance(value, type):
        return {"class": _name(value)}
    if isinstance(value, Mapping):
        return {"dict": {str(name): _described(entry) for name, entry in value.items()}}
    if isinstance(value, list | tuple):
        return [_described(entry) for entry in value]
    return value


def _rebuilt(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return [_rebuilt(entry, path) for entry in value]
    if not isinstance(value, dict):
        return value
    if "class" in value:
        return _class(value["class"], path)
    return {name: _rebuilt(entry, path) for name, entry in value["dict"].items()}


def _class(name: str, path: Path) -> Any:
    from torch import nn, optim

    module, _, attribute = name.rpartition(".")
    if name.startswith(TRUSTED):
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ImportError:
            found = None
        # No other is part of a policy, and to build one may do anything.
        if isinstance(found, type) and issubclass(found, nn.Module | optim.Optimizer):
            return found
    raise StoreError(
        f"{path} was saved by a policy of class {name}, which is none of torch, stable-baselines3 or "
        "sb3-contrib: build that policy yourself and watch it"
    )
