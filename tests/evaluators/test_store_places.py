"""Where a store may be, what is shown of it, and what is said of a place that is none."""

from __future__ import annotations

import os
import sqlite3
import sys

import pytest
import sqlalchemy as sa

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Store, StoredEvaluator
from nas_gym.evaluators.store import database
from nas_gym.evaluators.store.database import address
from tests.helpers.store_worker import NotedEvaluator, requests

SECRET = "hunter2"


def refused(words, spec):
    with pytest.raises(NASGymError, match=words) as caught:
        Store(spec)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def use(store, tmp_path):
    evaluator = StoredEvaluator(NotedEvaluator(tmp_path / "log"), store)
    return evaluator.evaluate(requests(0, 2))


def test_a_user_s_store_is_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(database.platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    store = Store("user")
    assert store.spec == "user"
    use(store, tmp_path)
    assert (tmp_path / "cache" / "store.db").exists()


def test_a_path_is_made_absolute_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    expected = str(tmp_path / "a" / "b.db")
    for spec in ("a/b.db", "~/a/b.db", tmp_path / "a" / "b.db", f"sqlite:///{expected}", "sqlite:///a/b.db"):
        assert Store(spec).spec == expected
    assert Store("sqlite://").spec == Store("memory").spec == "memory"
    assert repr(Store("memory")) == "<store memory>"


def test_a_file_is_in_wal_mode(tmp_path):
    Store(tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://me:{SECRET}@db:5/nas", "postgresql://me:***@db:5/nas"),
        (
            f"postgresql://db/nas?password={SECRET}&sslmode=off",
            "postgresql://db/nas?password=***&sslmode=off",
        ),
    ],
)
def test_a_password_is_never_shown(url, shown):
    place = address(url)
    assert place.shown == shown
    error = sa.exc.OperationalError("select", {}, Exception(f"login of me with {SECRET} failed"))
    with pytest.raises(NASGymError, match="cannot be used") as caught, database.reported(place):
        raise error
    assert SECRET not in str(caught.value)


def test_a_store_shows_the_masked_address():
    store = Store("memory")
    store._address = address(f"postgresql://me:{SECRET}@db/nas?sslpassword={SECRET}")
    assert SECRET not in repr(store) + store.spec + repr(store._address)


def test_a_password_that_is_quoted_in_the_url_is_masked_in_both_spellings():
    place = address("postgresql://me:a%2Fb%20c@db/nas")
    assert place.masked("a/b c, a%2Fb%20c, a%2Fb+c") == "***, ***, ***"


def test_a_server_is_reached_by_psycopg_with_the_options_of_the_url():
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'nas-gym[postgresql]'")
    place = address("postgresql://me@db/nas?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=3")
    options = database.connect(place).dialect.create_connect_args(place.url)[1]
    expected = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "connect_timeout": "3"}
    assert options | expected == options


def test_without_psycopg_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused(
        r"needs the package psycopg.* pip install 'nas-gym\[postgresql\]'$",
        f"postgresql://me:{SECRET}@db/nas",
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (f"postgres://me:{SECRET}@db/nas", "write 'postgresql://'"),
        (f"mysql://me:{SECRET}@db/nas", "'mysql': .* is tested on SQLite and PostgreSQL alone, pass"),
        (f"oracle+cx_oracle://me:{SECRET}@db/nas", "'oracle': .* SQLite and PostgreSQL alone"),
        (f"postgresql+psycopg2://me:{SECRET}@db/nas", "driver 'psycopg2', which is not supported"),
        ("sqlite+aiosqlite:///s.db", "driver 'aiosqlite', which is not supported: write sqlite://"),
        (f"://{SECRET}", "cannot be read: write it as postgresql://"),
        (f"postgresql://me:{SECRET}@db:port/nas", "cannot be read: write it as postgresql://"),
        ("", "not ''"),
        (3, "not 3"),
    ],
)
def test_a_spec_that_is_no_place_is_refused(spec, words):
    refused(words, spec)


def test_a_folder_is_refused(tmp_path):
    refused("is a folder: pass the path of a file in it", tmp_path)
    (tmp_path / "file").touch()
    refused("cannot be made", tmp_path / "file" / "store.db")


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes " * 1000)
    refused("file is not a database", path)
    assert path.read_text() == "my notes " * 1000


def test_a_database_of_something_else_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "studies.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (id INTEGER)")
    refused("a database of something else .*'studies'", path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("studies",)]


def test_a_store_of_another_version_is_refused(tmp_path):
    Store(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("UPDATE nas_gym_store SET version = 99")
    refused("has version 99 and this nas-gym reads version 3", tmp_path / "s.db")


def test_a_store_half_made_by_a_killed_process_is_completed(tmp_path):
    path = tmp_path / "s.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE nas_gym_leases")
        connection.execute("DELETE FROM nas_gym_store")
    assert len(use(Store(path), tmp_path)) == 2


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "s.db"
    store = Store(path)
    use(store, tmp_path)
    store.close()
    contents = bytearray(path.read_bytes())
    contents[4096:] = b"\x99" * (len(contents) - 4096)
    path.write_bytes(contents)
    with pytest.raises(NASGymError, match="damaged or no store"):
        use(Store(path), tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the superuser may write anywhere")
def test_a_file_that_may_not_be_written_is_refused(tmp_path):
    path = tmp_path / "s.db"
    path.touch(mode=0o400)
    refused("check that the file may be written", path)


def test_a_known_evaluation_is_looked_up_in_about_a_millisecond(tmp_path):
    from time import perf_counter

    store = Store(tmp_path / "s.db")
    evaluator = StoredEvaluator(NotedEvaluator(tmp_path / "log"), store)
    request = requests(0, 1)
    evaluator.evaluate(request)
    fastest = min(_seconds(evaluator.evaluate, request, perf_counter) for _ in range(50))
    assert fastest < 1e-3


def _seconds(function, argument, clock):
    started = clock()
    function(argument)
    return clock() - started
