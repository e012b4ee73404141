"""TensorBoard served in this process, for tests."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Server:
    """A running TensorBoard; `get` and `post` give what its endpoints answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str, **query: Any) -> Any:
        """The answer of an endpoint: JSON, or else its bytes."""
        return self._open(f"/data/{path}?{urllib.parse.urlencode(query)}")

    def post(self, path: str, body: Any) -> Any:
        """The answer to a JSON body."""
        return self._open(f"/data/{path}", json.dumps(body).encode(), "application/json")

    def form(self, path: str, **fields: Any) -> Any:
        """The answer to a form."""
        return self._open(f"/data/{path}", urllib.parse.urlencode(fields).encode())

    def _open(self, path: str, body: bytes | None = None, kind: str = "") -> Any:
        request = urllib.request.Request(self.url + path, data=body)
        if kind:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=30) as response:
            content = response.read()
            is_json = response.headers.get_content_type() == "application/json"
        return json.loads(content) if is_json else content


@contextmanager
def tensorboard(logdir: Path) -> Iterator[Server]:
    """Serve a folder of runs on a free local port until all its runs are read."""
    from tensorboard import program

    board = program.TensorBoard()
    options = {"logdir": logdir, "port": 0, "host": "127.0.0.1", "load_fast": "false", "reload_interval": 1}
    board.configure(
        argv=[None, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    )
    server = Server(board.launch())
    expected = {str(path.parent.relative_to(logdir)) for path in logdir.rglob("events.out.tfevents.*")}
    deadline = time.monotonic() + 30
    while set(server.get("runs")) != expected:
        assert time.monotonic() < deadline, f"TensorBoard found {server.get('runs')} of {expected}"
        time.sleep(0.1)
    yield server
