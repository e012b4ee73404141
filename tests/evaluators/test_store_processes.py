"""Processes, threads and hosts that share a store, and their sudden ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import sqlalchemy as sa

from nas_gym.evaluators import Store, StoredEvaluator
from nas_gym.evaluators.store.owner import Owner, started_at
from nas_gym.evaluators.store.schema import EVALUATIONS, LEASES
from tests.helpers.store_worker import NotedEvaluator, evaluation, requests, rows


@pytest.fixture
def place(request, tmp_path):
    """Where the tests' store is: a new file, or a new database of a PostgreSQL server."""
    kind = getattr(request, "param", "file")
    if kind == "postgresql":
        return request.getfixturevalue("postgres_url")
    return str(tmp_path / "store.db") if kind == "file" else kind


everywhere = pytest.mark.parametrize("place", ["file", "postgresql"], indirect=True)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def start(*arguments):
    command = [
        sys.executable,
        "-c",
        "from tests.helpers.store_worker import main; main()",
        *map(str, arguments),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lease(store, request, owner, seconds):
    """A lease that somebody else holds."""
    key = StoredEvaluator(NotedEvaluator(None), store).key(request)
    name = EVALUATIONS.lease(EVALUATIONS.row(key, evaluation(request))["key"])
    with store._engine.begin() as connection:
        values = {"name": name, "owner": str(owner), "expires": time.time() + seconds}
        connection.execute(sa.insert(LEASES), values)


def test_two_processes_on_one_store_train_each_key_once(place, log):
    processes = [start("work", place, log, first, first + 30, 0.03) for first in (0, 10)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    trained = Counter(NotedEvaluator(log).noted())
    assert len(trained) == 40
    assert set(trained.values()) == {1}
    assert sum(int(output.split()[1]) for output in outputs) == 40
    store = Store(place)
    assert len(rows(store, EVALUATIONS.table)) == 40
    assert not rows(store, LEASES)


def test_a_killed_process_loses_no_finished_evaluation_and_its_leases_are_taken_over_at_once(place, log):
    process = start("work", place, log, 0, 8, 0.3)
    evaluator = StoredEvaluator(NotedEvaluator(log), Store(place))
    wait_until(lambda: len(rows(evaluator.store, EVALUATIONS.table)) >= 3)
    process.send_signal(signal.SIGKILL)
    # Not reaped: also a process that its parent does not wait for is gone.
    wait_until(lambda: Owner.parse(rows(evaluator.store, LEASES)[0].owner).is_gone())
    finished = len(rows(evaluator.store, EVALUATIONS.table))
    assert len(rows(evaluator.store, LEASES)) == 8 - finished
    started = time.monotonic()
    assert evaluator.evaluate(requests(0, 8)) == [evaluation(request) for request in requests(0, 8)]
    assert time.monotonic() - started < 10
    assert (evaluator.hits, evaluator.trained) == (finished, 8 - finished)
    assert not rows(evaluator.store, LEASES)
    process.communicate()


@everywhere
def test_a_lease_of_another_host_is_respected_until_it_expires(place, log):
    evaluator = StoredEvaluator(NotedEvaluator(log), Store(place))
    request = requests(0, 1)[0]
    lease(evaluator.store, request, Owner("elsewhere", 1, "1", 1, 1), seconds=0.8)
    started = time.monotonic()
    assert evaluator.evaluate(requests(0, 3)) == [evaluation(request) for request in requests(0, 3)]
    assert time.monotonic() - started > 0.5
    assert evaluator.inner.noted() == ["1 0", "2 0", "0 0"]


@everywhere
def test_leases_that_expired_are_cleared_when_a_store_is_opened(place):
    store = Store(place)
    lease(store, requests(0, 1)[0], Owner("elsewhere", 1, "1", 1, 1), seconds=-1)
    lease(store, requests(1, 2)[0], Owner("elsewhere", 1, "1", 1, 2), seconds=60)
    assert len(rows(Store(place), LEASES)) == 1


@everywhere
def test_what_another_holder_finishes_meanwhile_is_taken_from_the_store(place, log):
    evaluator = StoredEvaluator(NotedEvaluator(log), Store(place))
    request = requests(0, 1)[0]
    lease(evaluator.store, request, Owner("elsewhere", 1, "1", 1, 1), seconds=60)

    def finish():
        time.sleep(0.3)
        with Store(place)._engine.begin() as connection:
            row = EVALUATIONS.row(evaluator.key(request), evaluation(request))
            connection.execute(sa.insert(EVALUATIONS.table), row)

    other = threading.Thread(target=finish)
    other.start()
    assert evaluator.evaluate([request]) == [evaluation(request)]
    other.join()
    assert (evaluator.hits, evaluator.trained) == (1, 0)


def test_a_lease_lives_as_long_as_its_holder_works(place, log):
    slow = StoredEvaluator(NotedEvaluator(log, seconds=1.5), Store(place, lease_seconds=0.4))
    holder = threading.Thread(target=slow.evaluate, args=(requests(0, 1),))
    holder.start()
    wait_until(lambda: rows(slow.store, LEASES))
    other = StoredEvaluator(NotedEvaluator(log), Store(place, lease_seconds=0.4))
    assert other.evaluate(requests(0, 1)) == [evaluation(requests(0, 1)[0])]
    holder.join()
    assert len(slow.inner.noted()) == 1
    assert other.hits == 1


@pytest.mark.parametrize("place", ["file", "postgresql", "memory"], indirect=True)
def test_threads_on_one_store_train_each_key_once(place, log):
    store = Store(place)
    evaluators = [StoredEvaluator(NotedEvaluator(log, seconds=0.01), store) for _ in range(4)]
    threads = [
        threading.Thread(target=evaluator.evaluate, args=(requests(0, 20),)) for evaluator in evaluators
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(evaluators[0].inner.noted()) == Counter(f"{number} 0" for number in range(20))
    assert sum(evaluator.trained for evaluator in evaluators) == 20


def test_processes_may_open_a_new_store_at_the_same_moment(place, log):
    processes = [start("open", place, log) for _ in range(3)]
    time.sleep(2)
    log.touch()
    for process in processes:
        assert process.communicate(timeout=60)[0].startswith("<store")
        assert process.returncode == 0


def test_threads_may_open_a_new_store_at_the_same_moment(tmp_path):
    for attempt in range(5):
        opened: list[Store] = []
        barrier = threading.Barrier(6)

        def open_store(path=tmp_path / f"{attempt}.db", opened=opened, barrier=barrier):
            barrier.wait()
            opened.append(Store(path))

        threads = [threading.Thread(target=open_store) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 6


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def in_child(function, *arguments):
    """What a function gives in a forked child."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(function(*arguments)))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    return queue.get()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_connection_of_its_own(place, log):
    evaluator = StoredEvaluator(NotedEvaluator(log), Store(place))
    evaluator.evaluate(requests(0, 3))

    def child():
        evaluator.evaluate(requests(0, 6))
        return evaluator.hits, evaluator.trained

    assert in_child(child) == (3, 6)
    assert len(evaluator.evaluate(requests(0, 6))) == 6
    assert (evaluator.hits, evaluator.trained) == (6, 3)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_of_a_store_in_memory_starts_empty(log):
    evaluator = StoredEvaluator(NotedEvaluator(log), Store("memory"))
    evaluator.evaluate(requests(0, 3))

    def child():
        evaluator.evaluate(requests(0, 3))
        return evaluator.trained

    assert in_child(child) == 6
    evaluator.evaluate(requests(0, 3))
    assert evaluator.hits == 3


@everywhere
@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_release_its_parents_leases(place, log):
    evaluator = StoredEvaluator(NotedEvaluator(log), Store(place))
    streams = [evaluator.stream(requests(0, 4))]
    next(streams[0])
    assert in_child(streams.clear) is None
    assert len(rows(evaluator.store, LEASES)) == 3
    streams.clear()
    assert not rows(evaluator.store, LEASES)


def test_a_process_number_used_again_is_not_taken_for_the_owner():
    mine = Owner.new()
    assert Owner.parse(str(mine)) == mine
    earlier = Owner(mine.host, os.getpid(), "1", mine.thread, 0)
    if mine.started:
        assert earlier.is_gone()
    assert not Owner("elsewhere", 2**22 + 1, "1", 1, 0).is_gone()
    assert Owner(mine.host, 2**22 + 1, "1", 1, 0).is_gone()
    assert socket.gethostname()[:100] in mine.host


def test_a_running_process_is_not_gone():
    mine = Owner.new()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        started = started_at(process.pid)
        assert not Owner(mine.host, process.pid, started, 1, 0).is_gone()
        process.communicate("\n")
    assert Owner(mine.host, process.pid, started, 1, 0).is_gone()
