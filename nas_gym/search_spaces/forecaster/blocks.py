"""What the blocks of a forecaster compute."""

from __future__ import annotations

from dataclasses import dataclass

from nas_gym.networks import Network, NetworkBuilder, Shape

Block = tuple[str, int]
"""Kind and size; the size of `linear` is 0."""
KINDS = ("linear", "average", "perceptron", "generic", "trend", "season", "causal", "gru")
TAKES_OFF = ("average", "generic", "trend", "season")
"""Kinds that take off the window what they understood; behind the others it is what it was."""
POWERS = 3
"""Functions of a trend: a level, a slope, a bend."""
MOST_WAVES = 4
KERNEL, MOST_CONVOLUTIONS = 3, 6
IN_WORDS = {
    "linear": "a linear map",
    "average": "a linear map of the moving average of {} steps, which is taken off",
    "perceptron": "a perceptron of {} units",
    "generic": "an N-BEATS block of {} units",
    "trend": "an N-BEATS trend block of {} units",
    "season": "an N-BEATS season block of {} units",
    "causal": "causal convolutions of {} channels",
    "gru": "a gated recurrent layer of {} units",
}


@dataclass(frozen=True)
class Frame:
    """What a network is built for.

    Attributes:
        input_shape: (channels, steps) of an example.
        outputs: numbers to answer, those of a series one after another.
        horizon: steps that are forecast.
        season: steps of a season.
    """

    input_shape: Shape
    outputs: int
    horizon: int
    season: int


def block_text(block: Block) -> str:
    """Return the text of a block: ``"trend-16"``."""
    kind, size = block
    return f"{kind}-{size}" if size else kind


def block_words(block: Block) -> str:
    """Return a block in words."""
    return IN_WORDS[block[0]].format(block[1])


def build_network(frame: Frame, blocks: tuple[Block, ...]) -> Network:
    """Return the network of blocks, each of which reads what the blocks before it left of the window.

    The forecast is the sum of those of all blocks.
    """
    builder = NetworkBuilder(frame.input_shape)
    parts, left = [], builder.input
    for number, block in enumerate(blocks, start=1):
        made = _Made(builder, frame, f"{number} {block_text(block)}", left, number < len(blocks))
        parts.append(getattr(made, block[0])(block[1]))
        left = made.left
    return builder.build(builder.add(*parts, layer="output"))


class _Made:
    """A block on its way into a network; each kind is a method that returns the node of its forecast.

    Attributes:
        left: the node of what the block leaves of the window.
    """

    def __init__(
        self, builder: NetworkBuilder, frame: Frame, layer: str, window: int, followed: bool
    ) -> None:
        self._builder, self._frame, self._layer = builder, frame, layer
        self._window, self._followed = window, followed
        self.left = window

    def linear(self, _size: int) -> int:
        return self._forecast(self._window)

    def average(self, kernel: int) -> int:
        builder = self._builder
        mean = builder.moving_average(self._window, kernel, layer=self._layer)
        if self._followed:
            self.left = builder.moving_average(self._window, kernel, remainder=True, layer=self._layer)
        return self._forecast(mean)

    def perceptron(self, width: int) -> int:
        return self._forecast(self._hidden(width))

    def generic(self, width: int) -> int:
        builder, (channels, steps) = self._builder, self._frame.input_shape
        hidden = self._hidden(width)
        if self._followed:
            row = builder.linear(hidden, channels * steps, layer=self._layer)
            self._take(builder.as_signal(row, channels, layer=self._layer))
        return self._forecast(hidden)

    def trend(self, width: int) -> int:
        return self._by_basis(width, "trend", POWERS, 1)

    def season(self, width: int) -> int:
        period = self._frame.season if self._frame.season > 1 else self._frame.input_shape[1]
        return self._by_basis(width, "season", 2 * max(1, min(MOST_WAVES, period // 2)), period)

    def causal(self, channels: int) -> int:
        builder, layer = self._builder, self._layer
        node = self._window
        for number in range(MOST_CONVOLUTIONS):
            if number and builder.shape(node)[1] == 1:
                break
            # Only the last step is read in the end: of a dilation that doubles, half of the steps are enough.
            conv = builder.causal_conv(node, channels, KERNEL, stride=2, layer=layer)
            inside = builder.activation(conv, "relu", layer=layer)
            if number:
                shortcut = builder.causal_conv(node, channels, 1, stride=2, layer=layer)
                inside = builder.add(inside, shortcut, layer=layer)
            node = inside
        steps = builder.shape(node)[1]
        last = [channel * steps + steps - 1 for channel in range(channels)]
        row = builder.flatten(node, layer=layer)
        return self._forecast(builder.select(row, last, layer=layer))

    def gru(self, units: int) -> int:
        state = self._builder.recurrent(self._window, "gru", units, last=True, layer=self._layer)
        return self._forecast(state)

    def _by_basis(self, width: int, of: str, functions: int, period: int) -> int:
        builder, frame, layer = self._builder, self._frame, self._layer
        hidden = self._hidden(width)
        if self._followed:
            channels, steps = frame.input_shape
            weights = builder.linear(hidden, channels * functions, layer=layer)
            self._take(builder.basis(weights, of, channels, steps, period=period, layer=layer))
        series = frame.outputs // frame.horizon
        weights = builder.linear(hidden, series * functions, layer=layer)
        found = builder.basis(weights, of, series, frame.horizon, period=period, layer=layer)
        return builder.flatten(found, layer=layer)

    def _hidden(self, width: int) -> int:
        builder, layer = self._builder, self._layer
        node = builder.flatten(self._window, layer=layer)
        for _ in range(2):
            node = builder.activation(builder.linear(node, width, layer=layer), "relu", layer=layer)
        return node

    def _take(self, part: int) -> None:
        """Take a part off the window; its sign is learned."""
        self.left = self._builder.add(self._window, part, layer=self._layer)

    def _forecast(self, node: int) -> int:
        row = self._builder.flatten(node, layer=self._layer)
        return self._builder.linear(row, self._frame.outputs, layer=self._layer)
