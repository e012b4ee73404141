"""Search spaces: architectures, the edits between them, and the network each stands for."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np

from nas_gym._shared import Shared
from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.description import Description, describe_sketch
from nas_gym.search_spaces.drawing import Drawing, as_drawing
from nas_gym.search_spaces.graph.edit_graph import EditGraph
from nas_gym.search_spaces.graph.paths import MOST_EXPANDED, EditPath, find_distance, find_path
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import DEPTH, Variable

if TYPE_CHECKING:
    from gymnasium import spaces

EditKind = Literal["keep", "add", "remove", "swap"]


class Architecture(Protocol):
    """An immutable, hashable value whose text parses back to it."""

    def __str__(self) -> str: ...

    def __hash__(self) -> int: ...


A = TypeVar("A", bound=Architecture)


@dataclass(frozen=True, slots=True)
class Edit:
    """One action of a search space.

    Attributes:
        kind: ``"keep"``, ``"add"``, ``"remove"`` or ``"swap"``.
        words: the edit in words ("add relu-64 after layer 2").
        aspect: what is edited: ``"layer"``, ``"width"``, ``"activation"``, ``"operation"``,
            ``"channels"``, ``"skip"`` or ``"edge"``; ``""`` for keep.
        place: the place of the edit in the `Sketch` of the architecture after it: the number of a box,
            or the two of a link; of a removed layer the link that closed over it. In a space whose
            architectures have different numbers of boxes -1 is the last one; () is no place.
        value: what is there afterwards ("relu-64", "tanh"); ``""`` for keep and remove.
    """

    kind: EditKind
    words: str
    aspect: str = ""
    place: tuple[int, ...] = ()
    value: str = ""

    def __str__(self) -> str:
        return self.words


KEEP = Edit("keep", "keep")
BOX = re.compile(r"^(\d+) .*")
"""The layer of a box, by its number in the sketch, with its label behind."""
MASKS_KEPT = 20_000


class SearchSpace(Shared, ABC, Generic[A]):
    """A finite set of architectures and one fixed, ordered list of edits between them.

    A space is built for an input shape and a number of outputs. Two architectures are equal only
    if their texts are equal; equivalent networks are never merged.

    Attributes:
        name: the name in the registry.
        input_shape: shape of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        actions: the edits; action 0 is keep, then add, remove and swap in a documented order.
        size: number of architectures.
        variables: the fixed-length form of an architecture: what is chosen, by name. Every assignment
            decodes to an architecture (see `decode`).
        observation_space: flat `Dict` of one-dimensional arrays (see `observe`).
        num_box_codes, num_link_codes: how many codes the sketches of this space use.
        takes: options that `make_search_space` passes on from the task (`nas_gym.tasks.Task.facts`), where
            the user names no others: ``"columns"``, how many features each column of a table has;
            ``"vocabulary"`` and ``"lengths"``, the number of codes and the lengths of the sequences of an
            example of tokens; ``"node_features"`` and ``"edge_kinds"`` of an example that is a graph;
            ``"rate"``, samples a second, of recordings as samples; ``"positions"`` and ``"causal"`` where
            there is an answer at each position, see `nas_gym.tasks.Tokens`.
    """

    name: ClassVar[str]
    takes: ClassVar[tuple[str, ...]] = ()

    input_shape: Shape
    outputs: int
    actions: tuple[Edit, ...]
    size: int
    variables: Mapping[str, Variable]
    observation_space: spaces.Dict
    num_box_codes: int
    num_link_codes: int

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return the JSON-able keyword arguments that build this space again, with its name."""

    @abstractmethod
    def smallest(self) -> A:
        """Return the smallest architecture, the default start state."""

    @abstractmethod
    def parse(self, text: str) -> A:
        """Return the architecture of a text.

        Raises:
            NASGymError: if the text is not an architecture of this space, naming what is wrong.
        """

    @abstractmethod
    def edited(self, architecture: A, action: int) -> A | None:
        """Return the architecture after an edit, or None where the edit is illegal (changes nothing)."""

    @abstractmethod
    def index(self, architecture: A) -> int:
        """Return the number of an architecture, in ``range(size)``; the inverse of `architecture`."""

    @abstractmethod
    def architecture(self, index: int) -> A:
        """Return the architecture of a number in ``range(size)``; the inverse of `index`."""

    @abstractmethod
    def encode(self, architecture: A) -> dict[str, int]:
        """Return the fixed-length form: for each of `variables` the number of its choice."""

    @abstractmethod
    def decode(self, values: Mapping[str, int]) -> A:
        """Return the architecture of an assignment of all `variables`; ``decode(encode(a)) == a``.

        Every assignment is an architecture: inactive variables are ignored, impossible ones are
        mended by a documented rule.
        """

    def active_variables(self, architecture: A) -> frozenset[str]:
        """Return those of `variables` that matter for an architecture: the others may have any value."""
        return frozenset(self.variables)

    @abstractmethod
    def observe(self, architecture: A) -> dict[str, np.ndarray]:
        """Return the observation of an architecture: fresh arrays of `observation_space`."""

    @abstractmethod
    def sketch(self, architecture: A) -> Sketch:
        """Return the architecture as a small labelled graph."""

    def describe(self, architecture: A) -> Description:
        """Return the architecture in words, as reports use them; by default the labels of its sketch."""
        return describe_sketch(self.sketch(architecture))

    def drawing(self, architecture: A) -> Drawing:
        """Return the architecture as pictures show it, by default its sketch.

        A space whose sketch is not what the network computes, such as one with choices for the whole network,
        says here where they act.
        """
        return as_drawing(self.sketch(architecture), self.describe(architecture).parts)

    @property
    def input_words(self) -> str:
        """What an example is, as reports say it: so many numbers or tokens, or a graph."""
        told = self.config()
        if told.get("edge_kinds") or told.get("node_features"):
            return f"a graph of at most {self.input_shape[-1]} nodes"
        sides = " \N{MULTIPLICATION SIGN} ".join(str(size) for size in self.input_shape if size > 1) or "1"
        return f"{sides} {'tokens' if told.get('vocabulary') else 'numbers'}"

    def value_words(self, variable: Variable, value: str) -> str:
        """Return what an architecture has where a variable has a value, as reports say it."""
        return "none" if variable.aspect == "activation" and value == "identity" else value

    @abstractmethod
    def network(self, architecture: A) -> Network:
        """Return the network that an architecture stands for; its output shape is (outputs,).

        Drawings count the weights of a box by the nodes of its `layer`, by default its number in the sketch,
        alone or with its label behind ("2 relu-64"), and those of the last box by the layer "output".
        """

    def slots(self, network: Network) -> tuple[str, ...]:
        """Return the place of each node of a network in the space: "" where it has none.

        Where networks share weights (see `nas_gym.evaluators.SupernetEvaluator`), two nodes share an array
        if their places, operations and shapes are equal. By default it is the `layer` of the node, without
        the label behind the number of a box, so that ``"2 relu-64"`` and ``"2 tanh-64"`` are one place.
        """
        return tuple(BOX.sub(r"\1", node.layer) for node in network.nodes)

    def mixture(self, partial: int = 1) -> Network:
        """Return one network of all architectures, in which a `Mixture` stands for each variable.

        With one candidate at each mixture (`nas_gym.networks.chosen`) it computes what the network of that
        architecture does, by the same places; searches by gradients weigh the candidates. By default it
        is found by comparing networks, which works where each variable changes a part of its own, those of
        `outside_mixture` aside. A space that defines its own may let layers of several widths share a matrix
        (`nas_gym.networks.SharedLinear`).

        Args:
            partial: 1; of a space that says so, one channel of so many goes through candidates.

        Raises:
            NASGymError: if there is no such network, naming the variable.
        """
        from nas_gym.search_spaces.mixing import mixture_of, no_partial

        if partial != 1:
            raise no_partial(self)
        return mixture_of(self)

    def outside_mixture(self) -> dict[str, int]:
        """Return the choices that all architectures of the mixture have in common, by variable.

        By default the depth of a chain, at its largest: where a layer may do nothing, this leaves no network
        out.
        """
        return {DEPTH: len(self.variables[DEPTH].choices) - 1} if DEPTH in self.variables else {}

    def members(self) -> dict[str, A]:
        """Return well-known architectures by name; `initial=` and `resolve` accept the names."""
        return {}

    def isomorphism_class(self, architecture: A) -> str:
        """Return a text that equivalent architectures share, for reports and features."""
        return str(architecture)

    def official_index(self, architecture: A) -> int | None:
        """Return the number of an architecture in a published numbering; None where there is none."""
        return None

    def numbered(self, number: int) -> A:
        """Return the architecture that a number alone stands for.

        It is that of the published numbering where there is one (see `official_index`), elsewhere
        ``architecture(number)``.

        Raises:
            NASGymError: if the number does not exist, or the texts of architectures are numbers, too, so
                that this one could be meant as a text.
        """
        if str(self.smallest()).strip().isdecimal():
            raise ConfigError(
                f"the number {number} could mean a text of the {self.name} space or a place in it: pass the "
                f"text {str(self.architecture(self.size - 1))!r} in quotes, or search_space.architecture(...)"
            )
        if not 0 <= number < self.size:
            raise ConfigError(
                f"number {number} is no architecture of the {self.name} space: pass one from 0 to "
                f"{self.size - 1:,}, or a text"
            )
        return self.architecture(number)

    def resolve(self, architecture: A | str | int) -> A:
        """Return an architecture from itself, its text, a member's name, or its number (see `numbered`)."""
        if isinstance(architecture, int | np.integer) and not isinstance(architecture, bool | np.bool_):
            return self.numbered(int(architecture))
        if not isinstance(architecture, str):
            return self.parse(str(architecture))
        members = self.members()
        return members[architecture] if architecture in members else self.parse(architecture)

    def apply(self, architecture: A, action: int) -> A:
        """Return the architecture after an action; an illegal action has the effect of keep."""
        after = self.edited(architecture, action)
        return architecture if after is None else after

    def mask(self, architecture: A) -> np.ndarray:
        """Return which actions are legal: bool (len(actions),), a fresh array; keep always is."""
        mask = self._masks.get(architecture)
        if mask is None:
            legal = [self.edited(architecture, action) is not None for action in range(len(self.actions))]
            if len(self._masks) >= MASKS_KEPT:
                self._masks.clear()
            self._masks[architecture] = mask = np.array(legal)
        return mask.copy()

    def neighbours(self, architecture: A) -> dict[A, int]:
        """Return the distinct architectures one edit away, each with the first action that leads there."""
        found: dict[A, int] = {}
        for action in np.flatnonzero(self.mask(architecture))[1:]:
            found.setdefault(self.apply(architecture, int(action)), int(action))
        found.pop(architecture, None)
        return found

    def least_edits(self, one: A, goal: A) -> int:
        """Return a number of edits that no way from one architecture to another is shorter than.

        It guides `shortest_path` and `edit_distance`, which are right whatever it is, as long as it is
        not too high, and quick where it is near. By default nothing is known, so it is 0.
        """
        return 0

    def edit_distance(self, one: A, other: A, most: int) -> int:
        """Return the least number of edits from one architecture to another.

        It is ``most + 1`` for anything above `most`, which bounds the search.
        """
        return find_distance(self, one, other, most)

    def shortest_path(self, start: A, goal: A, most_expanded: int = MOST_EXPANDED) -> EditPath | None:
        """Return a shortest way from one architecture to another by edits.

        Where the search would look at the edits of more than `most_expanded` architectures, a way is
        sought greedily, which may be longer than need be; None where none was found so, either.
        """
        return find_path(self, start, goal, most_expanded)

    def sample(self, rng: np.random.Generator) -> A:
        """Return an architecture drawn uniformly from the space."""
        return self.architecture(uniform_below(self.size, rng))

    def __iter__(self) -> Iterator[A]:
        return (self.architecture(index) for index in range(self.size))

    def __len__(self) -> int:
        return self.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<{self.name} search space of {self.size:,} architectures>"

    @cached_property
    def edit_graph(self) -> EditGraph:
        """The states that environments have visited, by number; all environments on this space share it."""
        return EditGraph(self)

    @cached_property
    def _identity(self) -> str:
        return repr((sorted(self.config().items()), self.input_shape, self.outputs))

    @cached_property
    def _masks(self) -> dict[A, np.ndarray]:
        return {}


def uniform_below(bound: int, rng: np.random.Generator) -> int:
    """Return a uniform integer in [0, bound), of any size, by rejection."""
    bits = (bound - 1).bit_length()
    while True:
        value = int.from_bytes(rng.bytes((bits + 7) // 8), "little") >> (-bits % 8)
        if value < bound:
            return value
