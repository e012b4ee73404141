"""nas-gym opens no port; what its tests and its commands serve is on the loopback interface."""

from __future__ import annotations

import ast
import socket
import sys
from pathlib import Path

import gymnasium as gym
import pytest

import nas_gym
from tests.helpers import serving
from tests.security.test_no_code_from_files import parsed

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SERVERS = {
    "http.server",
    "socketserver",
    "asyncio",
    "xmlrpc.server",
    "wsgiref",
    "flask",
    "aiohttp",
    "werkzeug",
}
CLIENTS = {"urllib.request", "requests", "http.client", "httpx", "ftplib", "smtplib", "telnetlib"}


def test_no_file_of_the_packages_serves_or_fetches():
    found = []
    for path, nodes in parsed().items():
        for node in nodes:
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path}: {name}" for name in names if name in SERVERS | CLIENTS]
    assert not found


def test_every_host_in_the_packages_is_loopback():
    """An option called host, bind or address that is given a text must be given this machine's own."""
    options = ("host", "bind", "bind_all", "dashboard_host")
    for path, nodes in parsed().items():
        for node in nodes:
            for given in node.keywords if isinstance(node, ast.Call) else ():
                if given.arg in options:
                    assert isinstance(given.value, ast.Constant), path
                    assert given.value.value in (*LOOPBACK, False), path
            assert not (isinstance(node, ast.Constant) and node.value in ("0.0.0.0", "::")), path


def test_a_search_connects_to_nothing_and_listens_to_nothing(monkeypatch):
    def refused(*given):
        raise AssertionError(f"a socket was used: {given}")

    for name in ("bind", "connect", "connect_ex", "listen"):
        monkeypatch.setattr(socket.socket, name, refused, raising=False)
    env = gym.make("NASTable-MLP-v0")
    env.reset(seed=0)
    for _ in range(5):
        env.step(0)
    env.close()


def test_the_tests_serve_tensorboard_on_the_loopback_interface():
    assert '"host": "127.0.0.1"' in Path(serving.__file__).read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="the sockets of a process are told by /proc")
def test_the_process_of_nas_gym_listens_on_no_port():
    assert nas_gym.__version__
    inodes = {path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                listening.append(fields[1])
    assert all(each.startswith(("0100007F", "00000000000000000000000001000000")) for each in listening)
