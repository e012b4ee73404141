"""Lists of calls made into one: called in turn, traced, or recorded as a CUDA graph.

Only what stands here differs between devices: the list of a step is the same, see `steps.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from nas_gym.training.hardware.streams import alone
from nas_gym.training.program.fresh import Fresh, Part
from nas_gym.training.program.tape import Kernel
from nas_gym.training.program.tracing import WORTHWHILE_RUNS, traced

GRAPH_RUNS = 4
"""Runs from which a CUDA graph pays: it takes one to warm up and one to record."""


class Recorder(Protocol):
    """Makes one call of a list of calls.

    Attributes:
        worthwhile: runs from which it pays.
        failures: why lists could not be recorded; those are called one by one.
    """

    worthwhile: float
    failures: list[str]

    def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        """Return one call that computes what the calls compute in turn.

        Args:
            calls: over memory that stays where it is, by numbers that stay what they are.
            changed: what the calls change and read again; it is as before when this returns.
        """


def recorder_for(device: torch.device, worthwhile: float = WORTHWHILE_RUNS) -> Recorder:
    """Return the recorder of a device; on the CPU a list is traced from so many runs."""
    if device.type == "cuda":
        return GraphRecorder(device)
    return Tracer(worthwhile if device.type == "cpu" else math.inf)


def one_by_one(calls: Sequence[Kernel]) -> Kernel:
    """Return a call that makes the calls in turn."""
    fixed = tuple(calls)

    def run() -> None:
        for call in fixed:
            call()

    return run


class Tracer:
    """Records calls into one, which runs outside the interpreter's lock."""

    def __init__(self, worthwhile: float) -> None:
        self.worthwhile = worthwhile
        self.failures: list[str] = []

    def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        before = [tensor.clone() for tensor in changed]
        parts = [
            traced(list(part)) if traceable else one_by_one(list(part))
            for traceable, part in itertools.groupby(calls, _is_traceable)
        ]
        _give_back(changed, before)
        return parts[0] if len(parts) == 1 else one_by_one(parts)


def _is_traceable(call: Kernel) -> bool:
    """Return whether a call is one of tensors: tracing loses an optimiser's, of lists, without a word.

    Nor could it follow results from one call to the next that are in no tensor of its arguments.
    """
    bound = call if isinstance(call, partial) else partial(call)
    owner = getattr(bound.func, "__self__", None)
    values = (owner, *bound.args)
    if any(isinstance(value, Fresh | Part) for value in values):
        return False
    return any(isinstance(value, Tensor) for value in values)


class GraphRecorder:
    """Records calls on CUDA as graphs; what libraries take beside a chunk's memory is shared by them."""

    worthwhile: float = GRAPH_RUNS

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self.failures: list[str] = []

    def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        with alone(self._device):
            return self._record(calls, changed)

    def _record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        run = one_by_one(calls)
        before = [tensor.clone() for tensor in changed]
        stream = self._stream()
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            # Libraries choose their kernels and take their memory at the first call.
            run()
            _give_back(changed, before)
        torch.cuda.synchronize(self._device)
        try:
            graph = self._graph(run, stream)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.failures.append(str(error))
            return run
        return _Replay(graph, calls)

    def _stream(self) -> torch.cuda.Stream:
        """The stream of the thread, which owns what libraries keep for it; the default one cannot record."""
        current = torch.cuda.current_stream(self._device)
        is_default = current == torch.cuda.default_stream(self._device)
        return torch.cuda.Stream(self._device) if is_default else current

    def _graph(self, run: Kernel, stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                run()
            except BaseException:
                with suppress(RuntimeError):
                    graph.capture_end()
                raise
            graph.capture_end()
        return graph


class _Replay:
    """A graph, and the calls that hold the memory it computes on."""

    def __init__(self, graph: torch.cuda.CUDAGraph, calls: Sequence[Kernel]) -> None:
        self._graph, self._calls = graph, tuple(calls)

    def __call__(self) -> None:
        self._graph.replay()


def _give_back(changed: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    for tensor, value in zip(changed, before, strict=True):
        tensor.copy_(value)
