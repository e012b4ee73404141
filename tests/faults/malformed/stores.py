"""Stores that are none, are damaged, or are of something else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from nas_gym.evaluators import Store
from tests.faults.malformed.case import Case, Material, file

SEARCH = (
    "search",
    *("--agent", "random", "--task", "breast_cancer", "--budget", "2", "--recipe", '{"epochs": 1}'),
)
FIXTURE = Path(__file__).parents[2] / "fixtures" / "format_1" / "store.db"


def url(name: str, says: str, where: str, prepare: Callable[[Material], None] | None = None) -> Case:
    return Case(name, (*SEARCH, "--store", where), says, prepare or (lambda material: None))


def altered(*statements: str) -> Callable[[Material], None]:
    """Return what makes a store and changes it by SQL."""

    def write(material: Material) -> None:
        store = Store(material.home / "store.db")
        store.close()
        with sqlite3.connect(material.home / "store.db") as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return write


def overwritten(start: int, count: int) -> Callable[[Material], None]:
    """Return what makes a store and writes zeros into it."""

    def write(material: Material) -> None:
        altered()(material)
        path = material.home / "store.db"
        content = bytearray(path.read_bytes())
        content[start : start + count] = bytes(count)
        path.write_bytes(bytes(content))

    return write


def of_another(material: Material) -> None:
    with sqlite3.connect(material.home / "store.db") as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    connection.close()


CASES = [
    url("a store of no name", "a store is", ""),
    url("a store that is a folder", "is a folder", "run"),
    url("a store in a file", "good.csv", "good.csv/store.db"),
    url("a store that is a text", "not a database|damaged", "good.csv"),
    url("a store of another program", "music", "store.db", of_another),
    url("a store whose head is damaged", "damaged|not a database", "store.db", overwritten(0, 60)),
    url("a store whose pages are damaged", "damaged|malformed", "store.db", overwritten(100, 30_000)),
    url(
        "a store of a later version",
        "version 99",
        "store.db",
        altered("UPDATE nas_gym_store SET version = 99"),
    ),
    url(
        "a store whose version is a text",
        "version",
        "store.db",
        altered("UPDATE nas_gym_store SET version = 'new'"),
    ),
    url(
        "a store that lacks a column",
        "store",
        "store.db",
        altered("ALTER TABLE nas_gym_evaluations DROP COLUMN curve"),
    ),
    url("a store of an unknown database", "unsupported kind of database", "oracel://host/db"),
    url("a store whose driver is not installed", "unsupported kind of database", "mssql+pymssql://host/db"),
    url("a store URL without a database", "cannot be read|cannot be used|URL|unknown", "://"),
    url("a store URL whose port is a word", "cannot be read|port", "postgresql://user:secret@host:port/db"),
    url("a store of an empty dialect", "cannot be read|unsupported kind", "+://x"),
    url("a store with an option of another type", "timeout|store", "sqlite:///store.db?timeout=never"),
    url("a store with a null byte", "null|store", "st\0re.db"),
    url("a store whose name is too long", "store|long", "s" * 5000),
    url(
        "a store that is a cut fixture",
        "damaged|malformed",
        "cut.db",
        file("cut.db", FIXTURE.read_bytes()[:6000]),
    ),
]
