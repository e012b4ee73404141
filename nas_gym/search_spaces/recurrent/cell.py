"""The recurrent cell of ENAS: nodes, each of which reads an earlier one and has an activation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import FUNCTIONS, Network, NetworkBuilder, Shape, loose_ends
from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.description import Description
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.options import names, whole
from nas_gym.search_spaces.product import ProductSpace
from nas_gym.search_spaces.recurrent.sequence import SequenceForm
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import Variable

NODE = re.compile(r"([a-z]+) of (\d+)")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: of each node from 1 the earlier node that it reads, and its function."""

    previous: tuple[int, ...]
    functions: tuple[str, ...]

    def __str__(self) -> str:
        pairs = zip(self.functions, self.previous, strict=True)
        return ", ".join(f"{function} of {place}" for function, place in pairs)


class RecurrentCellSpace(ProductSpace[Cell]):
    """Recurrent cells of N nodes, each of which reads an earlier node and has a function, for sequences.

    The space of ENAS (Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing", section
    2.1), of 4^N N! cells, 6,144 for N = 4. Node 0 mixes the input and the state with tanh; node n reads one
    of the nodes 0 to n - 1, and its function is ``tanh``, ``relu``, ``identity`` or ``sigmoid``; all of them
    are highways: a gate says how much of the function is taken, the rest is what was read. The next state is
    the mean of the nodes that no other reads. See `nas_gym.networks.RecurrentCell`.

    The skeleton: an embedding of tokens, the cell, and a linear layer, on the last state, or on each state
    where there is an answer at each position.

    Text: the nodes in order: ``"tanh of 0, relu of 1, identity of 1, sigmoid of 3"``.

    Actions, in order: keep; for each node, swap what it reads; for each node, swap its function.

    A box of a drawing says what its node computes of which node: ``tanh-0``.

    Observation: ``cell``, MultiDiscrete, the choice of each variable.

    Variables: what each node from 2 reads, and the function of each.

    Args:
        input_shape: (length,) of tokens or (channels, length) of a signal.
        outputs: number of values that a network gives for one example.
        vocabulary: number of codes of tokens, from the task; 0 for signals.
        lengths: lengths of the sequences of an example of tokens, from the task.
        positions: answers of an example where there is one at each position, from the task; 0 for one.
        causal: whether an answer must not see what follows its position, from the task; it never does.
        nodes: nodes of a cell, beside node 0.
        size: numbers of a state, and of an embedding.
        functions: the functions to choose from.

    Raises:
        NASGymError: for a bad option, or examples that are neither tokens nor signals.
    """

    name = "recurrent_cell"
    takes = ("vocabulary", "lengths", "positions", "causal")

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        vocabulary: int = 0,
        lengths: Sequence[int] = (),
        positions: int = 0,
        causal: bool = False,
        nodes: int = 4,
        size: int = 32,
        functions: Sequence[str] = FUNCTIONS,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.form = SequenceForm.of(self.name, input_shape, vocabulary, lengths, positions, causal)
        self.form.check(self.name, outputs)
        self.nodes = whole("nodes of the recurrent_cell space", nodes)
        self.cell_size = whole("size of the recurrent_cell space", size)
        self.functions = names(
            "functions of the recurrent_cell space", "function of a node", functions, FUNCTIONS
        )
        reads = [Variable.at("node", (node,), range(node), "input") for node in range(2, self.nodes + 1)]
        computes = [
            Variable.at("node", (node,), self.functions, "function") for node in range(1, self.nodes + 1)
        ]
        self.set_variables((*reads, *computes), "cell")
        self.actions = (
            KEEP,
            *(
                Edit(
                    "swap",
                    f"swap {v.aspect} of {v.place} to {choice}",
                    v.aspect,
                    (v.position[0] + 1,),
                    choice,
                )
                for v in self.variables.values()
                for choice in v.choices
            ),
        )
        self.num_box_codes, self.num_link_codes = 3 + len(self.functions), 2

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **self.form.config,
            "nodes": self.nodes,
            "size": self.cell_size,
            "functions": list(self.functions),
        }

    def smallest(self) -> Cell:
        return self.architecture(0)

    def members(self) -> dict[str, Cell]:
        """Return nodes of one function, each of which reads node 0 ("wide") or the one before ("deep")."""
        first = (self.functions[0],) * self.nodes
        return {
            "wide": Cell((0,) * self.nodes, first),
            "deep": Cell(tuple(range(self.nodes)), first),
        }

    def parse(self, text: str) -> Cell:
        parts = [NODE.fullmatch(part.strip()) for part in text.split(",")]
        found = [(part[1], int(part[2])) for part in parts if part]
        if len(found) != len(parts) or len(found) != self.nodes:
            raise ConfigError(
                f"architecture {text!r} is none of the recurrent_cell space: write {self.nodes} nodes, like "
                f"{str(self.members()['deep'])!r}"
            )
        for node, (function, place) in enumerate(found, start=1):
            if function not in self.functions:
                raise ConfigError(
                    f"architecture {text!r} has the function {function!r}: write one of "
                    f"{', '.join(self.functions)}"
                )
            if place >= node:
                raise ConfigError(
                    f"architecture {text!r} has a node {node} that reads node {place}: let it read one of 0 "
                    f"to {node - 1}"
                )
        return Cell(tuple(place for _, place in found), tuple(function for function, _ in found))

    def edited(self, architecture: Cell, action: int) -> Cell | None:
        edit = self.actions[action]
        if edit.kind == "keep":
            return architecture
        values = self.encode(architecture)
        name = f"node {edit.place[0] - 1} {edit.aspect}"  # the box before the first is node 0
        number = self.variables[name].choices.index(edit.value)
        return None if values[name] == number else self.decode(values | {name: number})

    def codes(self, architecture: Cell) -> Sequence[int]:
        return [*architecture.previous[1:], *map(self.functions.index, architecture.functions)]

    def of_codes(self, codes: Sequence[int]) -> Cell:
        reads, computes = codes[: self.nodes - 1], codes[self.nodes - 1 :]
        return Cell((0, *map(int, reads)), tuple(self.functions[code] for code in computes))

    def sketch(self, architecture: Cell) -> Sketch:
        numbers = [self.functions.index(function) for function in architecture.functions]
        codes = (0, 2, *(3 + number for number in numbers), 1)
        # The boxes are the input, node 0, the others, and the output: node n is the box n + 1.
        links = [(0, 1, "")]
        links += [(place + 1, node + 1, "") for node, place in enumerate(architecture.previous, start=1)]
        links += [(end + 1, self.nodes + 2, "") for end in loose_ends(architecture.previous)]
        pairs = zip(architecture.functions, architecture.previous, strict=True)
        boxes = ("input", "node 0", *(f"{function}-{place}" for function, place in pairs), "output")
        layers = ("", "cell", *("",) * self.nodes, "output")
        kinds = (None, None, *numbers, None)
        return Sketch(boxes, tuple(sorted(links)), codes, (0,) * len(links), kinds, layers)

    def describe(self, architecture: Cell) -> Description:
        told = [self._node_words(architecture, node) for node in range(1, self.nodes + 1)]
        nodes = [f"node {number} is {words}" for number, words in enumerate(told, start=1)]
        parts: dict[tuple[int, ...], str] = {(1,): "the mix of input and state"}
        parts |= {(box,): words for box, words in enumerate(told, start=2)}
        return Description(f"a recurrent cell in which {', '.join(nodes)}", parts)

    def drawing(self, architecture: Cell) -> Drawing:
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        if self.form.vocabulary:
            words = f"{self.cell_size} numbers for each token"
            draft.box(label="embedding", words=words, layer="embedding")
        nodes = [draft.box(1, mark="steps")]
        for node, place in enumerate(architecture.previous, start=1):
            words = f"node {node}: {self._node_words(architecture, node)}"
            nodes.append(draft.box(node + 1, words=words, reads=[nodes[place]]))
        ends = [nodes[end] for end in loose_ends(architecture.previous)]
        state = draft.box(label="mean", words="next state: the mean of what no node reads", reads=ends)
        draft.link(state, nodes[0], "state")
        return draft.end()

    def isomorphism_class(self, architecture: Cell) -> str:
        """Return a text that cells share which differ in the order of their nodes alone."""
        children: dict[int, list[int]] = {node: [] for node in range(self.nodes + 1)}
        for node, place in enumerate(architecture.previous, start=1):
            children[place].append(node)

        def tree(node: int) -> str:
            inner = ",".join(sorted(map(tree, children[node])))
            return f"{(('mix', *architecture.functions))[node]}({inner})"

        return tree(0)

    @staticmethod
    def _node_words(architecture: Cell, node: int) -> str:
        function, place = architecture.functions[node - 1], architecture.previous[node - 1]
        return f"{'no function' if function == 'identity' else function} of node {place}"

    def network(self, architecture: Cell) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node, mask = self.form.begin(builder, self.cell_size)
        node = builder.recurrent_cell(
            node,
            self.cell_size,
            architecture.previous,
            architecture.functions,
            mask=mask,
            last=not self.form.positions,
            layer="cell",
        )
        return builder.build(self.form.end(builder, node, self.outputs))
