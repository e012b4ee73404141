"""How many workers train, of which kind, and on which devices."""

from __future__ import annotations

import multiprocessing
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import Keep, Member, Progress, Recipe, train
from nas_gym.training.hardware import device
from nas_gym.training.workers import base, child, choice, thread
from nas_gym.training.workers.pool import POOL
from tests.helpers.networks import RECIPE, make_data, make_space, random_members, trained
from tests.training.test_invariance import same_bits

SPACE = make_space("mlp")
MEMBERS = random_members(SPACE, 9)
DATA = make_data(SPACE.input_shape)
MUCH = choice.WORTHWHILE_FLOPS
MEMORY = 100 * 2**30


@pytest.fixture(autouse=True)
def _nothing_was_trained_before(monkeypatch: pytest.MonkeyPatch) -> None:
    POOL.close()
    monkeypatch.setattr(choice, "_arithmetic", choice._Arithmetic())


def plan(cores: int, *, flops: int = MUCH, members: int = 100, memory: int = MEMORY) -> choice.Plan:
    return choice.plan_workers([DATA], cores, memory, "auto", members, flops)


def test_one_core_and_little_to_do_are_for_threads_of_which_there_are_at_most_two() -> None:
    for cores, flops, threads in ((1, MUCH, 1), (2, 0, 2), (8, 0, 2)):
        chosen = plan(cores, flops=flops)
        assert (len(chosen.data), chosen.limit, chosen.processes) == (threads, MEMORY // threads, False)


def test_more_cores_are_used_by_processes_that_share_the_memory() -> None:
    chosen = plan(16)
    assert chosen.processes
    assert len(chosen.data) == 16
    assert 16 * (chosen.limit + choice.PROCESS_BYTES) <= MEMORY


def test_only_as_many_processes_are_started_as_fit_into_memory() -> None:
    chosen = plan(16, memory=8 * choice.PROCESS_BYTES)
    assert (chosen.processes, len(chosen.data)) == (True, 4)
    chosen = plan(16, memory=3 * choice.PROCESS_BYTES)
    assert (chosen.processes, len(chosen.data)) == (False, choice.THREADS)


def test_processes_wait_until_enough_was_asked_for_and_one_network_needs_none() -> None:
    assert not plan(8, flops=MUCH // 2).processes
    assert not plan(8, members=1).processes
    assert plan(8, flops=MUCH // 2).processes


def test_processes_of_a_pool_and_those_that_train_start_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SERVING", True)
    assert not plan(8).processes
    monkeypatch.setattr(child, "SERVING", False)
    assert plan(8).processes
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a pool")
    assert not plan(8).processes


def test_without_room_for_the_data_threads_train(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(POOL, "share", full)
    workers = plan(4).workers(RECIPE, Keep(), 4)
    assert [type(worker) for worker in workers] == [thread.ThreadWorker] * 4


def test_several_devices_share_the_members_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretended by several copies of the data on the CPU."""
    copies = [make_data(SPACE.input_shape) for _ in range(3)]
    used: list[int] = []
    train_chunk = base.train_chunk

    def noted(members, job, on_epoch, stop):  # type: ignore[no-untyped-def]
        used.append(next(number for number, copy in enumerate(copies) if copy is job.data))
        return train_chunk(members, job, on_epoch, stop)

    expected = trained(MEMBERS, DATA)
    monkeypatch.setattr(thread, "train_chunk", noted)
    results = trained(MEMBERS, copies, memory=10**6)  # type: ignore[arg-type]
    assert set(used) == {0, 1, 2}
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


def test_an_interruption_on_several_devices_keeps_what_is_finished() -> None:
    """Pretended as above; what still trains on the other devices stops at its next step."""
    copies = [make_data(SPACE.input_shape) for _ in range(3)]
    members = [Member(MEMBERS[0].network, 0, epochs=1), *MEMBERS[1:3]]
    threads, finished = threading.active_count(), []

    def interrupt(progress: Progress) -> None:
        if finished:
            raise KeyboardInterrupt

    def consume() -> None:
        for position, _ in train(members, copies, Recipe(epochs=10_000), progress=interrupt):
            finished.append(position)

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert finished == [0]
    assert threading.active_count() == threads


def test_each_device_has_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {torch.device("cuda", 0): 2000, torch.device("cuda", 1): 1000}
    monkeypatch.setattr(choice, "available_bytes", free.__getitem__)
    copies: list[Any] = [SimpleNamespace(x_train=SimpleNamespace(device=card)) for card in free]
    chosen = choice.plan_workers(copies, None, None, "auto", 10, MUCH)
    assert (len(chosen.data), chosen.limit, chosen.budget) == (2, 500, 1000)


def test_cuda_is_every_visible_card_and_an_index_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    cards = [torch.device("cuda", index) for index in range(3)]
    assert device.devices_of(torch.device("cuda")) == cards
    assert device.devices_of(torch.device("cuda:1")) == cards[1:2]
    assert device.devices_of(torch.device("cpu")) == [torch.device("cpu")]


def test_an_evaluator_holds_its_data_on_every_device(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task({"name": "digits", "train_size": 120})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    requests = [Request(space.parse("relu-16"), seed) for seed in range(4)]

    def evaluated() -> tuple[int, list[float]]:
        evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 2})
        return len(evaluator._data_of(0)), [evaluation.score for evaluation in evaluator.evaluate(requests)]

    one, scores = evaluated()
    monkeypatch.setattr(device, "devices_of", lambda one: [one] * 3)
    assert one == 1
    assert evaluated() == (3, scores)
