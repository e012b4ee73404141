"""Who holds a lease, and whether it can still be at work."""

from __future__ import annotations

import functools
import itertools
import os
import socket
import sys
import threading
from dataclasses import astuple, dataclass
from pathlib import Path

ENDED = "ended"

_numbers = itertools.count()


@dataclass(frozen=True)
class Owner:
    """One piece of work of one thread.

    Attributes:
        host: the machine since its last start, and the space that its process numbers are of.
        pid: process number.
        started: when the process started, in the system's own units; "" where that is unknown.
        thread: identity of the thread in the process.
        number: number of the piece of work in the process.
    """

    host: str
    pid: int
    started: str
    thread: int
    number: int

    @staticmethod
    def new() -> Owner:
        """Return an owner for work that the calling thread begins."""
        pid = os.getpid()
        return Owner(_host(), pid, started_at(pid), threading.get_ident(), next(_numbers))

    @staticmethod
    def parse(text: str) -> Owner:
        """Return the inverse of ``str``."""
        host, pid, started, thread, number = text.split("|")
        return Owner(host, int(pid), started, int(thread), int(number))

    def __str__(self) -> str:
        return "|".join(str(part) for part in astuple(self))

    def is_gone(self) -> bool:
        """Return whether this owner certainly works no more.

        So are a process of this host that ended, and other work of the calling thread: an iterator
        that nobody draws from any more, since the thread is here. Nothing is certain of other hosts.
        """
        if self.host != _host():
            return False
        if (self.pid, self.started) != (os.getpid(), started_at(os.getpid())):
            return not _runs(self.pid, self.started)
        threads = {thread.ident for thread in threading.enumerate()}
        return self.thread == threading.get_ident() or self.thread not in threads


@functools.cache
def _host() -> str:
    # Containers may share a name, and have process numbers of their own.
    name = socket.gethostname().replace("|", "-")[:100]
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{name} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return name


def _runs(pid: int, started: str) -> bool:
    if sys.platform == "win32":
        return True  # asking with a signal would end the process; its lease expires
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    return started_at(pid) in (started, "")


def started_at(pid: int) -> str:
    """Return when a process started; "" if that cannot be read, ENDED if it ended and is not yet reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return ENDED if fields[0] in "ZX" else fields[19]
