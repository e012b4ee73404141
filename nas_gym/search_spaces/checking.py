"""The check of a space that a user wrote: names mean one thing, edits stay inside, networks build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.networks import Network
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.variables import Variable

SAMPLES = 8
EDITS = 48
"""Most edits that are followed from one architecture, drawn from its list."""

T = TypeVar("T")


def check_space(space: SearchSpace[Any]) -> None:
    """Check a space by its smallest architecture, its first, its last and a few drawn ones.

    An architecture is known by its text everywhere: in the store, in traces, in reports, and by
    agents that ask for it. So for all architectures that are looked at,

    - two are equal exactly if their texts are;
    - ``parse(str(a)) == a``, and ``architecture(index(a)) == a``;
    - a variable has its name and at least one choice;
    - a legal edit leads to an architecture of the space, and keep (action 0) to the same one;
    - the network takes the input of the space and gives as many values as the space has outputs.

    It takes a few milliseconds, and draws the same architectures every time.

    Raises:
        NASGymError: for the first that does not hold, naming the architecture.
    """
    _Check(space).run()


class _Check:
    def __init__(self, space: SearchSpace[Any]) -> None:
        self._space = space
        self._texts: dict[Any, str] = {}
        self._values: dict[str, Any] = {}

    def run(self) -> None:
        space = self._space
        config = self._called("config()", space.config)
        if not isinstance(config, dict) or not isinstance(config.get("name"), str):
            raise self._error(f"config() gives {config!r}", "return a dict with the 'name' of the space")
        self._check_variables()
        rng = np.random.default_rng(0)
        self._look_at(self._called("smallest()", space.smallest), "smallest()")
        for number in {0: None, space.size - 1: None} | dict.fromkeys(self._drawn(rng)):
            architecture = self._called(f"architecture({number})", space.architecture, number)
            text = self._look_at(architecture, f"architecture({number})")
            if self._called(f"index() of {text!r}", space.index, architecture) != number:
                raise self._error(
                    f"architecture({number}) gives {text!r}, whose index() is {space.index(architecture)}",
                    "number every architecture once",
                )
            self._check_edits(architecture, text, rng)
            self._check_network(architecture, text)

    def _check_variables(self) -> None:
        for name, variable in self._space.variables.items():
            if not isinstance(variable, Variable) or variable.name != name or not variable.choices:
                raise self._error(
                    f"variables[{name!r}] is {variable!r}",
                    "give a nas_gym.search_spaces.Variable of that name with its choices",
                )

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        drawn = [self._called("sample()", self._space.sample, rng) for _ in range(SAMPLES)]
        return [self._called(f"index() of {str(one)!r}", self._space.index, one) for one in drawn]

    def _look_at(self, architecture: Any, source: str) -> str:
        """Return the text of an architecture, once it is known to stand for it and for no other."""
        text = self._called(f"the text of {source}", str, architecture)
        try:
            known = self._texts.setdefault(architecture, text)
        except TypeError as error:
            raise self._error(
                f"{source} gives a {type(architecture).__name__}, which has no hash",
                "make architectures immutable, such as frozen dataclasses of tuples",
            ) from error
        if known != text:
            raise self._error(
                f"the architectures {known!r} and {text!r} are equal in Python",
                "let architectures be equal only if their texts are (1, 1.0 and True are equal)",
            )
        if self._values.setdefault(text, architecture) != architecture:
            raise self._error(f"two architectures have the text {text!r}", "give every one a text of its own")
        parsed = self._called(f"parse({text!r})", self._space.parse, text)
        if parsed != architecture or str(parsed) != text:
            raise self._error(
                f"parse({text!r}) gives {str(parsed)!r}, another architecture than the one of that text",
                "let parse read what str() writes",
            )
        return text

    def _check_edits(self, architecture: Any, text: str, rng: np.random.Generator) -> None:
        count = len(self._space.actions)
        followed = range(count) if count <= EDITS else rng.choice(count, EDITS, replace=False).tolist()
        for action in {0: None} | dict.fromkeys(followed):
            source = f"edited({text!r}, {action})"
            after = self._called(source, self._space.edited, architecture, action)
            if action == 0 and after != architecture:
                raise self._error(f"{source} gives {after!s}", "let action 0 keep the architecture")
            if after is None:
                continue
            number = self._called(f"index() of {source}", self._space.index, after)
            if not 0 <= number < self._space.size or self._space.architecture(number) != after:
                raise self._error(
                    f"{source} gives {str(after)!r}, which is none of its architectures",
                    "return None where an edit is illegal",
                )
            self._look_at(after, source)

    def _check_network(self, architecture: Any, text: str) -> None:
        space = self._space
        network = self._called(f"network({text!r})", space.network, architecture)
        if not isinstance(network, Network):
            raise self._error(
                f"network({text!r}) gives a {type(network).__name__}",
                "return what NetworkBuilder.build() gives",
            )
        shapes = (network.input_shape, network.output_shape)
        if shapes != (space.input_shape, (space.outputs,)):
            raise self._error(
                f"network({text!r}) leads from {shapes[0]} to {shapes[1]}",
                f"build it from self.input_shape {space.input_shape} to (self.outputs,), ({space.outputs},)",
            )

    def _called(self, what: str, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return function(*arguments)
        except NASGymError as error:
            raise self._error(f"{what} says: {error}", "mend it or leave that architecture out") from error
        except Exception as error:
            raise self._error(
                f"{what} raises {type(error).__name__} ({error})", "mend it or leave that architecture out"
            ) from error

    def _error(self, found: str, remedy: str) -> ConfigError:
        name = getattr(self._space, "name", type(self._space).__name__)
        return ConfigError(f"the search space {name!r} cannot be searched, {found}: {remedy}")
