"""Where the taps of a convolution or pooling window fall, side by side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tap:
    """One offset of a window along one side: output positions and the input positions they read.

    Attributes:
        start, stop: the range of output positions for which the tap falls inside the input.
        first: the input position that output position `start` reads.
        stride: the step between input positions.
        number: the place of the tap in the kernel.
    """

    start: int
    stop: int
    first: int
    stride: int
    number: int

    @property
    def outputs(self) -> slice:
        """The output positions."""
        return slice(self.start, self.stop)

    @property
    def inputs(self) -> slice:
        """The input positions, one for each output position."""
        last = self.first + (self.stop - self.start - 1) * self.stride
        return slice(self.first, last + 1, self.stride)


def taps(side: int, out: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> tuple[Tap, ...]:
    """The taps of a window along a side of `side` positions that reach at least one of them."""
    found = []
    for number in range(kernel):
        inside = [o for o in range(out) if 0 <= o * stride - padding + number * dilation < side]
        if inside:
            first = inside[0] * stride - padding + number * dilation
            found.append(Tap(inside[0], inside[-1] + 1, first, stride, number))
    return tuple(found)
