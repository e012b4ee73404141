"""Chunks, memory, progress, interruption and faults of the engine."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkBuilder
from nas_gym.training import ChunkTraining, Cost, Keep, Member, Progress, Recipe, plan_chunks, train
from nas_gym.training.program.grouping import schedule
from nas_gym.training.program.reduced_graph import graph_of
from nas_gym.training.program.values import Values
from tests.helpers.networks import RECIPE, SPACES, make_data, make_space, random_members, trained


@pytest.mark.parametrize("budget", [1, 2**20, 2**24, 2**34])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_plan_holds_every_member_once_within_the_budget(budget: int, workers: int) -> None:
    members = random_members(make_space("mlp"), 50)
    members += [Member(member.network, 0, epochs=1) for member in members[:7]]
    recipe = Recipe(epochs=2, batch_size=64)
    costs = [Cost.of(member, recipe) for member in members]
    chunks = plan_chunks(members, costs, budget, workers)
    assert sorted(m for chunk in chunks for m in chunk) == list(range(len(members)))
    for chunk in chunks:
        assert len(chunk) == 1 or sum(costs[m].bytes for m in chunk) <= budget / workers
        assert len({costs[m].epochs for m in chunk}) == 1


@pytest.mark.parametrize("name", SPACES)
def test_a_member_is_scheduled_in_order_with_every_computed_node_once(name: str) -> None:
    networks = [member.network for member in random_members(make_space(name), 12)]
    graphs = [graph_of(network) for network in networks]
    values = Values(networks)
    seen: set[int] = set()
    for group in schedule(values):
        for sources, _ in group.sources:
            assert seen.issuperset(sources.tolist())
        assert seen.isdisjoint(group.ids.tolist())
        seen.update(group.ids.tolist())
    assert seen == set(range(len(values)))
    computed = zip(values.members.tolist(), values.numbers.tolist(), strict=True)
    assert sorted(computed) == [(m, number) for m, graph in enumerate(graphs) for number in graph.nodes]


def test_members_of_like_architecture_share_kernels() -> None:
    """The kernels of a step grow far more slowly than the members."""
    space = make_space("mlp")
    data = make_data(space.input_shape)

    def kernels(count: int) -> int:
        training = ChunkTraining(random_members(space, count), data, RECIPE, Keep())
        return len(training._train[64].kernels)

    assert kernels(64) < 8 * kernels(1)


def test_a_chunk_over_its_limit_is_refused_before_memory_is_taken() -> None:
    space = make_space("cell on images")
    members = random_members(space, 4)
    data = make_data(space.input_shape)
    needed = ChunkTraining(members, data, RECIPE, Keep()).bytes
    ChunkTraining(members, data, RECIPE, Keep(), limit=needed)
    with pytest.raises(MemoryError):
        ChunkTraining(members, data, RECIPE, Keep(), limit=needed - 1)


def test_out_of_memory_halves_the_chunk_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    space = make_space("mlp")
    data = make_data(space.input_shape)
    members = random_members(space, 8)
    expected = trained(members, data)
    run, sizes = ChunkTraining.run, []

    def scarce(self: ChunkTraining, *arguments: object) -> object:
        sizes.append(len(self._members))
        if len(self._members) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ChunkTraining, "run", scarce)
    results = trained(members, data, cores=1)
    assert [result.curve for result in results] == [result.curve for result in expected]
    assert sizes[0] == 8
    assert sizes.count(2) == 4


def test_one_network_that_does_not_fit_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: ChunkTraining, *arguments: object) -> object:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(ChunkTraining, "run", full)
    space = make_space("mlp")
    with pytest.raises(NASGymError, match=r"not enough memory .* lower batch_size or set max_parameters"):
        trained(random_members(space, 2), make_data(space.input_shape))


def test_an_error_in_a_worker_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChunkTraining, "run", lambda self, *arguments: 1 // 0)
    space = make_space("mlp")
    with pytest.raises(ZeroDivisionError):
        trained(random_members(space, 2), make_data(space.input_shape))


def test_progress_rises_to_all_of_the_work() -> None:
    space = make_space("mlp")
    seen: list[Progress] = []
    results = list(
        train(
            random_members(space, 6),
            make_data(space.input_shape),
            Recipe(epochs=3, batch_size=64),
            memory=10**6,
            cores=2,
            progress=seen.append,
        )
    )
    shares = [progress.share for progress in seen]
    assert len(results) == 6
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert all(progress.members == 6 and progress.loss > 0 for progress in seen)


def test_an_interruption_keeps_what_is_finished_and_stops_the_rest() -> None:
    space = make_space("mlp")
    data = make_data(space.input_shape)
    members = random_members(space, 6)
    long = [Member(member.network, 0) for member in members]
    short = Member(members[0].network, 0, epochs=1)
    threads = threading.active_count()
    finished = []

    def interrupt(progress: Progress) -> None:
        if finished:
            raise KeyboardInterrupt

    def consume() -> None:
        recipe = Recipe(epochs=10_000)
        options = {"cores": 7, "workers": "threads", "memory": 10**6}
        for position, _ in train([short, *long], data, recipe, progress=interrupt, **options):  # type: ignore[arg-type]
            finished.append(position)

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert finished == [0]
    assert threading.active_count() == threads


def test_closing_the_iterator_stops_the_workers_and_restores_torch_threads() -> None:
    space = make_space("mlp")
    before = torch.get_num_threads(), threading.active_count()
    short = Member(random_members(space, 1)[0].network, 0, epochs=1)
    members = [short, *random_members(space, 3)]
    data = make_data(space.input_shape)
    results = train(members, data, Recipe(epochs=10_000), cores=4, workers="threads")
    assert next(results)[0] == 0
    results.close()  # type: ignore[attr-defined]
    assert (torch.get_num_threads(), threading.active_count()) == before


def test_global_randomness_is_left_alone() -> None:
    state = torch.get_rng_state()
    space = make_space("conv on signals")
    trained(random_members(space, 2), make_data(space.input_shape))
    assert torch.equal(torch.get_rng_state(), state)


def test_seconds_are_shared_by_flops() -> None:
    space = make_space("mlp")
    members = random_members(space, 4)
    results = trained(members, make_data(space.input_shape), cores=1, memory=2**33)
    rates = {
        round(result.seconds / member.network.flops, 12)
        for member, result in zip(members, results, strict=True)
    }
    assert len(rates) == 1


def test_no_members_give_no_results() -> None:
    assert list(train([], make_data((4,)), RECIPE)) == []


def test_a_network_that_breaks_in_its_last_step_has_diverged() -> None:
    """No loss is taken after the last step, so the outputs tell."""
    data = make_data((4,), classes=3)
    builder = NetworkBuilder((4,))
    node = builder.activation(builder.linear(builder.input, 8), "relu")
    network = builder.build(builder.linear(builder.activation(builder.linear(node, 8), "relu"), 3))
    recipe = Recipe(epochs=1, batch_size=len(data.y_train), optimizer="sgd", learning_rate=1e30)
    broken, healthy = trained([Member(network, 0), Member(network, 1)], data, recipe)[:2]
    assert broken.error == "training diverged: the network's outputs were not finite in epoch 1"
    assert broken.curve == ()
    assert healthy.error
    (result,) = trained([Member(network, 0)], data, replace(recipe, learning_rate=0.1))
    assert not result.error
    assert 0 <= result.curve[0] <= 1


def test_the_first_of_equal_logits_is_the_prediction() -> None:
    """A network whose logits are all equal predicts class 0, as argmax does."""
    builder = NetworkBuilder((4,))
    network = builder.build(builder.linear(builder.zero(builder.input, (4,)), 3, bias=False))
    data = make_data((4,), classes=3)
    (result,) = trained([Member(network, 0)], data)
    assert result.curve[0] == pytest.approx((data.y_validation == 0).double().mean().item())
