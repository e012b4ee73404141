"""Processes that train: the bits of threads, kept between calls, and whatever may happen to them."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkBuilder, Operation
from nas_gym.training import ChunkTraining, Keep, Member, OrdinaryTraining, Progress, Recipe, Trained, train
from nas_gym.training.workers.base import Job
from nas_gym.training.workers.pool import POOL
from nas_gym.training.workers.process import ProcessWorker
from nas_gym.training.workers.shared_data import MEMORY
from nas_gym.training.workers.training_process import TrainingProcess
from tests.helpers.networks import RECIPE, make_data, make_space, random_members, trained
from tests.training.test_invariance import same_bits
from tests.training.test_own_operation import DATA, RELU, WAVE

SPACE = make_space("mlp")
MEMBERS = random_members(SPACE, 12)
DIGITS = make_data(SPACE.input_shape)
LONG = Recipe(epochs=100_000, batch_size=32)


@pytest.fixture(autouse=True)
def _nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be trained in this process."""

    def refuse(self: object, *arguments: object) -> None:
        raise AssertionError("trained in this process")

    monkeypatch.setattr(ChunkTraining, "run", refuse)
    monkeypatch.setattr(OrdinaryTraining, "run", refuse)


@pytest.fixture(scope="module")
def in_threads() -> list[Trained]:
    return trained(MEMBERS, DIGITS, cores=1, workers="threads")


def processes() -> set[int]:
    return {process._process.pid for process in POOL._all}


def busy() -> list[TrainingProcess]:
    return [process for process in list(POOL._all) if process not in POOL._idle]


def until(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_four_processes_give_the_bits_of_one_thread(in_threads: list[Trained], elsewhere: None) -> None:
    results = trained(MEMBERS, DIGITS, cores=4, workers="processes")
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))
    assert [result.network for result in results] == [member.network for member in MEMBERS]
    assert len(processes()) == 4


def test_a_later_call_uses_the_same_processes_and_the_same_copy_of_the_data(
    in_threads: list[Trained], elsewhere: None
) -> None:
    trained(MEMBERS, DIGITS, cores=4, workers="processes")
    before, shared = processes(), list(POOL._data.values())
    equal = replace(DIGITS, x_train=DIGITS.x_train.clone())
    results = trained(MEMBERS, equal, cores=3, workers="processes")
    assert processes() == before
    assert list(POOL._data.values()) == shared
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))


def test_an_interruption_stops_the_processes_and_keeps_them(in_threads: list[Trained]) -> None:
    short = replace(MEMBERS[0], epochs=1)
    members = [short, *MEMBERS[1:3]]
    trained(MEMBERS, DIGITS, cores=3, workers="processes")
    before = processes()
    start = time.monotonic()
    results = train(members, DIGITS, LONG, cores=3, workers="processes")
    assert next(results)[0] == 0
    results.close()  # type: ignore[attr-defined]

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(train(members[1:], DIGITS, LONG, cores=3, workers="processes", progress=interrupt))
    assert time.monotonic() - start < 10
    assert processes() == before
    results = trained(MEMBERS, DIGITS, cores=3, workers="processes")
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))


def test_data_of_many_tasks_takes_turns(in_threads: list[Trained]) -> None:
    files = {Path(shared.message.path) for shared in POOL._data.values()}
    for seed in range(5):
        other = replace(DIGITS, x_train=DIGITS.x_train + seed)
        (result,) = trained(MEMBERS[:1], other, cores=1, workers="processes")
        assert same_bits(result, trained(MEMBERS[:1], other, workers="threads")[0])
    gc.collect()  # errors of the tests before hold what they were raised in
    assert not any(file.exists() for file in files)
    (result,) = trained(MEMBERS[:1], DIGITS, cores=1, workers="processes")
    assert same_bits(result, in_threads[0])


@pytest.mark.parametrize("name", ["conv on images", "cell on signals"])
def test_bits_are_the_same_in_every_space_with_a_test_part(name: str) -> None:
    space = make_space(name)
    plain = make_data(space.input_shape)
    data = replace(plain, x_test=plain.x_validation[:30], y_test=plain.y_validation[:30])
    members = random_members(space, 6)
    expected = trained(members, data, cores=1, workers="threads")
    results = trained(members, data, cores=2, workers="processes")
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))
    assert [one.test for one in expected] == [one.test for one in results]
    assert [one.metrics for one in expected] == [one.metrics for one in results]


def test_the_settings_of_this_process_do_not_reach_the_others(
    in_threads: list[Trained], elsewhere: None
) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    try:
        results = trained(MEMBERS, DIGITS, cores=2, workers="processes")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        torch.set_flush_denormal(False)
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))


def test_an_own_operation_that_can_be_imported_is_trained_elsewhere(elsewhere: None) -> None:
    (result,) = trained([WAVE], DATA, cores=1, workers="processes")
    assert len(result.curve) == RECIPE.epochs


def test_an_own_operation_that_cannot_be_imported_is_trained_here() -> None:
    class Local(Operation):
        def forward(self, node, inputs, arrays, training):  # type: ignore[no-untyped-def]
            return inputs[0].sin()

    class Main(Local):
        pass

    Main.__module__ = "__main__"
    for kind in (Local, Main):
        builder = NetworkBuilder((1, 6))
        flat = builder.flatten(builder.input)
        own = Member(builder.build(builder.linear(builder.operation(kind(), flat), 3)), 0)
        expected = trained([own, RELU, WAVE], DATA, workers="threads")
        results = trained([own, RELU, WAVE], DATA, cores=2, workers="processes")
        assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


class Broken(Operation):
    """Fails after it was built."""

    def forward(self, node, inputs, arrays, training):  # type: ignore[no-untyped-def]
        print("must not be among the answers")
        raise LookupError("from within")


def test_an_error_in_a_process_reaches_the_caller_with_its_traceback(elsewhere: None) -> None:
    builder = NetworkBuilder((1, 6))
    own = builder.operation(Broken(), builder.flatten(builder.input))
    with pytest.raises(LookupError, match="from within") as caught:
        trained([Member(builder.build(builder.linear(own, 3)), 0)], DATA, cores=2, workers="processes")
    assert "raise LookupError" in "".join(caught.value.__notes__)


def test_a_chunk_that_does_not_fit_is_a_memory_error(elsewhere: None) -> None:
    worker = ProcessWorker(Job(DIGITS, RECIPE, Keep(), limit=1), POOL.share(DIGITS, 1))
    with pytest.raises(MemoryError):
        worker.train(MEMBERS, lambda epoch, loss: None)
    assert len(worker.train(MEMBERS[:1], lambda epoch, loss: None)) == 1
    worker.close()


def test_a_killed_process_has_its_chunk_done_again(in_threads: list[Trained], elsewhere: None) -> None:
    seen: list[Progress] = []

    def kill(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            busy()[0].kill()

    recipe = replace(RECIPE, epochs=50)
    trained(MEMBERS, DIGITS, cores=2, workers="processes")
    results = dict(train(MEMBERS, DIGITS, recipe, cores=2, workers="processes", progress=kill))
    assert sorted(results) == list(range(len(MEMBERS)))
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    expected = dict(train(MEMBERS[:1], DIGITS, recipe, cores=1, workers="processes"))
    assert results[0].curve == expected[0].curve


def test_a_process_that_was_killed_between_calls_is_replaced(in_threads: list[Trained]) -> None:
    trained(MEMBERS[:1], DIGITS, cores=1, workers="processes")
    POOL._idle[-1].kill()
    POOL._idle[-1]._process.wait()
    (result,) = trained(MEMBERS[:1], DIGITS, cores=1, workers="processes")
    assert same_bits(result, in_threads[0])


def test_two_processes_that_end_at_one_chunk_are_one_sentence(elsewhere: None) -> None:
    def kill(progress: Progress) -> None:
        for process in busy():
            process.kill()

    with pytest.raises(NASGymError, match=r"trained 1 networks ended, .* \(killed by SIGKILL\).* are kept$"):
        list(train(MEMBERS[:1], DIGITS, LONG, cores=1, workers="processes", progress=kill))


def test_code_that_was_changed_and_loaded_again_is_never_that_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    POOL.close()  # those that run do not know the folder

    def outcome(function: str, kind: str) -> Trained:
        (tmp_path / "own_turn.py").write_text(TURN.format(function=function))
        importlib.invalidate_caches()
        if "own_turn" in sys.modules:
            del sys.modules["own_turn"]
        builder = NetworkBuilder((1, 6))
        flat = builder.flatten(builder.input)
        own = builder.operation(importlib.import_module("own_turn").Turn(), flat)
        member = Member(builder.build(builder.linear(own, 3)), 0)
        return trained([member], DATA, cores=1, workers=kind)[0]

    for function in ("sin", "tanh"):
        assert same_bits(outcome(function, "processes"), outcome(function, "threads"))


TURN = """
from nas_gym.networks import Operation


class Turn(Operation):
    def forward(self, node, inputs, arrays, training):
        return inputs[0].{function}()
"""


def test_a_variable_that_numbers_depend_on_starts_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    trained(MEMBERS[:1], DIGITS, cores=1, workers="processes")
    before = processes()
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")  # which changes nothing on a CPU
    trained(MEMBERS[:1], DIGITS, cores=1, workers="processes")
    assert processes() - before


def test_where_no_process_starts_threads_train(
    in_threads: list[Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    POOL.close()
    monkeypatch.setattr("nas_gym.training.workers.training_process.START", "raise SystemExit(3)")
    results = trained(MEMBERS, DIGITS, cores=2, workers="processes")
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))
    assert POOL.useless
    monkeypatch.setattr("nas_gym.training.workers.training_process.get_executable", lambda: "/no/such/file")
    results = trained(MEMBERS, DIGITS, cores=2, workers="processes")
    assert all(same_bits(one, other) for one, other in zip(in_threads, results, strict=True))


def test_processes_end_when_the_pool_is_closed_and_their_files_are_gone() -> None:
    trained(MEMBERS, DIGITS, cores=1, workers="processes")
    before = processes()
    files = [Path(shared.message.path) for shared in POOL._data.values()]
    assert files
    assert all(file.exists() for file in files)
    POOL.close()
    assert not POOL.started
    assert not any(file.exists() for file in files)
    assert not any(map(runs, before))


def runs(process: int) -> bool:
    """Whether a process runs; one that ended and waits to be noticed does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


WITHOUT_GUARD = """
import os, sys
print("main")
import gymnasium as gym, torch
import nas_gym
from nas_gym.training import Recipe, train
from nas_gym.training.workers import choice
from nas_gym.training.workers.pool import POOL

def score():
    env = gym.make("NAS-v0", task={"name": "digits", "train_size": 120}, store="memory", device="cpu",
                   evaluator={"name": "train", "recipe": {"epochs": 2}, "seeds": (0, 1)}).unwrapped
    return env.evaluate("relu-16 > tanh-64").score, env

torch.set_num_threads(1)
expected, _ = score()
assert not POOL.started
choice.WORTHWHILE_FLOPS = 1
torch.set_num_threads(2)
found, env = score()
assert found == expected
assert len(POOL._all) == 2, POOL._all
if os.fork() == 0:
    assert not POOL.started
    sys.exit()
assert os.wait()[1] == 0
assert env.evaluate("relu-16").score

from tests.helpers.networks import *
space = make_space("mlp")
members = [Member(member.network, 0, epochs) for member, epochs in zip(random_members(space, 2), (1, None))]
calls = [train(members, make_data(space.input_shape), Recipe(epochs=10**6), cores=2, workers=kind)
         for kind in ("threads", "processes")]
assert [next(call)[0] for call in calls] == [0, 0]
print(os.getpid(), *(process._process.pid for process in POOL._all))
"""


def test_a_program_without_a_guard_runs_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Although it forks, and ends while networks are trained."""
    script = tmp_path / "program.py"
    script.write_text(WITHOUT_GUARD)
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment())
    assert (found.stderr, found.returncode) == ("", 0)
    first, program, *started = found.stdout.split()
    assert first == "main"
    assert not any(runs(int(process)) for process in started)
    assert not files(int(program))


KILLED = """
import signal
from nas_gym.training import Recipe, train
from nas_gym.training.workers.pool import POOL
from tests.helpers.networks import make_data, make_space, random_members

# A program that was started in the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
space = make_space("mlp")
data = make_data(space.input_shape)
for epochs in (1, 10**6):
    for _ in train(random_members(space, 2), data, Recipe(epochs=epochs), cores=1, workers="processes"):
        pass
    print(*(process._process.pid for process in POOL._all), flush=True)
"""


def test_no_process_and_no_file_outlives_a_program_that_is_killed() -> None:
    programs = {
        how: subprocess.Popen(
            [sys.executable, "-c", KILLED],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for how in (signal.SIGKILL, signal.SIGINT)
    }
    try:
        for how, program in programs.items():
            assert program.stdout is not None
            started = int(program.stdout.readline())
            assert runs(started)
            assert files(program.pid)
            program.send_signal(how)
            _, errors = program.communicate(timeout=30)
            assert until(lambda process=started: not runs(process), 10)  # type: ignore[misc]
            assert until(lambda process=program.pid: not files(process), 10)  # type: ignore[misc]
            assert errors.count("Traceback") == (how == signal.SIGINT)
    finally:
        for program in programs.values():
            program.kill()
            program.wait()


def environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


def files(program: int) -> list[Path]:
    """Files of data that the processes of a program share."""
    folders = (MEMORY, Path(tempfile.gettempdir()))
    return [file for folder in folders if folder.is_dir() for file in folder.glob(f"nas-gym-{program}-*")]
