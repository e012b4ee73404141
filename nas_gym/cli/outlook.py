"""What a search would still gain, estimated from the run so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

LEAST_NETWORKS = 8
"""Networks before anything is estimated."""
WITHIN = 1.96


@dataclass
class Outlook:
    """The course of the best score over the networks of a run, and what it says of more of them.

    It is supposed that the best goes on to grow with the logarithm of the number of networks, as it did
    in the second half of the run: so grows the best of independent draws whose tail is exponential. Where
    scores have a ceiling near, less than that is gained.

    Attributes:
        course: number of networks and the best score, each time that this had become higher, in order.
        networks: networks so far.
    """

    course: list[tuple[float, float]] = field(default_factory=list)
    networks: float = 0.0

    def see(self, networks: float, best: float | None) -> None:
        """Note how many networks there are and the best score of them."""
        self.networks = max(self.networks, networks)
        if best is not None and (not self.course or best > self.course[-1][1]):
            self.course.append((networks, best))

    def gain(self, more: float) -> tuple[float, float]:
        """Return the gain that so many more networks are expected to bring, and its standard error.

        The steps of the second half are a compound Poisson process in the logarithm of the number of
        networks.
        """
        half = self.networks / 2
        steps = [
            best - before
            for (_, before), (networks, best) in zip(self.course[:-1], self.course[1:], strict=True)
            if networks > half
        ]
        ahead = math.log1p(more / self.networks) / math.log(2)
        return ahead * math.fsum(steps), ahead * math.sqrt(math.fsum(step * step for step in steps))

    def words(self, seconds: float) -> str:
        """Return what a further minute would gain, in words; "" while there are too few networks to say it.

        Args:
            seconds: time that the networks so far have taken.
        """
        if self.networks < LEAST_NETWORKS or seconds <= 0 or not self.course:
            return ""
        more = 60 * self.networks / seconds
        gain, error = self.gain(more)
        if gain == 0:
            return f"no gain in the last {self.networks - self.course[-1][0]:.0f} networks"
        low, high = max(0.0, gain - WITHIN * error), gain + WITHIN * error
        return f"a further minute is expected to gain {gain:.4f} ({low:.4f} to {high:.4f})"
