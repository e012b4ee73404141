"""Spaces of independent choices: the short way to a search space of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym._checks import listed
from nas_gym.errors import ConfigError
from nas_gym.networks import Shape
from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.description import Description, describe_choices
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.product import ProductSpace
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import Variable

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Of an object without a text of its own, another one in every process."""


@dataclass(frozen=True, slots=True)
class Choices:
    """One value for each choice of a space; ``architecture["width"]`` reads one."""

    values: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.values)

    def __getitem__(self, name: str) -> Any:
        return dict(self.values)[name]


class ChoiceSpace(ProductSpace[Choices]):
    """All combinations of named choices; an edit swaps the value of one of them.

    A subclass states its `choices` and builds the `network` of an architecture:

    ```python
    class Widths(ChoiceSpace):
        name = "my_module:Widths"
        choices = {"width": (8, 64), "activation": ("relu", "tanh")}

        def network(self, architecture):
            builder = NetworkBuilder(self.input_shape)
            node = builder.linear(builder.flatten(builder.input), architecture["width"])
            node = builder.activation(node, architecture["activation"])
            return builder.build(builder.linear(node, self.outputs))
    ```

    Actions, in order: keep; for each choice and each of its values, swap to it. The text is like
    ``"width=8, activation=relu"``; the smallest architecture has the first value of every choice.

    Observation: ``choices``, MultiDiscrete, the number of each value.

    Attributes:
        name: ``"module:Class"``, so that configurations and other processes can build it again.
        choices: the values of each choice, at least one. They differ as text and in Python (1, 1.0
            and True are one), and their text is one that can be read back in any process: without a
            comma, spaces at its ends or an address. Of what has no such text, a tuple or an object,
            give the name and look it up in `network`.

    Raises:
        NASGymError: for choices that are not so.
    """

    choices: Mapping[str, Sequence[Any]]

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.choices = _checked(getattr(self, "choices", None))
        self.set_variables(
            (Variable.of_whole(name, values) for name, values in self.choices.items()), "choices"
        )
        self._numbers = {
            name: {word: number for number, word in enumerate(variable.choices)}
            for name, variable in self.variables.items()
        }
        self.actions = (
            KEEP,
            *(
                Edit("swap", f"swap {name} to {word}", name, (box,), word)
                for box, (name, numbers) in enumerate(self._numbers.items(), start=1)
                for word in numbers
            ),
        )
        self.num_box_codes, self.num_link_codes = 2 + max(map(len, self._numbers.values())), 1

    def config(self) -> dict[str, Any]:
        return {"name": self.name}

    def smallest(self) -> Choices:
        return self.architecture(0)

    def parse(self, text: str) -> Choices:
        parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
        known = all(parts.get(name) in numbers for name, numbers in self._numbers.items())
        if not known or len(parts) != len(self._numbers):
            form = ", ".join(f"{name}={'|'.join(numbers)}" for name, numbers in self._numbers.items())
            raise ConfigError(f"architecture {text!r} does not fit this space: write it as {form}")
        return self.decode({name: numbers[parts[name]] for name, numbers in self._numbers.items()})

    def edited(self, architecture: Choices, action: int) -> Choices | None:
        if action == 0:
            return architecture
        edit = self.actions[action]
        values = self.encode(architecture)
        number = self._numbers[edit.aspect][edit.value]
        return None if values[edit.aspect] == number else self.decode(values | {edit.aspect: number})

    def codes(self, architecture: Choices) -> Sequence[int]:
        return [self._numbers[name][str(value)] for name, value in architecture.values]

    def of_codes(self, codes: Sequence[int]) -> Choices:
        pairs = zip(self.choices.items(), codes, strict=True)
        return Choices(tuple((name, values[code]) for (name, values), code in pairs))

    def sketch(self, architecture: Choices) -> Sketch:
        labels = [f"{name}-{value}" for name, value in architecture.values]
        codes = [2 + code for code in self.codes(architecture)]
        links = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        return Sketch(("input", *labels, "output"), links, (0, *codes, 1), (0,) * len(links))

    def drawing(self, architecture: Choices) -> Drawing:
        """Return one box for the network, with the choices beside it, since where they act is not known."""
        draft = self.draft(architecture)
        draft.box(label="network", words="the network")
        for name, value in architecture.values:
            draft.note(name, words=str(value))
        return draft.end()

    def draft(self, architecture: Choices) -> Draft:
        """Return a drawing in the making, in which a subclass says where its choices act, by their names."""
        return Draft(self.sketch(architecture), self.describe(architecture).parts, self.choices)

    def describe(self, architecture: Choices) -> Description:
        values = {name: str(value) for name, value in architecture.values}
        return describe_choices(values, self.sketch(architecture))


def _checked(choices: Any) -> dict[str, tuple[Any, ...]]:
    """Return the choices of a space as they are searched, numbers of NumPy as Python's.

    Raises:
        NASGymError: for names or values that would not mean one thing each.
    """
    if not isinstance(choices, Mapping) or not choices:
        raise ConfigError(
            f"a ChoiceSpace needs choices, a dict with a list of values for each name, not {choices!r}"
        )
    found: dict[str, tuple[Any, ...]] = {}
    for name, values in choices.items():
        if not isinstance(name, str) or not _is_readable(name) or "=" in name or not name:
            raise ConfigError(
                f"the name of a choice must be a text without commas, equals signs and spaces at its ends, "
                f"not {name!r}: rename it"
            )
        given = listed(values)
        if not given:
            raise ConfigError(f"the choice {name!r} must have a list of at least one value, not {values!r}")
        found[name] = tuple(given)
        for number, value in enumerate(given):
            _check_value(name, value, given[:number])
    return found


def _check_value(name: str, value: Any, before: Sequence[Any]) -> None:
    text = str(value)
    try:
        hash(value)
    except TypeError:
        reason = "has no hash, so that no architecture with it could be remembered"
    else:
        if not _is_readable(text):
            reason = f"has the text {text!r}, which cannot be read back from an architecture's"
        elif value != value:
            reason = "is not equal to itself"
        else:
            same = [one for one in before if one == value or str(one) == text]
            if not same:
                return
            reason = f"is taken for the value {same[0]!r}, since they are equal in Python or as text"
    raise ConfigError(
        f"the value {value!r} of the choice {name!r} {reason}: write a name for it, such as 'yes' for True "
        "or '3x3' for (3, 3), and look up what it stands for in network()"
    )


def _is_readable(text: str) -> bool:
    """Return whether a text can be read back from an architecture's, here and in another process."""
    return text == text.strip() and "," not in text and text.isprintable() and not ADDRESS.search(text)
