"""On a GPU: agreement with the CPU, recorded steps, memory, interruption."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from nas_gym.training import ChunkTraining, Keep, Member, Progress, Recipe, TrainingData, train
from nas_gym.training import chunk as chunk_training
from nas_gym.training.program.recording import GraphRecorder, one_by_one
from nas_gym.training.program.tape import Kernel
from tests.helpers.networks import SPACES, make_data, make_space, random_members, trained
from tests.helpers.operations.every_operation import other_networks

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
RECIPE = Recipe(epochs=3, batch_size=64, learning_rate=0.01)


OTHERS = other_networks()


def on_cuda(data: TrainingData) -> TrainingData:
    parts = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    return TrainingData(*(part.cuda() for part in parts), loss=data.loss)


class Unrecorded:
    """Calls lists one by one."""

    worthwhile = float("inf")

    def __init__(self) -> None:
        self.failures: list[str] = []

    def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        return one_by_one(calls)


def test_final_accuracies_are_those_of_the_cpu() -> None:
    """Correlation at least .999 and mean difference at most .001, over 128 perceptrons."""
    space = make_space("mlp")
    data = make_data(space.input_shape, train_size=600, validation_size=1000)
    members = random_members(space, 128)
    recipe = Recipe(epochs=5, batch_size=64, learning_rate=0.01)
    expected = [result.curve[-1] for result in trained(members, data, recipe)]
    found = [result.curve[-1] for result in trained(members, on_cuda(data), recipe)]
    assert statistics.correlation(expected, found) >= 0.999
    assert statistics.mean(abs(a - b) for a, b in zip(expected, found, strict=True)) <= 0.001


@pytest.mark.parametrize("name", SPACES)
def test_first_losses_are_those_of_the_cpu(name: str) -> None:
    """Before rounding has grown; the last batch of 22 has rows that are not dense."""
    space = make_space(name)
    data = make_data(space.input_shape)
    members = random_members(space, 8)
    pairs = zip(trained(members, data, RECIPE), trained(members, on_cuda(data), RECIPE), strict=True)
    for expected, result in pairs:
        assert result.step_losses[:3] == pytest.approx(expected.step_losses[:3], abs=1e-4)


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_operations_give_the_first_losses_of_the_cpu(name: str) -> None:
    networks, data = OTHERS[name]
    members = [Member(network, seed) for network in networks for seed in (0, 1)]
    pairs = zip(trained(members, data, RECIPE), trained(members, on_cuda(data), RECIPE), strict=True)
    for expected, result in pairs:
        assert result.step_losses[:3] == pytest.approx(expected.step_losses[:3], abs=1e-4)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
@pytest.mark.parametrize("name", OTHERS)
def test_the_other_operations_train_in_other_precisions(name: str, precision: str) -> None:
    networks, data = OTHERS[name]
    members = [Member(network, 0) for network in networks]
    recipe = Recipe(epochs=2, batch_size=64, learning_rate=0.01, precision=precision)
    pairs = zip(trained(members, data, RECIPE), trained(members, on_cuda(data), recipe), strict=True)
    for expected, result in pairs:
        assert result.step_losses[0] == pytest.approx(expected.step_losses[0], abs=0.05)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("name", ["mlp", "conv on signals", "cell on images"])
def test_a_recorded_step_computes_what_its_calls_compute(
    name: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space(name)
    data = on_cuda(make_data(space.input_shape))
    recipe = Recipe(epochs=3, batch_size=64, optimizer=optimizer, learning_rate=0.01)
    members = [Member(member.network, number % 2) for number, member in enumerate(random_members(space, 6))]
    recorded = trained(members, data, recipe)
    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: Unrecorded())
    for one, other in zip(recorded, trained(members, data, recipe), strict=True):
        assert one.step_losses[:4] == pytest.approx(other.step_losses[:4], abs=1e-4)
        assert one.curve == pytest.approx(other.curve, abs=0.05)


@pytest.mark.parametrize("name", [*SPACES, *OTHERS])
def test_every_list_of_a_chunk_is_recorded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorders: list[GraphRecorder] = []

    def made(device: torch.device, *_: float) -> GraphRecorder:
        recorders.append(GraphRecorder(device))
        recorders[-1].worthwhile = 1
        return recorders[-1]

    monkeypatch.setattr(chunk_training, "recorder_for", made)
    if name in OTHERS:
        networks, data = OTHERS[name]
        members = [Member(network, 0) for network in networks]
    else:
        space = make_space(name)
        members, data = random_members(space, 4), make_data(space.input_shape)
    trained(members, on_cuda(data), RECIPE)
    assert recorders
    assert [recorder.failures for recorder in recorders] == [[]] * len(recorders)


def test_several_streams_give_the_results_of_one() -> None:
    space = make_space("conv on signals")
    data = on_cuda(make_data(space.input_shape))
    members = random_members(space, 12)
    one = dict(train(members, data, RECIPE, step_losses=True))
    several = dict(train(members, data, RECIPE, step_losses=True, streams=4))
    for position, result in one.items():
        assert several[position].step_losses[:3] == pytest.approx(result.step_losses[:3], abs=1e-3)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_other_precisions_train(precision: str) -> None:
    for name in ("mlp", "conv on signals"):
        space = make_space(name)
        data = on_cuda(make_data(space.input_shape))
        recipe = Recipe(epochs=2, batch_size=64, learning_rate=0.01, precision=precision)
        exact = trained(random_members(space, 4), data, Recipe(**{**recipe.config(), "precision": "float32"}))
        for result, like in zip(trained(random_members(space, 4), data, recipe), exact, strict=True):
            assert result.step_losses[0] == pytest.approx(like.step_losses[0], abs=0.05)


def test_a_budget_of_memory_halves_chunks_and_holds() -> None:
    space = make_space("cell on images")
    data = on_cuda(make_data(space.input_shape))
    members = random_members(space, 8)
    needed = ChunkTraining(members, data, RECIPE, Keep()).bytes
    expected = dict(train(members, data, RECIPE, step_losses=True))
    halved = dict(train(members, data, RECIPE, step_losses=True, memory=needed // 2))
    for position, result in expected.items():
        assert halved[position].step_losses[:3] == pytest.approx(result.step_losses[:3], abs=1e-3)


def test_an_error_of_the_allocator_halves_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card's own error, while a step is recorded."""
    space = make_space("mlp")
    data = on_cuda(make_data(space.input_shape))
    members = random_members(space, 8)
    expected = trained(members, data, RECIPE)
    record, sizes = ChunkTraining._prepare, []

    def scarce(self: ChunkTraining) -> None:
        sizes.append(len(self._members))
        if len(self._members) > 2:
            torch.empty(2**50, dtype=torch.uint8, device="cuda")
        record(self)

    monkeypatch.setattr(ChunkTraining, "_prepare", scarce)
    results = trained(members, data, RECIPE)
    assert sizes[0] == 8
    assert sizes.count(2) == 4
    for one, other in zip(results, expected, strict=True):
        assert one.step_losses[:3] == pytest.approx(other.step_losses[:3], abs=1e-3)


def test_an_interruption_keeps_what_is_finished_and_the_card_goes_on() -> None:
    space = make_space("mlp")
    data = on_cuda(make_data(space.input_shape))
    members = random_members(space, 6)
    short, long = Member(members[0].network, 0, epochs=1), [Member(each.network, 0) for each in members]
    threads, finished = threading.active_count(), []

    def interrupt(progress: Progress) -> None:
        if finished:
            raise KeyboardInterrupt

    def consume() -> None:
        recipe = Recipe(epochs=10_000)
        for position, _ in train([short, *long], data, recipe, streams=2, progress=interrupt):
            finished.append(position)

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert finished == [0]
    assert threading.active_count() == threads
    assert not trained(members, data, RECIPE)[0].error
