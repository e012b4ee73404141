"""The space of forecasters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.base import KEEP, SearchSpace
from nas_gym.search_spaces.chain import ChainNumbering, chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.forecaster.blocks import (
    KINDS,
    TAKES_OFF,
    Block,
    Frame,
    block_text,
    block_words,
    build_network,
)
from nas_gym.search_spaces.options import names, whole, wholes
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.variables import Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces

MEMBERS: dict[str, tuple[Block, ...]] = {
    "linear": (("linear", 0),),
    "dlinear": (("average", 25), ("linear", 0)),
    "perceptron": (("perceptron", 64),),
    "nbeats": (("trend", 64), ("season", 64)),
    "nbeats_generic": (("generic", 64), ("generic", 64)),
    "tcn": (("causal", 8),),
    "gru": (("gru", 8),),
}


@dataclass(frozen=True, slots=True)
class Forecaster:
    """A chain of blocks; each reads what those before it left of the window."""

    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        return " > ".join(map(block_text, self.blocks))


class ForecasterSpace(SearchSpace[Forecaster]):
    """Chains of 1 to `max_layers` blocks that forecast what comes after a window.

    Each block reads the window, of which the blocks before it have taken off what they understood, and adds
    its forecast to theirs, as in N-BEATS (Oreshkin et al. 2020). A block is one of

    - ``linear``: a linear map of all steps to all answers;
    - ``average-25``: a linear map of the moving average of so many steps, which is taken off. With ``linear``
      behind it, it is DLinear (Zeng et al. 2023);
    - ``perceptron-64``: two hidden layers of that width with relu;
    - ``generic-64``, ``trend-64``, ``season-64``: blocks of N-BEATS, two hidden layers of that width, from
      which come the weights of what is taken off and of the forecast: of each step by itself, of a parabola,
      or of up to four waves of a season (where there is none, of the window);
    - ``causal-8``: a temporal convolutional network (Bai et al. 2018): causal convolutions of kernel 3 and so
      many channels, whose dilation doubles until they reach over the window (at most 6 of them), with relu
      and shortcuts by convolutions of kernel 1; the last step goes through a linear map. Steps that do not
      reach the last one are not computed, so that the dilation is a stride of 2;
    - ``gru-8``: a gated recurrent layer (Cho et al. 2014) of so many units that reads the window step by
      step; its last state goes through a linear map.

    Only the average and the blocks of N-BEATS take something off. Where the task is one of series, networks
    answer changes from the seasonal naive forecast, see `nas_gym.tasks.Forecast`.

    Text: ``"average-25 > linear"``. Members: linear, dlinear, perceptron, nbeats, nbeats_generic, tcn,
    gru.

    Actions, in order: keep; add a block (for each gap, each choice); remove a block; swap a block.

    Observation: ``blocks``, MultiDiscrete([1 + choices] * max_layers), 0 = none.

    Args:
        input_shape: (channels, steps) of one example.
        outputs: number of values that a network gives for one example.
        horizon: steps that are forecast of each series; all outputs are of one where this is None, or they
            are no multiple of it. The task knows it, as it does the next.
        season: steps of a season; 1 for none.
        max_layers: most blocks.
        kinds: the kinds of blocks to choose from.
        kernels: the windows of moving averages to choose from, odd numbers.
        widths: the widths of perceptrons and N-BEATS blocks to choose from.
        channels: the channels of causal convolutions to choose from.
        units: the units of recurrent layers to choose from.

    Raises:
        NASGymError: for a bad option, or examples that are no signals.
    """

    name = "forecaster"
    takes = ("horizon", "season")

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        horizon: int | None = None,
        season: int = 1,
        max_layers: int = 4,
        kinds: Sequence[str] = KINDS,
        kernels: Sequence[int] = (5, 25),
        widths: Sequence[int] = (16, 64),
        channels: Sequence[int] = (4, 8),
        units: Sequence[int] = (8,),
    ) -> None:
        self.input_shape, self.outputs = _signal(input_shape), outputs
        self.horizon = None if horizon is None else whole("horizon of the forecaster space", horizon)
        self.season = whole("season of the forecaster space", season)
        self.max_layers = whole("max_layers of the forecaster space", max_layers)
        self.kinds = names(
            "kinds of the forecaster space", "kind of block in the forecaster space", kinds, KINDS
        )
        self.kernels = wholes("kernels of the forecaster space", kernels)
        if even := [kernel for kernel in self.kernels if kernel % 2 == 0]:
            raise ConfigError(f"kernels of the forecaster space must be odd numbers, not {even[0]}")
        self.widths = wholes("widths of the forecaster space", widths)
        self.channels = wholes("channels of the forecaster space", channels)
        self.units = wholes("units of the forecaster space", units)
        sizes = {
            "linear": (0,),
            "average": self.kernels,
            "causal": self.channels,
            "gru": self.units,
        }
        self.choices: tuple[Block, ...] = tuple(
            (kind, size) for kind in self.kinds for size in sizes.get(kind, self.widths)
        )
        self._by_text = {block_text(choice): choice for choice in self.choices}
        self._numbers = {choice: number for number, choice in enumerate(self.choices)}
        aspects = {"block": tuple(self._by_text)}
        self.actions = (KEEP, *chain_edits(self.max_layers, tuple(self._by_text), aspects))
        self._numbering = ChainNumbering(self.choices, self.max_layers)
        self.size = self._numbering.size
        self.variables = by_name(chain_variables(self.max_layers, aspects))
        self.num_box_codes, self.num_link_codes = 2 + len(self.choices), 1

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        nvec = [1 + len(self.choices)] * self.max_layers
        return spaces.Dict({"blocks": spaces.MultiDiscrete(nvec)})

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "horizon": self.horizon,
            "season": self.season,
            "max_layers": self.max_layers,
            "kinds": list(self.kinds),
            "kernels": list(self.kernels),
            "widths": list(self.widths),
            "channels": list(self.channels),
            "units": list(self.units),
        }

    def smallest(self) -> Forecaster:
        return Forecaster((self.choices[0],))

    def members(self) -> dict[str, Forecaster]:
        return {
            name: Forecaster(blocks)
            for name, blocks in MEMBERS.items()
            if len(blocks) <= self.max_layers and all(block in self._numbers for block in blocks)
        }

    def parse(self, text: str) -> Forecaster:
        parts = [part.strip() for part in text.split(">")]
        for part in parts:
            if part not in self._by_text:
                raise ConfigError(
                    f"architecture {text!r} has no valid block {part!r}: write blocks joined by ' > ', each "
                    f"of: {', '.join(self._by_text)}"
                )
        if len(parts) > self.max_layers:
            raise ConfigError(
                f"architecture {text!r} has {len(parts)} blocks, the forecaster space at most "
                f"{self.max_layers}: remove blocks or raise max_layers"
            )
        return Forecaster(tuple(self._by_text[part] for part in parts))

    def edited(self, architecture: Forecaster, action: int) -> Forecaster | None:
        edit, blocks = self.actions[action], architecture.blocks
        if edit.kind == "keep":
            return architecture
        if edit.kind == "remove":
            place = edit.place[0]
            if len(blocks) == 1 or place >= len(blocks):
                return None
            return Forecaster((*blocks[:place], *blocks[place + 1 :]))
        place, block = edit.place[0] - 1, self._by_text[edit.value]
        if edit.kind == "add":
            if len(blocks) == self.max_layers or place > len(blocks):
                return None
            return Forecaster((*blocks[:place], block, *blocks[place:]))
        if place >= len(blocks) or blocks[place] == block:
            return None
        return Forecaster((*blocks[:place], block, *blocks[place + 1 :]))

    def index(self, architecture: Forecaster) -> int:
        return self._numbering.number(architecture.blocks)

    def architecture(self, index: int) -> Forecaster:
        return Forecaster(self._numbering.layers(index))

    def encode(self, architecture: Forecaster) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values["depth"] = len(architecture.blocks) - 1
        for number, block in enumerate(architecture.blocks, start=1):
            values[self._variable(number)] = self._numbers[block]
        return values

    def decode(self, values: Mapping[str, int]) -> Forecaster:
        """Return the architecture of an assignment; variables of blocks beyond the depth are ignored."""
        numbers = range(1, values["depth"] + 2)
        return Forecaster(tuple(self.choices[values[self._variable(number)]] for number in numbers))

    def active_variables(self, architecture: Forecaster) -> frozenset[str]:
        """Return the depth and the variables of the blocks up to it."""
        numbers = range(1, len(architecture.blocks) + 1)
        return frozenset({"depth", *map(self._variable, numbers)})

    def observe(self, architecture: Forecaster) -> dict[str, np.ndarray]:
        blocks = np.zeros(self.max_layers, dtype=np.int64)
        blocks[: len(architecture.blocks)] = [1 + self._numbers[block] for block in architecture.blocks]
        return {"blocks": blocks}

    def sketch(self, architecture: Forecaster) -> Sketch:
        labels = tuple(map(block_text, architecture.blocks))
        codes = tuple(2 + self._numbers[block] for block in architecture.blocks)
        links = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        kinds = (None, *(self.kinds.index(kind) for kind, _ in architecture.blocks), None)
        boxes, layers = ("input", *labels, "output"), numbered_layers(labels)
        return Sketch(boxes, links, (0, *codes, 1), (0,) * len(links), kinds, layers)

    def describe(self, architecture: Forecaster) -> Description:
        return describe_chain(list(map(block_words, architecture.blocks)))

    def drawing(self, architecture: Forecaster) -> Drawing:
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        window, made = 0, []
        for number, (kind, _) in enumerate(architecture.blocks, start=1):
            block = draft.box(number, reads=[])
            draft.link(window, block, "rest" if window else "")
            window = block if kind in TAKES_OFF else window
            made.append(block)
        return draft.end(made, "forecast")

    def value_words(self, variable: Variable, value: str) -> str:
        block = self._by_text.get(value) if variable.aspect == "block" else None
        return super().value_words(variable, value) if block is None else block_words(block)

    def least_edits(self, one: Forecaster, goal: Forecaster) -> int:
        return layer_distance(one.blocks, goal.blocks, lambda here, there: int(here != there))

    def edit_distance(self, one: Forecaster, other: Forecaster, most: int) -> int:
        # The order of edits that keeps the depth in range always exists: remove, swap, then add.
        return min(self.least_edits(one, other), most + 1)

    def network(self, architecture: Forecaster) -> Network:
        horizon = self.outputs if self.horizon is None or self.outputs % self.horizon else self.horizon
        frame = Frame(self.input_shape, self.outputs, horizon, self.season)
        return build_network(frame, architecture.blocks)

    @staticmethod
    def _variable(number: int) -> str:
        return f"layer {number} block"


def _signal(input_shape: Shape) -> Shape:
    if len(input_shape) != 2:
        raise ConfigError(
            f"the forecaster space needs windows of series, signals (channels, steps), not input shape "
            f"{tuple(input_shape)}: use search_space='mlp', which takes any shape"
        )
    return tuple(input_shape)
