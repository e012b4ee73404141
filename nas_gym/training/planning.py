"""Which members train together: like next to like, within a byte budget, evenly over the cores."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nas_gym.training.kernels.registry import is_fusible
from nas_gym.training.members import Member
from nas_gym.training.recipe import Recipe

CACHE_BYTES = 16 * 2**20
"""Memory of a chunk beyond which larger chunks measured no faster: a core's share of the last cache."""
CUDA_BYTES = 8 * 2**30
"""Likewise on a GPU, where 4,680 perceptrons in one chunk took less a network than 256 (on an H100). A bound,
not a measured best: beyond it arrays take indices of 64 bits."""
COPIES = 1.5
"""Measured floats per float of all values: some share memory, gradients and scratch come on top."""
VALUE_FLOPS = 10
"""Measured FLOPs that moving a value through memory takes as long as."""
SLACK = 1.2
"""Chunks are planned this much below the limit, since parts of even work differ in bytes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What training a member takes: work in FLOPs (of one example, times epochs), bytes, and epochs."""

    work: int
    bytes: int
    epochs: int

    @classmethod
    def of(cls, member: Member, recipe: Recipe) -> Cost:
        """The cost of a member; the bytes are an estimate, checked once a chunk is laid out."""
        values = sum(math.prod(node.shape) for node in member.network.nodes)
        held = sum(node.operation.held(node) for node in member.network.nodes)
        floats = round(COPIES * held * recipe.batch_size) + 4 * member.network.parameters
        epochs = member.epochs or recipe.epochs
        return cls((member.network.flops + VALUE_FLOPS * values) * epochs, 4 * floats, epochs)


def plan_chunks(
    members: Sequence[Member],
    costs: Sequence[Cost],
    budget: int,
    workers: int,
    widest: int | None = None,
) -> list[list[int]]:
    """Return positions of members by chunk, the most expensive chunk first.

    Members of a chunk have the same number of epochs. A member with an operation that has no kernels
    is a chunk of its own.

    Args:
        members: what to train.
        costs: cost of each member.
        budget: bytes that all chunks that train at the same time may take.
        workers: chunks that train at the same time.
        widest: bytes beyond which a chunk is no faster; None for those of a CPU.
    """
    limit = max(1, min(CACHE_BYTES if widest is None else widest, budget // workers))
    by_epochs: dict[int, list[int]] = defaultdict(list)
    chunks: list[list[int]] = []
    for m, cost in enumerate(costs):
        if is_fusible(members[m].network):
            by_epochs[cost.epochs].append(m)
        else:
            chunks.append([m])
    for group in by_epochs.values():
        total = sum(costs[m].bytes for m in group)
        # A multiple of the number of workers, so that none is left with more than the others.
        wanted = -(-math.ceil(SLACK * total / limit) // workers) * workers
        alike = sorted(group, key=lambda m: (_shape(members[m]), m))
        for chunk in _split(alike, costs, min(wanted, len(group))):
            chunks += _within(chunk, costs, limit)
    return sorted(chunks, key=lambda chunk: -sum(costs[m].work for m in chunk))


def widest_chunk(device: torch.device) -> int:
    """Return the bytes beyond which a chunk is no faster on a device."""
    return CUDA_BYTES if device.type == "cuda" else CACHE_BYTES


def _split(group: list[int], costs: Sequence[Cost], parts: int) -> list[list[int]]:
    """Cut a list into parts of about equal work, none empty."""
    total = sum(costs[m].work for m in group)
    chunks: list[list[int]] = [[]]
    spent = 0
    for place, m in enumerate(group):
        left = parts - len(chunks)
        full = spent + costs[m].work / 2 > total * len(chunks) / parts
        if chunks[-1] and left and (full or len(group) - place <= left):
            chunks.append([])
        chunks[-1].append(m)
        spent += costs[m].work
    return chunks


def _within(chunk: list[int], costs: Sequence[Cost], limit: int) -> list[list[int]]:
    """Halve a chunk until each part takes at most `limit` bytes or is one member."""
    if len(chunk) == 1 or sum(costs[m].bytes for m in chunk) <= limit:
        return [chunk]
    half = len(chunk) // 2
    return _within(chunk[:half], costs, limit) + _within(chunk[half:], costs, limit)


def _shape(member: Member) -> tuple[tuple[object, ...], ...]:
    """What makes two networks share kernels: the shapes along their nodes, then the operations."""
    nodes = [node for node in member.network.nodes if node.parameter_shapes]
    return tuple((node.operation.name, node.shape, node.kernel) for node in nodes)


def available_bytes(device: torch.device) -> int:
    """Free memory of a device, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        return free * 1024
    except (OSError, StopIteration):
        return _physical_bytes() // 2


def _physical_bytes() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 4 * 2**30
