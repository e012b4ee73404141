"""Where a store is: the database behind a spec, and how it is opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import platformdirs
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from nas_gym.errors import ConfigError, StoreError

BUSY_SECONDS = 60.0
HIDDEN = "***"
OURS = "nas_gym_"
"""How the names of all tables of a store begin."""
SECRET_OPTIONS = ("password", "passwd", "pwd", "secret", "token")
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
# A server that is gone without a word is noticed within a minute, and its work asked of it again.
SERVER_OPTIONS = {
    "application_name": "nas-gym",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


@dataclass(frozen=True)
class Address:
    """The place of a store.

    Attributes:
        url: address of the database, with its password.
        shown: what users see and configurations record; a password is masked.
    """

    url: URL = field(repr=False)
    shown: str

    @property
    def in_memory(self) -> bool:
        """Whether the database is in this process alone."""
        return self.is_sqlite and self.url.database in (None, "", ":memory:")

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    def masked(self, text: str) -> str:
        """Return a text without this address's secrets."""
        secrets = [self.url.password]
        for name, value in self.url.query.items():
            if _is_secret(name):
                secrets.extend([value] if isinstance(value, str) else value)
        for secret in filter(None, map(str, filter(None, secrets))):
            for written in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(written, HIDDEN)
        return text


def address(spec: str | Path) -> Address:
    """Return the place that a spec names: ``"user"``, ``"memory"``, a path, or a URL.

    Raises:
        NASGymError: if it is none of them.
    """
    if str(spec) in ("memory", ":memory:"):
        return Address(URL.create("sqlite"), "memory")
    if spec == "user":
        path = platformdirs.user_cache_path("nas-gym", appauthor=False) / "store.db"
        return Address(URL.create("sqlite", database=str(path)), "user")
    if isinstance(spec, str) and "://" in spec:
        return _of_url(spec)
    if not isinstance(spec, str | Path) or not str(spec):
        raise ConfigError(
            f"a store is 'user', 'memory', a path or a URL like postgresql://user@host/database, "
            f"not {spec!r}: pass one"
        )
    try:
        path = Path(spec).expanduser().resolve()
    except (ValueError, OSError, RuntimeError) as error:  # a null byte, a name too long, an unknown user
        raise ConfigError(f"a store's file cannot be called {spec!r} ({error}): pass another path") from error
    return Address(URL.create("sqlite", database=str(path)), str(path))


def connect(place: Address) -> sa.Engine:
    """Return an engine for the database; nothing is opened yet.

    Raises:
        NASGymError: if its driver is missing, or the folder of its file cannot be made.
    """
    if place.is_sqlite:
        # Writing transactions wait for their turn at the start, where SQLite can wait, not at the end.
        options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS, "isolation_level": "IMMEDIATE"}}
        if place.in_memory:
            options["connect_args"]["check_same_thread"] = False
            options["poolclass"] = StaticPool
        else:
            _make_folder(place)
    else:
        arguments = {name: value for name, value in SERVER_OPTIONS.items() if name not in place.url.query}
        options = {"connect_args": arguments, "pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
    try:
        engine = sa.create_engine(place.url, **options)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"the store {place.shown} has an option that does not fit ({place.masked(str(error))}): "
            "change it or leave it out"
        ) from error
    except ImportError as error:
        raise StoreError(
            f"the store {place.shown} needs the package psycopg, which cannot be imported "
            f"({str(error).splitlines()[0]}): pip install 'nas-gym[postgresql]'"
        ) from error
    if place.is_sqlite and not place.in_memory:
        sa.event.listen(engine, "connect", _use_wal)
    return engine


@contextmanager
def reported(place: Address) -> Iterator[None]:
    """Turn a failure of the database into one sentence; a clash of keys passes as it is."""
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        reason = place.masked(str(getattr(error, "orig", None) or error).splitlines()[0])
        remedy = "check the URL, that the database runs and that it may be written"
        if "not a database" in reason or "malformed" in reason:
            remedy = "the file is damaged or no store, pass another path or move it away"
        elif place.is_sqlite:
            remedy = "check that the file may be written, that the disk has room and that no process locks it"
        raise StoreError(f"the store {place.shown} cannot be used ({reason}): {remedy}") from error


def _of_url(text: str) -> Address:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Neither the text nor what quotes it is repeated, since it may hold a password.
        raise StoreError(
            "the store URL cannot be read: write it as postgresql://user:password@host:port/database"
        ) from None
    query = {name: HIDDEN if _is_secret(name) else value for name, value in url.query.items()}
    shown = url.set(query=query).render_as_string(hide_password=True).replace(quote_plus(HIDDEN), HIDDEN)
    kind, _, driver = url.drivername.partition("+")
    if kind not in DRIVERS:
        meant = "write 'postgresql://', " if kind.startswith("postgres") else ""
        raise StoreError(
            f"the store {shown} is in an unsupported kind of database, {kind!r}: that no evaluation is lost "
            f"or done twice is tested on SQLite and PostgreSQL alone, {meant}pass the path of a file or "
            "postgresql://user@host/database"
        )
    if driver not in ("", "pysqlite" if kind == "sqlite" else "psycopg"):
        raise StoreError(
            f"the store {shown} asks for the driver {driver!r}, which is not supported: write {kind}://"
        )
    place = Address(url.set(drivername=DRIVERS[kind]), shown)
    if place.in_memory:
        return Address(URL.create("sqlite"), "memory")
    if place.is_sqlite and not url.query:
        return address(Path(str(url.database)))
    return place


def _is_secret(option: str) -> bool:
    return any(secret in option.lower() for secret in SECRET_OPTIONS)


def _make_folder(place: Address) -> None:
    path = Path(str(place.url.database))
    if path.is_dir():
        raise StoreError(
            f"the store {place.shown} is a folder: pass the path of a file in it, such as store.db"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of the store {place.shown} cannot be made ({error}): pass another path"
        ) from error


def _use_wal(connection: Any, record: Any) -> None:
    """Let readers and a writer work at once; a killed process loses nothing that was committed."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if _is_foreign(connection):
                return
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait where two processes change the mode of a new file at once.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _is_foreign(connection: Any) -> bool:
    """Return whether a file holds tables of others alone: it is refused, and not changed before."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return bool(names) and not any(name.startswith(OURS) for name in names)
