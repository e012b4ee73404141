"""Ray itself: joined where it runs, started where it does not, and ended only if it was started here."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

from nas_gym.errors import ConfigError

CLIENT = "ray://"
REACHED_WITHIN = 5.0
"""Seconds within which something has to answer at an address."""
KNOWN_WITHIN = 30.0
"""Seconds within which it has to answer as Ray does. By itself Ray tries for minutes."""
STORE_BYTES = 256 * 2**20
"""Memory of a Ray that is started here for what is shared: the arrays of tasks."""
OURS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # On Linux Ray listens on all addresses unless it is told what it is told on macOS and Windows.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
# A worker that dies is made up for, and Ray would print several lines of it among the output of a command.
QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": "A worker died or was killed while executing a task"}
_lock = threading.Lock()


def check_installed() -> None:
    """Check that Ray is there, without importing it.

    Raises:
        NASGymError: if it is not.
    """
    if "ray" not in sys.modules and importlib.util.find_spec("ray") is None:
        raise ConfigError(
            "the executor 'ray' needs Ray: install it with pip install 'nas-gym[distributed]', or leave "
            "executor out"
        )


def connected(address: str | None, cores: int) -> ModuleType:
    """Return Ray, connected: to what this process is connected to, to an address, or to one started here.

    Args:
        address: ``"auto"``, ``"host:port"`` or ``"ray://host:port"``; None for ``RAY_ADDRESS`` where the
            environment has it, as in jobs of a cluster, and else for this machine alone.
        cores: processor cores of this machine to be used, where Ray is started here.

    Raises:
        NASGymError: if there is no Ray at the address.
    """
    with _lock:
        if "ray" in sys.modules and (ray := importlib.import_module("ray")).is_initialized():
            return ray
        address = address or os.environ.get("RAY_ADDRESS")
        if address:
            return _joined(address)
        return _started(cores)


def _joined(address: str) -> ModuleType:
    _check_reached(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    ray = importlib.import_module("ray")
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(address, **_quiet(address))
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise ConfigError(
            f"there is no Ray at the address {address!r} ({reason}): start one with 'ray start --head', or "
            "leave the address out to use this machine"
        ) from error
    atexit.register(ray.shutdown)
    return ray


def _started(cores: int) -> ModuleType:
    # What this process can import its workers can.
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    ours = {**QUIET, **OURS, "PYTHONPATH": paths}
    if "ray" not in sys.modules:
        # Others on this machine would otherwise reach what listens on loopback. A Ray that is imported by now
        # reads no more of this, and draws a token by itself.
        ours |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    ray = importlib.import_module("ray")
    with suppress(AttributeError):  # read before, where it is imported by now
        ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        ray.init(
            "local",
            num_cpus=cores,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            **_quiet("local"),
        )
    except (RuntimeError, ValueError, OSError, ConnectionError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise ConfigError(
            f"Ray cannot be started on this machine ({reason}): leave executor out, or pass the address of a "
            "Ray that runs"
        ) from error
    finally:
        # Ray has read them, and what this process starts later is not of this Ray.
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    atexit.register(ray.shutdown)
    return ray


def _quiet(address: str) -> Mapping[str, Any]:
    if address.startswith(CLIENT):
        return {}
    return {"log_to_driver": False, "logging_level": "ERROR"}


def _check_reached(address: str) -> None:
    """Check within some seconds that something answers at an address with a port.

    Raises:
        NASGymError: if nothing does, or it is no address.
    """
    if address == "auto":
        return
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or not port.isdecimal():
        raise ConfigError(
            f"the address of Ray must be 'auto', 'host:port' or 'ray://host:port', not {address!r}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACHED_WITHIN).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"nothing answers at the address of Ray {address!r} ({reason}): check host and port, or leave "
            "the address out to use this machine"
        ) from error
    if not address.startswith(CLIENT):
        _check_is_ray(address)


def _check_is_ray(address: str) -> None:
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        # Whatever Ray says of itself, such as that it wants a token, it says better when it is joined.
        subprocess.run(command, capture_output=True, timeout=KNOWN_WITHIN, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"what answers at the address {address!r} is not Ray, or too busy: check host and port, or leave "
            "the address out to use this machine"
        ) from error
