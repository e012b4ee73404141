"""Asking each environment of a vector environment by name, as Gymnasium's SyncVectorEnv allows."""

from __future__ import annotations

from functools import partial
from typing import Any

from nas_gym.errors import ConfigError

# What differs between the environments, and the attribute that holds it for all of them.
EACH = {
    "action_masks": "action_masks",
    "architecture": "architectures",
    "get_state": "get_state",
    "np_random": "np_random",
    "np_random_seed": "np_random_seed",
    "render": "render",
}
SINGLE = {"action_space": "single_action_space", "observation_space": "single_observation_space"}


class VectorCalls:
    """`call`, `get_attr` and `set_attr`; all but `EACH` is one for all environments, and done once."""

    num_envs: int

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method, or read an attribute; a result for each environment.

        Raises:
            AttributeError: if environments have none of that name.
        """
        value = getattr(self, EACH.get(name, SINGLE.get(name, name)))
        result = value(*args, **kwargs) if callable(value) else value
        return tuple(result) if name in EACH else (result,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute of each environment; a method as a function without arguments.

        Raises:
            AttributeError: if environments have none of that name.
        """
        value = getattr(self, EACH.get(name, SINGLE.get(name, name)))
        if name not in EACH:
            return (value,) * self.num_envs
        if callable(value):
            return tuple(partial(self._call_one, name, row) for row in range(self.num_envs))
        return tuple(value)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute to one value for all environments, or to a list with that value for each.

        Raises:
            NASGymError: if the values differ, or belong to single environments (see `set_state`).
        """
        each = list(values) if isinstance(values, list | tuple) else [values] * self.num_envs
        if name in EACH or len(each) != self.num_envs or any(value is not each[0] for value in each):
            raise ConfigError(
                f"{name!r} cannot differ between the {self.num_envs} environments, which share all but their "
                "states: pass one value, or set_state(...) for the states"
            )
        setattr(self, name, each[0])

    def _call_one(self, name: str, row: int) -> Any:
        return self.call(name)[row]
