"""Ray itself: the results of one process from actors, some of which are killed. One Ray serves this file."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nas_agents import compare

from nas_gym.evaluators import Request, StoredEvaluator, make_evaluator
from nas_gym.evaluators.store.schema import EVALUATIONS
from nas_gym.executors import Lost, make_executor, ray_cluster
from nas_gym.executors.ray import RayExecutor, RayPost
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import Tabulation, build_table
from nas_gym.tasks import make_task
from tests.helpers.executors import ThreadExecutor, refusal
from tests.helpers.store_worker import rows

ROOT = Path(__file__).parents[2]
TASK = make_task({"name": "digits", "train_size": 300})
SPACE = make_search_space("mlp", TASK.input_shape, TASK.outputs)
REQUESTS = [Request(SPACE.architecture(int(number)), 0) for number in np.linspace(1, SPACE.size - 1, 24)]
pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.WaitWarning")  # on a busy machine
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture(scope="module")
def executor():
    """Two workers of one core each, of a Ray that ends with this file."""
    made = make_executor({"name": "ray", "workers": 2})
    made.size()
    yield made
    made.close()
    import ray

    ray.shutdown()


def evaluator(executor=None, store="memory", epochs=40):
    options = {"name": "train", "recipe": {"epochs": epochs}}
    return make_evaluator(options, SPACE, TASK, device="cpu", store=store, executor=executor)


def numbers(evaluations):
    """Evaluations but for the time they took."""
    return [replace(one, seconds=0.0) for one in evaluations]


@pytest.fixture(scope="module")
def expected():
    return numbers(evaluator().evaluate(REQUESTS))


def made_posts(executor, monkeypatch):
    """The posts that an executor gives from now on."""
    given, posts = [], executor.posts

    def noted(work, count):
        given.extend(made := posts(work, count))
        return made

    monkeypatch.setattr(executor, "posts", noted)
    return given


def lost_posts(monkeypatch):
    """The posts that are lost from now on."""
    lost, wait = [], RayPost.wait

    def noted(post, seconds):
        try:
            return wait(post, seconds)
        except Lost:
            lost.append(post)
            raise

    monkeypatch.setattr(RayPost, "wait", noted)
    return lost


@needs_ray
@pytest.mark.timeout(120)
def test_ray_gives_the_bits_of_one_process_as_they_are_finished(executor, expected):
    asked = evaluator(executor)
    assert asked.key(REQUESTS[0]) == evaluator().key(REQUESTS[0])
    done = []
    asked.progress = lambda at: done.append(at.done)
    streamed = dict(asked.stream(REQUESTS))
    assert numbers(streamed[position] for position in range(len(REQUESTS))) == expected
    assert any(0 < one < len(REQUESTS) for one in done)
    assert asked.test(REQUESTS[0].architecture, [7]) == evaluator().test(REQUESTS[0].architecture, [7])


@needs_ray
@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["the process", pytest.param("the actor", marks=pytest.mark.faults)])
def test_an_actor_that_is_killed_loses_nothing_and_nothing_stands_twice(
    executor, expected, monkeypatch, tmp_path, how
):
    import ray

    given, lost = made_posts(executor, monkeypatch), lost_posts(monkeypatch)
    asked = evaluator(executor, str(tmp_path / "store.db"))
    assert isinstance(asked, StoredEvaluator)
    killed = []

    def kill_one(progress):
        busy = [post for post in given if post._job is not None]
        if not killed and busy:
            killed.append(busy[0])
            if how == "the actor":
                ray.kill(busy[0]._desk)
            else:
                os.kill(ray.get(busy[0]._desk.place.remote(), timeout=10)[1], signal.SIGKILL)

    asked.progress = kill_one
    assert numbers(asked.evaluate(REQUESTS)) == expected
    assert lost == killed
    assert (asked.trained, asked.hits) == (len(REQUESTS), 0)
    assert len(rows(asked.store, EVALUATIONS.table)) == len(REQUESTS)


@needs_ray
@pytest.mark.timeout(120)
def test_a_table_built_by_ray_is_the_one_that_is_built_here(executor, tmp_path):
    space = {"name": "mlp", "max_layers": 1}
    tables = []
    for where in (None, executor):
        tabulation = Tabulation.of(space, "breast_cancer", {"epochs": 1}, [0], "cpu", where)
        tables.append(build_table(tabulation, "own", "cancer", tmp_path / f"{where is None}.npz"))
    here, there = tables
    assert np.array_equal(here.validation, there.validation)
    assert np.array_equal(here.test, there.test)
    assert here.about == there.about


def shape(folder):
    """What a comparison leaves, without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "result.json":
            result = json.loads(path.read_text())
            found[name] = [(one["architecture"], one["score"]) for one in result["evaluations"]]
        elif path.name == "config.json":
            found[name] = json.loads(path.read_text())
        elif path.is_file() and not path.name.startswith("events."):
            found[name] = None
    return found


@needs_ray
@pytest.mark.timeout(120)
def test_a_comparison_by_ray_leaves_the_folders_of_one_without(executor, tmp_path):
    options = {"seeds": 1, "budget": 5, "trace": True}
    # Threads leave the folders of worker processes, says test_executors.py, and start at once.
    executor.close()  # its idle workers hold the cores
    one = RayExecutor(workers=1)
    for name, where in {"here": ThreadExecutor(1), "there": one}.items():
        compare(["random", "evolution"], "NASTable-MLP-v0", logdir=tmp_path / name, executor=where, **options)
    assert shape(tmp_path / "there") == shape(tmp_path / "here")
    assert sum(name.endswith("result.json") for name in shape(tmp_path / "there")) == 2


@needs_ray
def test_a_ray_that_is_started_here_listens_on_loopback(executor):
    import ray

    (node,) = ray.nodes()
    assert node["NodeManagerAddress"] == "127.0.0.1"
    ports = {node["NodeManagerPort"], node["ObjectManagerPort"]}
    if Path("/proc/net/tcp6").exists():
        assert not ports & set(listening_on_all())


def listening_on_all():
    """Ports of TCP that are listened on at every address of this machine."""
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(file).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            if state == "0A" and not int(address, 16):
                yield int(port, 16)


def test_without_ray_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else find_spec(name, *rest)
    )
    assert "pip install 'nas-gym[distributed]'" in refusal(lambda: make_executor("ray"))


@needs_ray
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cores": 0}, "cores of the executor 'ray' must be a whole number of at least 1, not 0"),
        ({"gpus": -1}, "gpus of the executor 'ray' must be a number of at least 0, not -1"),
        ({"workers": 1.5}, "workers of the executor 'ray' must be a whole number of at least 1, not 1.5"),
        ({"address": ""}, "the address of Ray must be 'auto'"),
        ({"adress": "auto"}, "did you mean 'address'?"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    assert words in refusal(lambda: make_executor({"name": "ray", **options}))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:9", "nothing answers at the address of Ray '127.0.0.1:9' (Connection refused)"),
        ("ray://127.0.0.1:9", "nothing answers"),
        ("somewhere", "must be 'auto', 'host:port' or 'ray://host:port', not 'somewhere'"),
    ],
)
def test_an_address_where_nothing_is_is_told_at_once(address, words):
    began = time.monotonic()
    assert words in refusal(lambda: ray_cluster._joined(address))
    assert time.monotonic() - began < 3


@needs_ray
def test_an_address_of_something_else_is_told_in_time(monkeypatch):
    monkeypatch.setattr(ray_cluster, "KNOWN_WITHIN", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert "is not Ray, or too busy" in refusal(lambda: ray_cluster._joined(address))


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_search_that_is_interrupted_goes_on_where_it_was(tmp_path):
    command = [sys.executable, "-m", "nas_gym", "search", "--agent", "random", "--budget", "120"]
    command += ["--executor", '{"name": "ray", "workers": 2}', "--store", str(tmp_path / "store.db")]
    command += ["--task", "digits", "--search-space", "mlp", "--recipe", '{"epochs": 40}', "--device", "cpu"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "agents")])}

    def start(logdir):
        arguments = [*command, "--logdir", str(tmp_path / logdir)]
        return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)

    driver, store = start("logs"), None
    while store is None or not (finished := len(rows(store, EVALUATIONS.table))):
        assert driver.poll() is None
        time.sleep(0.2)
        if store is None and (tmp_path / "store.db").exists():
            from nas_gym.evaluators import Store

            store = Store(str(tmp_path / "store.db"))
    driver.send_signal(signal.SIGINT)
    errors = driver.communicate(timeout=60)[1]
    assert driver.returncode != 0
    assert "Traceback" not in errors
    assert not list((tmp_path / "logs").rglob("result.json"))
    before = {row.key: row.score for row in rows(store, EVALUATIONS.table)}
    assert len(before) >= finished
    again = start("logs")
    assert again.wait(timeout=200) == 0, again.communicate()[1]
    after = {row.key: row.score for row in rows(store, EVALUATIONS.table)}
    assert len(after) == 120
    assert before.items() <= after.items()
