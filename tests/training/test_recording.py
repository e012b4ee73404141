"""A step is a list of calls that can be replayed: the same list, whatever makes one call of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from nas_gym.training import ChunkTraining, Keep, Member, Recipe
from nas_gym.training import chunk as chunk_training
from nas_gym.training.program.recording import GraphRecorder, one_by_one, recorder_for
from nas_gym.training.program.tape import Kernel
from tests.helpers.networks import SPACES, make_data, make_space, random_members, trained
from tests.helpers.operations.every_operation import other_networks
from tests.training.test_invariance import same_bits

RECIPES = [
    Recipe(epochs=3, batch_size=32, learning_rate=0.01),
    Recipe(epochs=3, batch_size=50, optimizer="sgd", learning_rate=0.02, weight_decay=1e-3),
    Recipe(epochs=2, batch_size=500, schedule="constant"),
]


class FakeGraphs:
    """What `GraphRecorder` does, without a card: a run to warm up, then replays of what was recorded.

    A recording holds functions, numbers and addresses of memory as they were when it was made. A replay
    that depends on anything else, or memory that has moved, fails the test.
    """

    worthwhile = 0.0

    def __init__(self) -> None:
        self.lists: list[Sequence[Kernel]] = []
        self.failures: list[str] = []
        self.replays = 0

    def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
        run = one_by_one(calls)
        before = [tensor.clone() for tensor in changed]
        run()
        for tensor, value in zip(changed, before, strict=True):
            tensor.copy_(value)
        recorded = [frozen(call) for call in calls]
        self.lists.append(tuple(calls))

        def replay() -> None:
            self.replays += 1
            assert [frozen(call) for call in calls] == recorded
            run()

        return replay


def frozen(value: Any) -> Any:
    """A call, or an argument of one, as a CUDA graph keeps it."""
    if isinstance(value, Tensor):
        return value.data_ptr(), tuple(value.shape), value.stride(), value.dtype
    if isinstance(value, partial):
        named = {name: frozen(each) for name, each in value.keywords.items()}
        return frozen(value.func), [frozen(each) for each in value.args], named
    if isinstance(value, list | tuple):
        return [frozen(each) for each in value]
    owner = getattr(value, "__self__", None)
    return (frozen(owner), value.__name__) if isinstance(owner, Tensor) else value


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> FakeGraphs:
    fake = FakeGraphs()
    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: fake)
    return fake


@pytest.mark.parametrize("recipe", RECIPES, ids=["adamw", "sgd", "one batch"])
@pytest.mark.parametrize("name", ["mlp", "cell on signals"])
def test_replayed_steps_give_the_bits_of_steps_that_are_called(
    name: str, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space(name)
    data = make_data(space.input_shape)
    members = [Member(member.network, number % 3) for number, member in enumerate(random_members(space, 5))]
    expected = trained(members, data, recipe)
    fake = FakeGraphs()
    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: fake)
    results = trained(members, data, recipe)
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))
    assert fake.replays


@pytest.mark.parametrize(
    "name",
    [
        "tables",
        "tokens",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("series", "graphs", "recurrent tokens")),
    ],
)
def test_the_other_operations_are_replayed_with_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout among them, whose noise follows from the number of the step, which the list moves on."""
    networks, data = other_networks()[name]
    members = [Member(network, 0) for network in networks]
    recipe = Recipe(epochs=1, batch_size=32, learning_rate=0.01)
    expected = trained(members, data, recipe)
    fake = FakeGraphs()
    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: fake)
    results = trained(members, data, recipe)
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))
    assert fake.replays


@pytest.mark.parametrize("name", SPACES)
def test_a_step_is_one_list_with_loading_loss_statistics_and_optimiser(name: str, graphs: FakeGraphs) -> None:
    """So that no call of Python is left between two steps but the replay."""
    space = make_space(name)
    data = make_data(space.input_shape, train_size=150)  # two batches of 64 and one of 22
    recipe = Recipe(epochs=2, batch_size=64)
    ChunkTraining(random_members(space, 3), data, recipe, Keep()).run(lambda *_: None, lambda: False)
    steps = 2 * 3  # of training
    rounds = 2 * (1 + 1)  # the beginning of each, and its only batch
    assert graphs.replays == steps + rounds
    assert len(graphs.lists) == 4  # full batch, last batch, beginning of a round, its batch


def test_recording_leaves_what_training_reads_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that warms up moves weights, moments, statistics and the position."""
    seen: list[list[Tensor]] = []

    class Watched(FakeGraphs):
        def record(self, calls: Sequence[Kernel], changed: Sequence[Tensor]) -> Kernel:
            before = [tensor.clone() for tensor in changed]
            call = super().record(calls, changed)
            seen.append(before)
            assert all(torch.equal(*pair) for pair in zip(before, changed, strict=True))
            return call

    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: Watched())
    space = make_space("cell on signals")
    trained(random_members(space, 2), make_data(space.input_shape))
    assert seen


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_traced_list_keeps_the_calls_that_tracing_would_lose(optimizer: str) -> None:
    """Those of the optimiser take lists and return nothing; a trace leaves them out without a word."""
    from nas_gym.training.optimizer import optimizer_of

    recipe = Recipe(optimizer=optimizer)
    moved = []
    for record in (one_by_one, lambda calls: recorder_for(torch.device("cpu"), 1).record(calls, ())):
        weights, gradients = torch.ones(64), torch.ones(64)
        step = optimizer_of(weights, gradients, recipe)
        call = record([partial(gradients.mul_, 0.5), *step.calls])
        weights.fill_(1.0)
        gradients.fill_(1.0)
        for state in step.state:
            state.zero_()
        step.rate.fill_(0.1)
        call()
        call()
        moved.append(weights)
    assert torch.equal(*moved)
    assert (moved[0] < 1).all()


def test_a_list_that_runs_seldom_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeGraphs()
    fake.worthwhile = 10**6
    monkeypatch.setattr(chunk_training, "recorder_for", lambda *_: fake)
    space = make_space("mlp")
    trained(random_members(space, 2), make_data(space.input_shape))
    assert not fake.lists


class FakeStream:
    """A stream of a card that is not there."""

    def __init__(self, device: object = None) -> None:
        self.waited: list[object] = []

    def wait_stream(self, other: object) -> None:
        self.waited.append(other)


class FakeGraph:
    """A CUDA graph that only says what was done to it; `error` is raised where a capture ends."""

    error: Exception | None = None
    made: ClassVar[list[FakeGraph]] = []

    def __init__(self) -> None:
        self.events: list[str] = []
        FakeGraph.made.append(self)

    def capture_begin(self, pool: object, capture_error_mode: str) -> None:
        self.events.append(f"begin {capture_error_mode}")

    def capture_end(self) -> None:
        self.events.append("end")
        if FakeGraph.error is not None:
            raise FakeGraph.error

    def replay(self) -> None:
        self.events.append("replay")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """The names of `torch.cuda` that a recording uses, so that it can be followed on a CPU."""
    default = FakeStream()
    FakeGraph.error, FakeGraph.made = None, []
    for name, value in {
        "CUDAGraph": FakeGraph,
        "Stream": FakeStream,
        "current_stream": lambda device: default,
        "default_stream": lambda device: default,
        "graph_pool_handle": lambda: (0, 1),
        "stream": lambda stream: nullcontext(),
        "synchronize": lambda device: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return torch.device("cuda")


def test_a_graph_is_warmed_up_recorded_and_replayed(card: torch.device) -> None:
    weights, runs = torch.ones(3), []
    calls = [partial(weights.add_, 1), lambda: runs.append(len(FakeGraph.made))]
    call = GraphRecorder(card).record(calls, [weights])
    assert runs == [0, 1]  # to warm up, and while it is recorded
    call()
    call()
    assert runs == [0, 1]
    assert FakeGraph.made[0].events == ["begin thread_local", "end", "replay", "replay"]


def test_a_list_that_cannot_be_recorded_is_called_in_turn_and_says_why(card: torch.device) -> None:
    FakeGraph.error = RuntimeError("operation not permitted when stream is capturing")
    weights = torch.ones(3)
    recorder = GraphRecorder(card)
    call = recorder.record([partial(weights.add_, 1)], [weights])
    assert recorder.failures == [str(FakeGraph.error)]
    weights.fill_(1)
    call()
    assert weights.tolist() == [2, 2, 2]


def test_out_of_memory_while_recording_reaches_the_engine(card: torch.device) -> None:
    FakeGraph.error = torch.OutOfMemoryError("out of memory")
    with pytest.raises(torch.OutOfMemoryError):
        GraphRecorder(card).record([lambda: None], [])
