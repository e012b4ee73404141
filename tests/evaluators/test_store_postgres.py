"""A store in PostgreSQL: lost connections, restarts, skewed clocks, many clients, and what is never shown."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import gymnasium as gym
import pytest
import sqlalchemy as sa

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Store, StoredEvaluator
from nas_gym.evaluators.store import leases, migrations, owner
from nas_gym.evaluators.store import store as store_module
from nas_gym.evaluators.store.database import address
from nas_gym.evaluators.store.retrying import persist
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, LEASES
from tests.helpers.postgres import PASSWORD, USER
from tests.helpers.store_worker import TASK, NotedEvaluator, evaluation, requests, rows

VERSION_2 = Path(__file__).parents[1] / "fixtures" / "store_v2.db"

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the clients are forked"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def forked(count, function):
    """Run a function of a number in forked children, and check that all ended well."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=function, args=(number,)) for number in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * count


def client(url, log, seconds=0.0, **options):
    return StoredEvaluator(NotedEvaluator(log, seconds), Store(url, **options))


def assert_each_once(url, log, count):
    """Check that each key was worked on once, and that the store has what it should and no lease."""
    assert Counter(NotedEvaluator(log).noted()) == Counter(f"{number} 0" for number in range(count))
    store = Store(url)
    found = {one.architecture: one for _, one in store.evaluations()}
    assert found == {str(each.architecture): evaluation(each) for each in requests(0, count)}
    assert not rows(store, LEASES)


def test_of_sixteen_clients_with_the_same_keys_each_key_is_worked_on_by_one(postgres_url, log):
    Store(postgres_url).close()
    asked = requests(0, 60)

    def work(number):
        evaluator = client(postgres_url, log, 0.002)
        mine = asked[number * 3 :] + asked[: number * 3]
        for start in range(0, 60, 12):
            part = mine[start : start + 12]
            assert evaluator.evaluate(part) == [evaluation(request) for request in part]

    forked(16, work)
    assert_each_once(postgres_url, log, 60)


def test_the_value_first_stored_is_the_value(postgres_url, log):
    evaluator = client(postgres_url, log)
    key = evaluator.key(requests(1, 2)[0])
    first, second = (evaluation(each) for each in requests(3, 5))

    def work(positions):
        with evaluator.store._engine.begin() as connection:
            connection.execute(sa.insert(EVALUATIONS.table), EVALUATIONS.row(key, first))
        yield 0, second

    ((_, kept, was_stored),) = evaluator.store.compute(EVALUATIONS, [key], work)
    assert (was_stored, kept.score) == (False, first.score)


def test_clients_that_open_a_new_database_at_once_make_the_tables_once(postgres_url):
    forked(8, lambda number: Store(postgres_url).close())
    assert Store(postgres_url).info().evaluations == 0


class Disturbed(NotedEvaluator):
    """An evaluator in whose work something happens, at some of its trainings."""

    def __init__(self, log, happens, numbers):
        super().__init__(log, 0.005)
        self.happens, self.numbers = happens, numbers

    def note(self, text):
        super().note(text)
        if int(text.split()[0]) in self.numbers:
            self.happens()


def work_together(url, log, count, happens, numbers, clients=2):
    """Have clients, each a thread with a store of its own, work on the same keys while something happens."""
    failed = []

    def work():
        try:
            evaluator = StoredEvaluator(Disturbed(log, happens, numbers), Store(url))
            for start in range(0, count, 10):
                part = requests(start, start + 10)
                assert evaluator.evaluate(part) == [evaluation(request) for request in part]
        except BaseException as error:  # noqa: BLE001 - told in the test's thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed


def test_dropped_connections_lose_nothing_and_repeat_nothing(postgres_server, postgres_url, log):
    dropped = []
    Store(postgres_url).close()
    work_together(
        postgres_url, log, 60, lambda: dropped.append(postgres_server.drop_connections()), range(0, 60, 7)
    )
    assert len(dropped) == 9
    assert sum(dropped) >= 9
    assert_each_once(postgres_url, log, 60)


def test_a_server_that_is_started_again_loses_nothing_and_repeats_nothing(postgres_server, postgres_url, log):
    Store(postgres_url).close()

    def restart():
        postgres_server.stop()
        time.sleep(0.2)
        postgres_server.start()

    work_together(postgres_url, log, 40, restart, [15])
    assert_each_once(postgres_url, log, 40)


def test_a_store_that_was_open_before_is_opened_again_while_its_server_starts(postgres_server, postgres_url):
    Store(postgres_url)
    postgres_server.stop()
    starting = threading.Timer(0.5, postgres_server.start)
    starting.start()
    try:
        assert Store(postgres_url).spec
    finally:
        starting.join()


def test_a_server_that_stays_away_is_one_sentence_and_what_is_finished_is_kept(
    postgres_server, postgres_url, log, monkeypatch
):
    monkeypatch.setattr(store_module, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(leases, "RELEASE_PATIENCE", 0.1)
    evaluator = StoredEvaluator(Disturbed(log, postgres_server.stop, [3]), Store(postgres_url))
    try:
        with pytest.raises(NASGymError, match=r"cannot be used .*: check the URL, that the database runs"):
            evaluator.evaluate(requests(0, 6))
    finally:
        postgres_server.start()
    monkeypatch.undo()
    assert evaluator.evaluate(requests(0, 3)) == [evaluation(request) for request in requests(0, 3)]
    assert evaluator.hits == 3


def test_leases_are_renewed_again_when_connections_are_dropped(postgres_server, postgres_url, log):
    slow = client(postgres_url, log, 1.5, lease_seconds=0.9)
    holder = threading.Thread(target=slow.evaluate, args=(requests(0, 1),))
    holder.start()
    other = client(postgres_url, log, lease_seconds=0.9)
    while not rows(other.store, LEASES):
        time.sleep(0.01)
    for _ in range(3):
        postgres_server.drop_connections()
        time.sleep(0.2)
    assert other.evaluate(requests(0, 1)) == slow.evaluate(requests(0, 1))
    holder.join()
    assert other.hits == 1
    assert_each_once(postgres_url, log, 1)


def test_of_two_transactions_that_wait_for_each_other_the_one_that_is_ended_is_done_again(postgres_url):
    engine = sa.create_engine(address(postgres_url).url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counts (name TEXT, n INTEGER)")
        connection.exec_driver_sql("INSERT INTO counts VALUES ('a', 0), ('b', 0)")
    both_hold_one, attempts = threading.Barrier(2), []

    def add(*names):
        def attempt():
            attempts.append(names)
            with engine.begin() as connection:
                for name in names:
                    connection.exec_driver_sql(f"UPDATE counts SET n = n + 1 WHERE name = '{name}'")
                    if name == names[0] and len(attempts) <= 2:
                        both_hold_one.wait(10)

        persist(attempt)

    threads = [threading.Thread(target=add, args=names) for names in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT n FROM counts").scalars().all() == [2, 2]
    engine.dispose()
    assert len(attempts) == 3


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_the_clock_of_a_client_does_not_matter(postgres_url, log, monkeypatch, skew):
    stream = client(postgres_url, log).stream(requests(0, 2))
    next(stream)  # the second key is held
    other = client(postgres_url, log)
    with other.store._engine.begin() as connection:
        connection.execute(sa.update(LEASES).values(owner="elsewhere|1|1|1|1"))
    right = time.time
    monkeypatch.setattr(leases.time, "time", lambda: right() + skew)
    waiting = threading.Thread(target=other.evaluate, args=(requests(1, 2),))
    waiting.start()
    time.sleep(0.3)
    assert other.trained == 0
    with other.store._engine.begin() as connection:
        connection.execute(sa.update(LEASES).values(expires=LEASES.c.expires - leases.LEASE_SECONDS - 1))
    waiting.join(10)
    assert (other.hits, other.trained) == (0, 1)


def test_an_owner_on_another_host_that_dies_is_taken_over_when_its_lease_expires(postgres_url, log):
    Store(postgres_url).close()

    def work():
        owner._host = lambda: "elsewhere"
        client(postgres_url, log, 0.25, lease_seconds=1.0).evaluate(requests(0, 9))

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    evaluator = client(postgres_url, log, lease_seconds=1.0)
    while len(rows(evaluator.store, EVALUATIONS.table)) < 3:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    killed = time.monotonic()
    child.join()
    finished = len(rows(evaluator.store, EVALUATIONS.table))
    assert evaluator.evaluate(requests(0, 9)) == [evaluation(request) for request in requests(0, 9)]
    assert time.monotonic() - killed > 0.3
    assert (evaluator.hits, evaluator.trained) == (finished, 9 - finished)
    assert not rows(evaluator.store, LEASES)


def in_version_2(url):
    """Fill a database with the tables and rows of version 2; gives its rows by table."""
    engine = sa.create_engine(address(url).url)
    with sqlite3.connect(VERSION_2) as source, engine.begin() as connection:
        source.row_factory = sqlite3.Row
        found = {}
        for name, statement in source.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
            for written, meant in (("DATETIME", "TIMESTAMP"), ("DOUBLE", "DOUBLE PRECISION")):
                statement = statement.replace(written, meant)
            connection.exec_driver_sql(statement)
            if statement.startswith("CREATE TABLE"):
                found[name] = [dict(row) for row in source.execute(f"SELECT * FROM {name}")]
        for name, lines in found.items():
            for row in lines:
                columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
                connection.execute(sa.text(f"INSERT INTO {name} ({columns}) VALUES ({values})"), row)
    engine.dispose()
    return found


def test_clients_that_open_an_old_store_at_once_migrate_it_once(postgres_url, tmp_path, monkeypatch):
    before = in_version_2(postgres_url)
    change = migrations.MIGRATIONS[2]

    def noted(connection):
        with (tmp_path / "migrations").open("a") as file:
            file.write("one\n")
        time.sleep(0.1)
        change(connection)

    monkeypatch.setitem(migrations.MIGRATIONS, 2, noted)
    forked(6, lambda number: list(Store(postgres_url).evaluations())[4])
    assert (tmp_path / "migrations").read_text() == "one\n"
    store = Store(postgres_url)
    assert (store.info().evaluations, store.info().final_scores) == (5, 3)
    for kind in (EVALUATIONS, FINAL_SCORES):
        kept = {row.key: row.key_json for row in rows(store, kind.table)}
        assert kept == {row["key"]: row["key_json"] for row in before[kind.table.name]}
    indices = sa.inspect(store._engine).get_indexes("nas_gym_evaluations")
    assert [index["name"] for index in indices] == ["ix_nas_gym_evaluations_setting"]


def test_a_migration_that_is_interrupted_leaves_the_old_store(postgres_url, monkeypatch):
    in_version_2(postgres_url)
    change = migrations.MIGRATIONS[2]

    def interrupted(connection):
        change(connection)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(migrations.MIGRATIONS, 2, interrupted)
        with pytest.raises(KeyboardInterrupt):
            Store(postgres_url)
    engine = sa.create_engine(address(postgres_url).url)
    columns = {each["name"] for each in sa.inspect(engine).get_columns("nas_gym_evaluations")}
    engine.dispose()
    assert "setting" not in columns
    assert Store(postgres_url).info().evaluations == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: f"{url}?sslmode=require", "server does not support SSL, but SSL was required"),
        (lambda url: url.replace(PASSWORD, f"not-{PASSWORD}"), "password authentication failed"),
        (lambda url: f"{url}_more", "does not exist"),
        (lambda url: f"{url}?color=red", "invalid connection option"),
        (
            lambda url: url.replace("127.0.0.1", "no-such-host.invalid"),
            "check the URL, that the database runs",
        ),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence_without_the_password(postgres_url, change, words):
    with pytest.raises(NASGymError, match=words) as caught:
        Store(change(postgres_url))
    assert "\n" not in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_the_password_is_in_no_configuration_log_or_repr(postgres_url, log, caplog):
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="sqlalchemy"):
        evaluator = client(postgres_url, log)
        evaluator.evaluate(requests(0, 2))
        env = gym.make("NAS-v0", task=TASK, store=postgres_url, device="cpu")
        shown = [repr(evaluator.store), repr(evaluator.store._address), repr(evaluator.store._engine.url)]
        shown += [str(env.unwrapped.config()), str(evaluator.store.info())]
        env.close()
    assert caplog.text
    assert PASSWORD not in caplog.text + "".join(shown)
    assert f"postgresql://{USER}:***@" in repr(evaluator.store)


def test_a_store_on_a_server_may_stand_beside_tables_of_others(postgres_server, postgres_url):
    engine = sa.create_engine(address(postgres_url).url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE studies (id INTEGER)")
    engine.dispose()
    assert Store(postgres_url).info().evaluations == 0


def test_results_move_between_a_file_and_a_server(postgres_url, log, tmp_path):
    at_home = client(tmp_path / "home.db", log)
    at_home.evaluate(requests(0, 7))
    at_home.test(requests(1, 2)[0].architecture, [0, 1])
    shared = Store(postgres_url)
    assert shared.merge(tmp_path / "home.db").added == 9
    assert str(shared.merge(tmp_path / "home.db")) == "0 added, 9 there with the same value"
    assert shared.export_file(tmp_path / "all.parquet") == 7
    back = Store(tmp_path / "back.db")
    assert back.import_file(tmp_path / "all.parquet").added == 7
    assert list(back.evaluations()) == list(at_home.store.evaluations())
    assert shared.prune(engine=1).evaluations == 7
    assert shared.info().evaluations == 0
