"""The views that models have of states, told from their observation spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gymnasium import spaces

from nas_gym.envs import Observer, make_observer
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace


@dataclass(frozen=True, slots=True)
class View:
    """The form in which a model sees a state.

    Attributes:
        kind: name of the observation, see `make_observer`.
        horizon: horizon under an episodic reward, see `make_observer`; None otherwise.
        flat: whether the observation is flattened to one Box (`FlattenObservation`).
    """

    kind: str
    horizon: int | None
    flat: bool

    def observer(self, search_space: SearchSpace[Any]) -> Observer:
        """Return the observer that shows states this way."""
        observer = make_observer(self.kind, search_space, self.horizon)
        return FlattenedObserver(observer) if self.flat else observer


class FlattenedObserver:
    """Shows what another observer shows as one Box, like `FlattenObservation`."""

    space: spaces.Space[Any]

    def __init__(self, inner: Observer) -> None:
        self.inner = inner
        self.space: spaces.Space[Any] = spaces.flatten_space(inner.space)

    def __call__(self, architecture: Architecture, steps_left: int) -> Any:
        return spaces.flatten(self.inner.space, self.inner(architecture, steps_left))


def view_of(search_space: SearchSpace[Any], space: spaces.Space[Any]) -> View:
    """Return how a model with this observation space sees states of a search space.

    Raises:
        NASGymError: if it is none of the environment's observations, plain or flattened.
    """
    for view in _candidates(search_space, space):
        if view.observer(search_space).space == space:
            return view
    raise ConfigError(
        f"observations of {space} cannot be made from a state of {search_space!r}: use the environment's "
        "'dict', 'dict+mask', 'flat' or 'index', flattened or as they are, or watch a policy of your own"
    )


def _candidates(search_space: SearchSpace[Any], space: spaces.Space[Any]) -> list[View]:
    if isinstance(space, spaces.Discrete):
        times = int(space.n) // search_space.size
        return [View("index", None if times <= 1 else times - 1, False)]
    if isinstance(space, spaces.Dict):
        clock = space.spaces.get("steps_left")
        horizon = int(clock.nvec[0]) - 1 if isinstance(clock, spaces.MultiDiscrete) else None
        return [View("dict+mask" if "action_mask" in space.spaces else "dict", horizon, False)]
    views = []
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        for kind, flattened in (("flat", False), ("dict", True), ("dict+mask", True)):
            plain = View(kind, None, flattened).observer(search_space).space
            clock_size = space.shape[0] - (plain.shape or (0,))[0]
            views.append(View(kind, clock_size - 1 if clock_size > 1 else None, flattened))
    return views
