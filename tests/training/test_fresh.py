"""Results of a library reach their readers without a copy, and are let go after the last."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from nas_gym.training.program.fresh import Fresh, Part, Source, copy_all, copy_rows, join, taken
from nas_gym.training.program.launches import launches
from nas_gym.training.program.recording import recorder_for
from nas_gym.training.program.tape import VECTOR, Kernel, Rows, Tape
from nas_gym.training.program.values import Ids

ROWS = 4


def ids(*numbers: int) -> Ids:
    return np.array(numbers, dtype=np.int64)


class Recording:
    """A tape with one fresh result, whose rows hold their numbers."""

    def __init__(self) -> None:
        self.tape = Tape(batch=VECTOR)
        self.made, self.fresh = self.tape.fresh(1, ROWS)
        self.tape.add(lambda: [lambda: self.fresh.put(self.numbers())])

    def numbers(self) -> Tensor:
        return torch.arange(float(ROWS))[:, None].repeat(1, VECTOR)

    def reading(self, *reads: Rows) -> Rows:
        """Append an operation that can read fresh results, and adds rows up."""
        total = self.tape.new(1, len(reads[0]))
        self.tape.keep(total)

        def bind(*sources: Source) -> Sequence[Kernel]:
            *given, out = sources
            assert isinstance(out, Tensor)
            return [lambda: out.copy_(sum(map(taken, given)))]

        self.tape.add_reading(bind, reads, total)
        return total

    def copied(self, rows: Rows) -> Rows:
        """Append an operation that reads memory."""
        copy = self.tape.new(1, len(rows))
        self.tape.keep(copy)
        self.tape.add(lambda out, x: [partial(out.copy_, x)], copy, rows)
        return copy

    def run(self, *wanted: Rows) -> list[list[float]]:
        """Run twice, and return the first float of rows."""
        memory = torch.full((self.tape.layout(),), float("nan"))
        self.calls = [kernel for kernels in self.tape.bind(memory) for kernel in kernels]
        for _ in range(2):
            for call in self.calls:
                call()
        return [self.tape.tensor(rows)[:, 0].tolist() for rows in wanted]

    def copies(self) -> int:
        return sum(isinstance(call, partial) and call.func is copy_rows for call in self.calls)


def test_a_result_is_read_where_it_lies() -> None:
    recording = Recording()
    part = recording.reading(recording.made[slice(1, 3)])
    assert recording.run(part) == [[1, 2]]
    assert recording.copies() == 0
    assert recording.tape.layout() == 2 * VECTOR  # the fresh block takes no memory of the tape


def test_what_reads_memory_has_it_copied_once() -> None:
    recording = Recording()
    early = recording.reading(recording.made)
    one, other = recording.copied(recording.made), recording.copied(recording.made[slice(2, 4)])
    late = recording.reading(recording.made)
    assert recording.run(early, one, other, late) == [[0, 1, 2, 3], [0, 1, 2, 3], [2, 3], [0, 1, 2, 3]]
    assert recording.copies() == 1


def test_rows_of_several_results_are_joined_by_one_kernel() -> None:
    recording = Recording()
    doubled = recording.reading(recording.made, recording.made)
    blocks = ids(*[recording.made.block.number] * 3, doubled.block.number)
    gathered = recording.tape.gather(blocks, ids(3, 0, 1, 3))
    assert recording.run(gathered) == [[3, 0, 1, 6]]
    assert recording.copies() == 0
    joins = [call for call in recording.calls if isinstance(call, partial) and call.func is join]
    assert len(joins) == 1


def test_rows_of_memory_are_gathered_together() -> None:
    recording = Recording()
    lying = recording.copied(recording.made)
    blocks = ids(*[lying.block.number] * 2)
    apart, beside, other = recording.tape.gather_all(
        [(blocks, ids(2, 0)), (blocks, ids(1, 2)), (blocks, ids(3, 1))]
    )
    assert beside.block is lying.block
    assert apart.block is other.block
    assert recording.run(apart, beside, other) == [[2, 0], [1, 2], [3, 1]]


def test_a_result_is_let_go_once_it_has_been_read() -> None:
    fresh = Fresh()
    for _ in range(2):
        fresh.reader()
    for _ in range(2):
        value = torch.ones(1)
        alive = weakref.ref(value)
        fresh.put(value)
        del value
        Part(fresh, 0, 1).take()
        assert alive() is not None
        Part(fresh, 0, 1).take()
        assert alive() is None


def test_a_result_that_nobody_reads_is_not_held() -> None:
    fresh, value = Fresh(), torch.ones(1)
    alive = weakref.ref(value)
    fresh.put(value)
    del value
    assert alive() is None


@pytest.mark.parametrize(("count", "kernels"), [(1, 1), (64, 1), (65, 2)])
def test_many_results_are_copied_to_their_targets_at_once(count: int, kernels: int) -> None:
    targets, results = [torch.zeros(2, 3) for _ in range(count)], [Fresh() for _ in range(count)]
    for number, fresh in enumerate(results):
        fresh.reader()
        fresh.put(torch.full((6,), float(number)))
    call = partial(copy_all, targets, results)
    assert launches([call]) == kernels
    call()
    assert all(bool((target == number).all()) for number, target in enumerate(targets))


def test_the_memory_of_results_that_live_at_a_time_is_known() -> None:
    recording = Recording()
    one = recording.reading(recording.made)
    recording.tape.fresh(1, 2 * ROWS)
    recording.tape.add(list)
    recording.run(one)
    assert recording.tape.fresh_floats == 2 * ROWS * VECTOR


def test_a_trace_leaves_fresh_results_alone() -> None:
    """A trace would take them for constants."""
    fresh, out = Fresh(), torch.zeros(3)
    fresh.reader()
    source = iter([1.0, 2.0])
    calls: list[Kernel] = [
        lambda: fresh.put(torch.full((3,), next(source))),
        partial(copy_rows, fresh, out),
        partial(out.mul_, 2.0),
    ]
    call = recorder_for(torch.device("cpu"), 1).record(calls, ())
    call()
    call()
    assert out.tolist() == [4.0] * 3
