"""Several troubles of one file, told together, so that they can be mended at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nas_gym.errors import ConfigError, DataError, NASGymError

SHOWN = 8


class Troubles:
    """What is wrong with a file and its options, gathered until nothing more can be looked at.

    Args:
        source: what the file is called.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[NASGymError] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep what is refused within for `check`."""
        try:
            yield
        except NASGymError as error:
            self._found.append(error)

    def check(self) -> None:
        """Refuse what was gathered, if anything was.

        Raises:
            NASGymError: one trouble as it is, several in one sentence.
        """
        if not self._found:
            return
        if len(self._found) == 1:
            raise self._found[0]
        more = f"; and {len(self._found) - SHOWN} more" if len(self._found) > SHOWN else ""
        told = "; ".join(map(str, self._found[:SHOWN]))
        kind = ConfigError if all(isinstance(one, ConfigError) for one in self._found) else DataError
        raise kind(f"{self._source} has {len(self._found)} troubles: {told}{more}")
