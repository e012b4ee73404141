"""A store of an earlier version is changed in place, once, and answers as it did before."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nas_gym.evaluators import Evaluation, Request, Store, StoredEvaluator, TrainEvaluator
from nas_gym.evaluators.store import migrations
from nas_gym.evaluators.store.keys import setting_of
from nas_gym.evaluators.store.schema import EVALUATIONS, METADATA, SCHEMA_VERSION
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.evaluators.test_store_processes import start
from tests.helpers.store_worker import NotedEvaluator, requests, rows

VERSION_2 = Path(__file__).parents[1] / "fixtures" / "store_v2.db"
"""Written by the last version of nas-gym whose stores were of version 2, on digits."""

OLD = Path(__file__).parents[1] / "fixtures" / "store_v1.db"
"""Written by the last version of nas-gym whose stores were of version 1, on digits."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return shutil.copy(OLD, tmp_path / "store.db")


def raw(path: Path, query: str) -> list[dict[str, Any]]:
    """Rows of a file as they stand in it, without nas-gym."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def version(path: Path) -> int:
    return int(raw(path, "SELECT version FROM nas_gym_store")[0]["version"])


def assert_migrated(path: Path, store: Store) -> None:
    """Check a store against what the old version wrote into the fixture."""
    expected = {row["key"]: row for row in raw(OLD, "SELECT * FROM nas_gym_evaluations")}
    found = {EVALUATIONS.row(key, one)["key"]: one for key, one in store.evaluations()}
    assert len(expected) == 5
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key] == Evaluation(
            architecture=row["architecture"],
            score=row["accuracy"],
            curve=tuple(json.loads(row["curve"])),
            parameters=row["parameters"],
            flops=row["flops"],
            seconds=row["seconds"],
            status=row["status"],
            error=row["error"],
            seeds=(row["seed"],),
            fidelity=row["fidelity"],
            metrics={},
        )
    for table in ("nas_gym_evaluations", "nas_gym_final_scores"):
        renamed = {"accuracy": "score", "validation_accuracy": "validation_score"}
        renamed["test_accuracy"] = "test_score"
        before = [
            {renamed.get(name, name): value for name, value in row.items()}
            | {"metrics": None, "setting": setting_of(json.loads(row["key_json"]))[0]}
            for row in raw(OLD, f"SELECT * FROM {table} ORDER BY key")
        ]
        assert raw(path, f"SELECT * FROM {table} ORDER BY key") == before
    assert version(path) == SCHEMA_VERSION == 3


def digits(store: Store, **recipe: Any) -> StoredEvaluator:
    """The evaluator that the fixture was written with, as if on the machine that wrote it."""
    task = make_task("digits")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 2, "batch_size": 128} | recipe)
    evaluator.numerics = "cpu, fp32, torch 2.13.0+cpu, AVX512"  # type: ignore[misc]  # a cached property
    evaluator.engine = 1
    return StoredEvaluator(evaluator, store)


def test_the_fixture_is_of_version_1_and_holds_failures_and_fidelities() -> None:
    assert version(OLD) == 1
    found = raw(OLD, "SELECT * FROM nas_gym_evaluations")
    assert {row["status"] for row in found} == {"ok", "failed"}
    assert {row["fidelity"] for row in found} == {None, 1}


def test_every_result_reads_as_before(old: Path) -> None:
    assert_migrated(old, Store(old))


def test_a_store_that_was_migrated_opens_again(old: Path) -> None:
    Store(old).close()
    assert_migrated(old, Store(old))


def test_requests_are_answered_from_the_old_rows(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainEvaluator, "_train", lambda *_, **__: pytest.fail("something was trained"))
    evaluator = digits(Store(old))
    space = evaluator.search_space
    asked = [Request(space.parse("relu-16"), 0), Request(space.parse("relu-16"), 0, 1)]
    asked += [Request(space.parse("relu-16"), 1), Request(space.parse("identity-64"), 0)]
    expected = {
        (row["architecture"], row["seed"], row["fidelity"]): row["accuracy"]
        for row in raw(OLD, "SELECT * FROM nas_gym_evaluations WHERE status = 'ok'")
    }
    for request, one in zip(asked, evaluator.evaluate(asked), strict=True):
        assert one.score == expected[str(request.architecture), request.seed, request.fidelity]
        assert one.metrics == {}
    assert (evaluator.hits, evaluator.trained) == (4, 0)
    limited = digits(evaluator.store, max_parameters=1000)
    (failed,) = limited.evaluate(asked[:1])
    assert failed.error == "1,210 parameters, the recipe allows 1,000"
    assert limited.hits == 1


def test_final_scores_are_answered_from_the_old_rows(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainEvaluator, "_train", lambda *_, **__: pytest.fail("something was trained"))
    evaluator = digits(Store(old))
    scores = evaluator.test(evaluator.search_space.parse("identity-64"), [1, 2, 3])
    expected = raw(OLD, "SELECT * FROM nas_gym_final_scores ORDER BY seed")
    found = [(one.seed, one.validation_score, one.test_score, one.metrics) for one in scores]
    assert found == [(row["seed"], row["validation_accuracy"], row["test_accuracy"], {}) for row in expected]


def test_new_results_are_stored_beside_the_old_ones(old: Path, tmp_path: Path) -> None:
    evaluator = StoredEvaluator(NotedEvaluator(tmp_path / "log"), Store(old))
    first = evaluator.evaluate(requests(0, 4))
    assert evaluator.evaluate(requests(0, 4)) == first
    assert (evaluator.hits, evaluator.trained) == (4, 4)
    assert len(rows(evaluator.store, EVALUATIONS.table)) == 5 + 4


@pytest.mark.parametrize("fixture", [OLD, VERSION_2])
def test_a_migrated_store_has_the_columns_and_indices_of_a_new_one(fixture: Path, tmp_path: Path) -> None:
    old = shutil.copy(fixture, tmp_path / "store.db")
    Store(tmp_path / "new.db").close()
    Store(old).close()
    for table in METADATA.tables:
        query = f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')"
        assert raw(old, query) == raw(tmp_path / "new.db", query)
    query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    assert raw(old, query) == raw(tmp_path / "new.db", query)


def test_a_store_of_version_2_keeps_every_row_and_numbers_the_settings(tmp_path: Path) -> None:
    path = shutil.copy(VERSION_2, tmp_path / "store.db")
    assert version(VERSION_2) == 2
    info = Store(path).info()
    assert (info.evaluations, info.final_scores, info.version) == (5, 3, SCHEMA_VERSION)
    assert [(each.evaluations, each.final_scores) for each in info.settings] == [(4, 3), (1, 0)]
    for table in ("nas_gym_evaluations", "nas_gym_final_scores"):
        before = raw(VERSION_2, f"SELECT * FROM {table} ORDER BY key")
        numbers = [{"setting": setting_of(json.loads(row["key_json"]))[0]} for row in before]
        expected = [row | number for row, number in zip(before, numbers, strict=True)]
        assert raw(path, f"SELECT * FROM {table} ORDER BY key") == expected


def test_processes_that_open_an_old_store_at_once_migrate_it_once(old: Path, tmp_path: Path) -> None:
    processes = [start("open", old, tmp_path / "log") for _ in range(3)]
    time.sleep(2)
    (tmp_path / "log").touch()
    for process in processes:
        assert process.communicate(timeout=60)[0].endswith("5 evaluations\n")
        assert process.returncode == 0
    assert_migrated(old, Store(old))


def test_threads_that_open_an_old_store_at_once_migrate_it_once(tmp_path: Path) -> None:
    for attempt in range(5):
        path = shutil.copy(OLD, tmp_path / f"{attempt}.db")
        opened: list[int] = []
        barrier = threading.Barrier(6)

        def read(path: Path = path, opened: list[int] = opened, barrier: Any = barrier) -> None:
            barrier.wait()
            opened.append(len(list(Store(path).evaluations())))

        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened == [5] * 6


@pytest.mark.parametrize("statements", [0, 1, 3, 4])
def test_a_migration_that_is_interrupted_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    class Connection:
        """A connection that is lost after some statements, of which the migration makes five."""

        def __init__(self, connection: sa.Connection) -> None:
            self.connection, self.left = connection, statements

        def execute(self, statement: Any) -> Any:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return self.connection.execute(statement)

    change: Any = migrations.MIGRATIONS[1]
    with monkeypatch.context() as patched:
        patched.setitem(migrations.MIGRATIONS, 1, lambda connection: change(Connection(connection)))
        with pytest.raises(KeyboardInterrupt):
            Store(old)
    assert version(old) == 1
    for table in ("nas_gym_evaluations", "nas_gym_final_scores"):
        assert raw(old, f"SELECT * FROM {table}") == raw(OLD, f"SELECT * FROM {table}")
    assert_migrated(old, Store(old))


KILLED = """
import os, sys
from nas_gym.evaluators import Store
from nas_gym.evaluators.store import migrations
change = migrations.MIGRATIONS[1]
def killed(connection):
    change(connection)
    os._exit(9)
migrations.MIGRATIONS[1] = killed
Store(sys.argv[1])
"""


def test_a_process_that_dies_in_a_migration_loses_nothing(old: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(old)], check=False).returncode == 9
    assert version(old) == 1
    assert_migrated(old, Store(old))


def test_a_store_in_memory_is_of_the_present_version() -> None:
    store = Store("memory")
    with store._engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version FROM nas_gym_store")).scalars().all() == [3]
