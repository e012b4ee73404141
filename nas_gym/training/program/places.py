"""Where values lie on a tape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.training.program.tape import Rows, Tape
from nas_gym.training.program.values import Ids


class Places:
    """The row of a block at which each value lies; of a value that is kept several times, each of them.

    Args:
        tape: the tape.
        values: number of values.
        copies: how many times each is kept.
    """

    def __init__(self, tape: Tape, values: int, copies: int = 1) -> None:
        self._tape = tape
        self._blocks, self._rows = (np.full((values, copies), -1, dtype=np.int64) for _ in range(2))

    def put(self, ids: Ids, rows: Rows, copy: Ids | int = 0) -> None:
        """Note that values lie in consecutive rows, in their order, or all in one that is repeated."""
        steps = 0 if rows.repeat else 1
        self.put_at(ids, rows.block.number, rows.start + steps * np.arange(len(ids)), copy)

    def put_at(self, ids: Ids, blocks: Ids | int, rows: Ids, copy: Ids | int = 0) -> None:
        """Note the block, by number, and the row of every value."""
        self._blocks[ids, copy], self._rows[ids, copy] = blocks, rows

    def of(self, ids: Ids, copy: int = 0) -> tuple[Ids, Ids]:
        """Return the block, by number, and the row of every value."""
        return self._blocks[ids, copy], self._rows[ids, copy]

    def size(self, ids: Ids) -> int:
        """Return the floats of a row of values, which are of one size."""
        return self._tape.blocks[int(self._blocks[ids[0], 0])].size

    def gather(self, ids: Ids, copy: int = 0, *, shared: bool = False) -> Rows:
        """Return values as consecutive rows (see `Tape.gather`)."""
        return self._tape.gather(*self.of(ids, copy), shared=shared)

    def gather_all(self, wanted: Sequence[tuple[Ids, int]], *, shared: bool = False) -> list[Rows]:
        """Return several times values of one size, each a copy of them, as `gather` does."""
        return self._tape.gather_all([self.of(ids, copy) for ids, copy in wanted], shared=shared)
