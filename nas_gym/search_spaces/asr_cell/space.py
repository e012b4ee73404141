"""The search space of NAS-Bench-ASR, for recordings as frames or as samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.asr_cell.architecture import (
    IN_WORDS,
    NODES,
    OPERATIONS,
    PRESENT,
    SKIPS,
    AsrCell,
    isomorphism_text,
    parse_cell,
)
from nas_gym.search_spaces.asr_cell.network import Macro, cell_mixture, cell_network
from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.description import SHORTCUT, Description, describe_graph, describe_sketch
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.options import whole
from nas_gym.search_spaces.product import ProductSpace
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import Variable

SKIP, OPERATION = "skip", "operation"
INPUT_CODE, OUTPUT_CODE, NODE_CODE, FIRST_OPERATION = range(4)


class AsrCellSpace(ProductSpace[AsrCell]):
    """Cells of three operations in a row with shortcuts, over signals: 13,824 architectures.

    Cells and operations are those of NAS-Bench-ASR (Mehrotra et al. 2021, "NAS-Bench-ASR: Reproducible
    Neural Architecture Search for Speech Recognition"). Node 0 is the input of the cell. The value of each of
    nodes 1 to 3 is its operation on the value before, plus the values of the earlier nodes that a shortcut
    leads from, that right before among them. An operation is ``linear`` (one layer for each frame),
    ``conv5``, ``conv7``, ``conv5d2`` or ``conv7d2`` (kernels of 5 or 7, d2 with dilation 2, in `groups`
    groups), each with bias and relu, or ``zero``: nothing.

    The skeleton: for each of `channels` a block, of a convolution of kernel 5 and stride 2, relu,
    normalisation, and `cells` cells with a normalisation behind each; then the mean over time and a linear
    layer. The benchmark has four blocks of 3 to 6 cells with 600 to 1,200 channels in 100 groups, layer
    normalisation where here it is batch normalisation, relu cut at 20, and a recurrent layer that writes
    phones where here it is the mean that names one word. So this is its space, not its numbers.

    Of examples that are raw samples, whose task says their rate, the network begins with log-mel frames (40
    ms long, one every 20 ms; see `nas_gym.networks.LogMel`) and a normalisation, so that it takes samples by
    itself when it is exported.

    Text: for each node its operation and the nodes that shortcuts lead from:
    ``"conv5+0 > linear > conv7d2+0+2"``.

    Actions, in order: keep; add (for each node, each operation but zero: allowed where it is zero; for each
    shortcut); remove (each node's operation; each shortcut); swap (for each node, each operation but zero:
    allowed where it has another but zero). Shortcuts are in the order 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.

    Observation: ``choices``, MultiDiscrete of 6 for each operation and 2 for each shortcut, in the order of
    the variables.

    Variables: for each node its operation, and each shortcut that leads to it.

    Members: ``chain`` (three conv5), ``residual`` (these with a shortcut around each) and ``dense`` (with
    all).

    Args:
        input_shape: (bands, frames) or (1, samples) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        channels: channels of each block, multiples of `groups`.
        cells: cells of each block.
        groups: groups of the convolutions in a cell.
        bands: bands of log-mel frames, of raw samples.
        rate: samples a second, of raw samples; None of examples that are frames.

    Raises:
        NASGymError: for a bad option, or an input shape that is not a signal's.
    """

    name = "asr_cell"
    takes = ("rate",)

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        channels: Sequence[int] = (16, 24),
        cells: int = 1,
        groups: int = 4,
        bands: int = 24,
        rate: int | None = None,
    ) -> None:
        if len(input_shape) != 2:
            raise ConfigError(
                f"the asr_cell space needs signals (channels, length), not input shape {tuple(input_shape)}: "
                "use search_space='mlp', which takes any shape"
            )
        if rate is not None and input_shape[0] != 1:
            raise ConfigError(
                f"rate is of raw samples (1, samples), and the input shape is {tuple(input_shape)}: leave it "
                "out"
            )
        self.input_shape, self.outputs = tuple(input_shape), outputs
        groups = whole("groups of the asr_cell space", groups)
        self._macro = Macro(
            self.input_shape,
            outputs,
            _checked_channels(channels, groups),
            whole("cells of the asr_cell space", cells),
            groups,
            whole("bands of the asr_cell space", bands),
            None if rate is None else whole("rate of the asr_cell space", rate),
        )
        self.actions = _list_actions()
        self._nodes = _nodes_of_actions()
        self.set_variables(_list_variables(), "choices")
        self.num_box_codes = FIRST_OPERATION + len(OPERATIONS)
        self.num_link_codes = 2

    def config(self) -> dict[str, Any]:
        macro = self._macro
        found = {
            "name": self.name,
            "channels": list(macro.channels),
            "cells": macro.cells,
            "groups": macro.groups,
            "bands": macro.bands,
        }
        return found if macro.rate is None else {**found, "rate": macro.rate}

    def smallest(self) -> AsrCell:
        return AsrCell(("zero",) * NODES, (False,) * len(SKIPS))

    def parse(self, text: str) -> AsrCell:
        return parse_cell(text)

    def edited(self, architecture: AsrCell, action: int) -> AsrCell | None:
        edit = self.actions[action]
        if edit.kind == "keep":
            return architecture
        adds = edit.kind == "add"
        if edit.aspect == SKIP:
            place = SKIPS.index((edit.place[0] // 2, edit.place[1] // 2))
            if architecture.skips[place] == adds:
                return None
            return AsrCell(architecture.operations, _with(architecture.skips, place, adds))
        place = self._nodes[action] - 1
        after = edit.value or "zero"
        if architecture.operations[place] == after or (architecture.operations[place] == "zero") != adds:
            return None
        return AsrCell(_with(architecture.operations, place, after), architecture.skips)

    def codes(self, architecture: AsrCell) -> Sequence[int]:
        found: list[int] = []
        for node, operation in enumerate(architecture.operations, start=1):
            there = architecture.sources(node)
            found += [OPERATIONS.index(operation), *(int(source in there) for source in range(node))]
        return found

    def of_codes(self, codes: Sequence[int]) -> AsrCell:
        rest = list(codes)
        operations, skips = [], []
        for node in range(1, NODES + 1):
            operations.append(OPERATIONS[rest.pop(0)])
            skips += [bool(rest.pop(0)) for _ in range(node)]
        return AsrCell(tuple(operations), tuple(skips))

    def sketch(self, architecture: AsrCell) -> Sketch:
        """Return a graph with a box for each operation and one for the value of each node."""
        boxes, codes, links = ["input"], [INPUT_CODE], []
        for node, operation in enumerate(architecture.operations, start=1):
            boxes += [operation, f"node {node}" if node < NODES else "output"]
            codes += [
                FIRST_OPERATION + OPERATIONS.index(operation),
                NODE_CODE if node < NODES else OUTPUT_CODE,
            ]
            before, made, value = 2 * node - 2, 2 * node - 1, 2 * node
            links += [(before, made, ""), (made, value, "")]
            links += [(2 * source, value, SKIP) for source in architecture.sources(node)]
        kinds = tuple(code - FIRST_OPERATION if code >= FIRST_OPERATION else None for code in codes)
        link_codes = tuple(int(label == SKIP) for *_, label in links)
        return Sketch(tuple(boxes), tuple(links), tuple(codes), link_codes, kinds)

    def describe(self, architecture: AsrCell) -> Description:
        ways = []
        for node, operation in enumerate(architecture.operations, start=1):
            if operation != "zero":
                ways.append((node - 1, node, IN_WORDS[operation]))
            ways += [(source, node, f"a {SHORTCUT}") for source in architecture.sources(node)]
        words = describe_graph("cell", ("input", "node 1", "node 2", "output"), ways).words
        parts = describe_sketch(self.sketch(architecture)).parts
        named: dict[tuple[int, ...], str] = {
            (2 * node - 1,): IN_WORDS[operation]
            for node, operation in enumerate(architecture.operations, start=1)
        }
        return Description(words, {**parts, **named})

    def drawing(self, architecture: AsrCell) -> Drawing:
        """Return boxes of the operations, to whose results shortcuts add."""
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        for node, operation in enumerate(architecture.operations, start=1):
            shown = (2 * node - 1, 2 * node)
            reads: list[int] | None = [] if operation == "zero" else None
            draft.box(*shown, label=operation, words=IN_WORDS[operation], layer="", reads=reads)
            for source in architecture.sources(node):
                draft.link(source, node, "sum")
        blocks, cells = len(self._macro.channels), self._macro.cells
        front = "log-mel frames; " if self._macro.rate else ""
        often = f"{blocks} times " if blocks > 1 else ""
        made = f"{often}a convolution and {cells} such cell{'s' * (cells > 1)}"
        draft.remark("around the cell", f"{front}{made}; the mean over time; a linear layer")
        return draft.end()

    def value_words(self, variable: Variable, value: str) -> str:
        return IN_WORDS.get(value, value)

    def network(self, architecture: AsrCell) -> Network:
        return cell_network(architecture, self._macro)

    def mixture(self, partial: int = 1) -> Network:
        """Return the network of all cells at once, a mixture for each operation and each shortcut."""
        if partial != 1:
            return super().mixture(partial)
        return cell_mixture(self._macro)

    def members(self) -> dict[str, AsrCell]:
        return {
            "chain": parse_cell("conv5 > conv5 > conv5"),
            "residual": parse_cell("conv5+0 > conv5+1 > conv5+2"),
            "dense": parse_cell("conv5+0 > conv5+0+1 > conv5+0+1+2"),
        }

    def isomorphism_class(self, architecture: AsrCell) -> str:
        return isomorphism_text(architecture)


def _with(values: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _list_variables() -> list[Variable]:
    found = []
    for node in range(1, NODES + 1):
        found.append(Variable.at("node", (node,), OPERATIONS))
        found += [Variable.at(SKIP, (source, node), ("no", "yes")) for source in range(node)]
    return found


def _list_actions() -> tuple[Edit, ...]:
    nodes = range(1, NODES + 1)
    every = [(node, operation) for node in nodes for operation in PRESENT]
    places = [(2 * source, 2 * target) for source, target in SKIPS]
    pairs = list(zip(SKIPS, places, strict=True))
    return (
        KEEP,
        *(
            Edit("add", f"add {operation} to node {node}", OPERATION, (2 * node - 1,), operation)
            for node, operation in every
        ),
        *(Edit("add", f"add skip {i}-{j}", SKIP, place, SKIP) for (i, j), place in pairs),
        *(Edit("remove", f"remove the operation of node {node}", OPERATION) for node in nodes),
        *(Edit("remove", f"remove skip {i}-{j}", SKIP, place) for (i, j), place in pairs),
        *(
            Edit("swap", f"swap node {node} to {operation}", OPERATION, (2 * node - 1,), operation)
            for node, operation in every
        ),
    )


def _checked_channels(channels: Sequence[int], groups: int) -> tuple[int, ...]:
    if not isinstance(channels, list | tuple) or not channels:
        raise ConfigError(
            f"channels of the asr_cell space must be a list with one number a block, not {channels!r}"
        )
    found = tuple(whole("each of the channels of the asr_cell space", value) for value in channels)
    if any(width % groups for width in found):
        raise ConfigError(
            f"channels of the asr_cell space must be multiples of its {groups} groups, not {list(found)}: "
            "choose others, or other groups"
        )
    return found


def _nodes_of_actions() -> tuple[int, ...]:
    """Return the node of each action that edits an operation, of all others 0."""
    each = [node for node in range(1, NODES + 1) for _ in PRESENT]
    others = [0] * len(SKIPS)
    return (0, *each, *others, *range(1, NODES + 1), *others, *each)
