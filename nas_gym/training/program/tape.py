"""Recording a computation as operations on slices of memory, laying the memory out, and binding both."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nas_gym.training.program.fresh import Fresh, Part, copy_rows, join
from nas_gym.training.program.values import Ids

Kernel = Callable[[], object]
Binder = Callable[..., Sequence[Kernel]]
Kind = tuple[int, bool]
VECTOR = 32
"""Floats that a vectorised loop of torch takes at once; rows are padded to a multiple of it, since
the rest of a row would run through scalar code whose last bits differ."""

MOST_RUNS = 64
"""Tensors that one kernel of a GPU joins with room to spare (`CAT_ARRAY_BATCH_SIZE` is 128)."""


def padded(floats: int) -> int:
    """Return the length of a row of so many floats."""
    return -(-floats // VECTOR) * VECTOR


@dataclass(eq=False)
class Block:
    """Rows of one size that live together, from the first operation that touches them to the last.

    Rows that were gathered (`copied`) lie apart from all others: torch gathers only between
    memories that do not overlap. What a library computes into memory of its own (`fresh`) is copied here
    before the first operation that reads rows of it; where none does, the block takes no memory.
    """

    size: int
    rows: int
    copied: bool = False
    birth: int = -1
    death: int = -1
    offset: int = -1
    kept: bool = False
    number: int = -1
    fresh: Fresh | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a block; `repeat` stands for one row read as if it were so many."""

    block: Block
    start: int
    stop: int
    repeat: int = 0

    def __len__(self) -> int:
        return self.repeat or self.stop - self.start

    def __getitem__(self, part: slice) -> Rows:
        if self.repeat:
            return Rows(self.block, self.start, self.stop)
        return Rows(self.block, self.start + part.start, self.start + part.stop)


@dataclass
class _Operation:
    bind: Binder
    operands: tuple[Rows, ...]
    gathered: tuple[Ids, Ids] | None = None


@dataclass
class Tape:
    """Operations in order; nothing is computed and no memory is taken before `bind`.

    Attributes:
        batch: examples of a batch, the innermost dimension of every value.
    """

    batch: int
    operations: list[_Operation] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    _lives: dict[int, tuple[int, int]] = field(default_factory=dict)

    def new(self, features: int, rows: int) -> Rows:
        """Memory for `rows` values of so many features for each example."""
        return self.floats(features * self.batch, rows)

    def floats(self, size: int, rows: int) -> Rows:
        """Memory for `rows` rows of at least `size` floats."""
        return self._block(Block(padded(size), rows))

    def _block(self, block: Block) -> Rows:
        block.number = len(self.blocks)
        self.blocks.append(block)
        return Rows(block, 0, block.rows)

    def fresh(self, features: int, rows: int) -> tuple[Rows, Fresh]:
        """Values that a library computes into memory of its own, and where it leaves them, in this order."""
        made = self.new(features, rows)
        made.block.fresh = Fresh()
        self._lives[made.block.number] = (len(self.operations), len(self.operations))
        return made, made.block.fresh

    def part(self, rows: Rows) -> Part | None:
        """Rows as a part of a fresh result, for one operation to read; None where they lie in memory."""
        block = rows.block
        if block.fresh is None or rows.repeat:
            return None
        self._read(block)
        return Part(block.fresh, rows.start, rows.stop)

    def _read(self, block: Block) -> None:
        assert block.fresh is not None
        block.fresh.reader()
        self._lives[block.number] = (self._lives[block.number][0], len(self.operations))

    def add(self, bind: Binder, *operands: Rows) -> None:
        """Append an operation; `bind` gets a tensor (rows, floats) for each operand."""
        self._append(_Operation(bind, operands))

    def add_reading(self, bind: Binder, reads: Sequence[Rows], *operands: Rows) -> None:
        """Append an operation that can read fresh results; `bind` gets a source for each of `reads` first."""
        parts = [self.part(rows) for rows in reads]
        lying = [rows for rows, part in zip(reads, parts, strict=True) if part is None]

        def bound(*tensors: Tensor) -> Sequence[Kernel]:
            given = iter(tensors)
            sources = [next(given) if part is None else part for part in parts]
            return bind(*sources, *given)

        self.add(bound, *lying, *operands)

    def gather(self, blocks: Ids, rows: Ids, *, shared: bool = False) -> Rows:
        """Single rows, each of the block of that number, as consecutive rows, copied where they are not.

        With `shared` the same row many times comes back as a repeated row, to be only read.
        """
        lying = self._lying(blocks, rows, shared)
        return self._copied(blocks, rows) if lying is None else lying

    def gather_all(self, places: Sequence[tuple[Ids, Ids]], *, shared: bool = False) -> list[Rows]:
        """Several times rows of one size, see `gather`; those that must be copied by one operation."""
        found = [self._lying(blocks, rows, shared) for blocks, rows in places]
        apart = [place for place, rows in zip(places, found, strict=True) if rows is None]
        if not apart:
            return [rows for rows in found if rows is not None]
        copied = self._copied(*(np.concatenate(each) for each in zip(*apart, strict=True)))
        ends = itertools.accumulate(len(numbers) for _, numbers in apart)
        parts = (copied[end - len(numbers) : end] for end, (_, numbers) in zip(ends, apart, strict=True))
        return [next(parts) if rows is None else rows for rows in found]

    def _copied(self, blocks: Ids, rows: Ids) -> Rows:
        """Append a copy of single rows, side by side."""
        copied = self._block(Block(self.blocks[blocks[0]].size, len(blocks), copied=True))
        runs = self._runs(blocks, rows) if self._lives else []
        if len(runs) <= MOST_RUNS and any(run.block.fresh is not None for run in runs):
            self.add_reading(lambda *tensors: [partial(join, tensors[:-1], tensors[-1])], runs, copied)
        else:
            self._append(_Operation(_copy_rows, (copied,), (blocks, rows)))
        return copied

    def _runs(self, blocks: Ids, rows: Ids) -> list[Rows]:
        """Single rows as those that lie side by side."""
        goes_on = (blocks[1:] == blocks[:-1]) & (rows[1:] == rows[:-1] + 1)
        starts = [0, *(np.flatnonzero(~goes_on) + 1).tolist()]
        ends = [*starts[1:], len(rows)]
        firsts, counts = rows[starts].tolist(), np.subtract(ends, starts).tolist()
        return [
            Rows(self.blocks[block], first, first + count)
            for block, first, count in zip(blocks[starts].tolist(), firsts, counts, strict=True)
        ]

    def _lying(self, blocks: Ids, rows: Ids, shared: bool) -> Rows | None:
        """Rows that need no copy, as they lie."""
        first, start, count = self.blocks[blocks[0]], int(rows[0]), len(rows)
        if count == 1:
            return Rows(first, start, start + 1)
        if not (blocks == blocks[0]).all():
            return None
        steps = rows[1:] - rows[:-1]
        if (steps == 1).all():
            return Rows(first, start, start + count)
        return Rows(first, start, start + 1, count) if shared and not steps.any() else None

    def scatter_add(self, target: Rows, numbers: Ids, source: Rows) -> None:
        """Add the rows of `source` to the rows `numbers`, all different, of `target`."""

        def bind(target: Tensor, source: Tensor) -> Sequence[Kernel]:
            index = torch.from_numpy(numbers).to(target.device)
            return [partial(target.index_add_, 0, index, source)]

        self.add(bind, target, source)

    def keep(self, rows: Rows) -> None:
        """Give a block memory of its own, as what is written into it from outside needs."""
        rows.block.birth, rows.block.kept = 0, True

    def _append(self, operation: _Operation) -> None:
        touched = [rows.block for rows in operation.operands]
        if operation.gathered is not None:
            touched += [self.blocks[number] for number in np.unique(operation.gathered[0])]
        for block in touched:
            if block.fresh is not None:
                self._settle(block, block.fresh)
        now = len(self.operations)
        for block in touched:
            block.birth = now if block.birth < 0 else block.birth
            block.death = max(block.death, now)
        self.operations.append(operation)

    def _settle(self, block: Block, fresh: Fresh) -> None:
        """Copy a fresh result to its block."""
        self._read(block)
        block.fresh = None
        rows = Rows(block, 0, block.rows)
        self._append(_Operation(lambda rows: [partial(copy_rows, fresh, rows)], (rows,)))

    @property
    def fresh_floats(self) -> int:
        """Most floats that fresh results take at a time."""
        changes = np.zeros(len(self.operations) + 2, dtype=np.int64)
        for number, (made, read) in self._lives.items():
            floats = self.blocks[number].size * self.blocks[number].rows
            changes[made] += floats
            changes[read + 1] -= floats
        return int(changes.cumsum().max())

    def layout(self) -> int:
        """Place every block among the blocks of its row size; returns the floats that all need."""
        for block in self.blocks:
            if block.kept:
                block.death = len(self.operations)
        by_kind: dict[Kind, list[Block]] = defaultdict(list)
        for block in self.blocks:
            if block.fresh is not None:
                continue
            by_kind[_kind(block)].append(block)
        self._heights = {kind: _place(blocks) for kind, blocks in by_kind.items()}
        return sum(size * height for (size, _), height in self._heights.items())

    def bind(self, memory: Tensor) -> list[list[Kernel]]:
        """The kernels of every operation, on memory of as many floats as `layout` returned."""
        pools: dict[Kind, Tensor] = {}
        used = 0
        for (size, copied), height in self._heights.items():
            floats = size * height
            pools[size, copied] = memory[used : used + floats].view(height, size)
            used += floats
        offsets = np.array([block.offset for block in self.blocks], dtype=np.int64)
        kernels: list[list[Kernel]] = []
        for operation in self.operations:
            tensors = [_tensor(pools, rows) for rows in operation.operands]
            if operation.gathered is not None:
                blocks, places = operation.gathered
                pool = pools[_kind(self.blocks[blocks[0]])]
                index = torch.from_numpy(offsets[blocks] + places).to(pool.device)
                tensors = [pool, index, *tensors]
            kernels.append(list(operation.bind(*tensors)))
        self.pools = pools
        return kernels

    def tensor(self, rows: Rows) -> Tensor:
        """The memory of rows, once bound."""
        return _tensor(self.pools, rows)


def _kind(block: Block) -> Kind:
    return block.size, block.copied


def _copy_rows(pool: Tensor, index: Tensor, result: Tensor) -> Sequence[Kernel]:
    return [partial(torch.index_select, pool, 0, index, out=result)]


def _tensor(pools: dict[Kind, Tensor], rows: Rows) -> Tensor:
    start = rows.block.offset + rows.start
    if rows.repeat:
        return pools[_kind(rows.block)][start : start + 1].expand(rows.repeat, -1)
    return pools[_kind(rows.block)][start : start + rows.stop - rows.start]


def _place(blocks: list[Block]) -> int:
    """First fit in order of birth, over the blocks that live at the same time; returns the height."""
    placed: list[Block] = []
    height = 0
    for block in sorted(blocks, key=lambda block: block.birth):
        placed = [other for other in placed if other.death >= block.birth]
        offset = 0
        for other in sorted(placed, key=lambda other: other.offset):
            if other.offset - offset >= block.rows:
                break
            offset = max(offset, other.offset + other.rows)
        block.offset = offset
        placed.append(block)
        height = max(height, offset + block.rows)
    return height
