"""Memory of a chunk is zeros, apart from other chunks', and kept for the next one."""

from __future__ import annotations

import math

import pytest
import torch

from nas_gym.training import ChunkTraining, Cost, Keep, Member, Recipe
from nas_gym.training.hardware import memory as training_memory
from nas_gym.training.hardware.memory import KEPT_BYTES, SEGMENT_BYTES, Memory
from tests.helpers.networks import RECIPE, make_data, make_space, random_members, trained
from tests.helpers.operations.every_operation import other_networks
from tests.training.test_invariance import same_bits

CPU = torch.device("cpu")
FLOATS = SEGMENT_BYTES // 4


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_memory, "_kept", training_memory._Kept())


def test_memory_is_zeros_and_no_two_parts_overlap() -> None:
    memory = Memory(CPU)
    parts = [memory.zeros(3, 5), memory.zeros(7), memory.zeros(FLOATS), memory.zeros(2)]
    for number, part in enumerate(parts, start=1):
        assert not part.any()
        part.fill_(number)
    assert [set(part.flatten().tolist()) for part in parts] == [{1.0}, {2.0}, {3.0}, {4.0}]
    assert [tuple(part.shape) for part in parts] == [(3, 5), (7,), (FLOATS,), (2,)]


def test_what_is_given_back_is_used_again_and_zeros_again() -> None:
    one = Memory(CPU)
    first = one.zeros(100)
    first.fill_(float("nan"))
    one.release()
    other, beside = Memory(CPU), Memory(CPU)
    second = other.zeros(100)
    assert second.data_ptr() == first.data_ptr()
    assert not second.any()
    assert beside.zeros(100).data_ptr() != first.data_ptr()


def test_little_is_kept() -> None:
    memory = Memory(CPU)
    for _ in range(2 * KEPT_BYTES // SEGMENT_BYTES):
        memory.zeros(FLOATS)
    memory.zeros(2 * KEPT_BYTES // 4)
    memory.release()
    kept = training_memory._kept._segments
    assert 0 < 4 * sum(map(len, kept)) <= KEPT_BYTES


def test_users_for_one_purpose_share_memory() -> None:
    memory = Memory(CPU)
    memory.need("scratch", 6)
    memory.need("scratch", 20)
    memory.need("scratch", 4)
    one, other = memory.shared("scratch", (4, 5)), memory.shared("scratch", (2, 3))
    assert one.data_ptr() == other.data_ptr()
    assert one.shape == (4, 5)
    assert other.shape == (2, 3)


@pytest.mark.parametrize("name", ["graphs", "recurrent", "tokens"])
def test_a_chunk_knows_what_it_takes_scratch_memory_included(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks, data = other_networks()[name]
    members = [Member(network, 0) for network in networks[:6]]
    taken: list[int] = []
    zeros = Memory.zeros

    def counted(self: Memory, *shape: int) -> torch.Tensor:
        taken.append(4 * math.prod(shape))
        return zeros(self, *shape)

    monkeypatch.setattr(Memory, "zeros", counted)
    needed = ChunkTraining(members, data, RECIPE, Keep()).bytes
    batches = sum(4 * (part.numel() + RECIPE.batch_size) for part in (data.x_train, data.y_train))
    assert needed >= sum(taken) - 12 * batches
    assert ChunkTraining(members, data, RECIPE, Keep(), needed).bytes == needed
    with pytest.raises(MemoryError):
        ChunkTraining(members, data, RECIPE, Keep(), needed - 1)
    assert needed <= 4 * sum(Cost.of(member, RECIPE).bytes for member in members)


def test_a_network_trains_the_same_in_memory_that_another_one_used() -> None:
    space = make_space("conv on images")
    data, recipe = make_data(space.input_shape), Recipe(epochs=1, batch_size=64)
    members = random_members(space, 3)
    expected = [trained([member], data, recipe)[0] for member in members]
    for segment in training_memory._kept._segments:
        segment.fill_(float("nan"))
    assert training_memory._kept._segments
    again = [trained([member], data, recipe)[0] for member in members]
    assert all(same_bits(one, other) for one, other in zip(expected, again, strict=True))
