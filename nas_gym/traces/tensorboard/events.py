"""The file of events that TensorBoard reads, written as TensorFlow records.

Writers of TensorBoard and torch compute the checksum of every byte in Python, and their thread ends
in a traceback of its own where the disk is full.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import google_crc32c
from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata  # type: ignore[attr-defined]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]

from nas_gym._files import write_whole, writing

# An event is written at the latest so many seconds after it happened, for who watches a running search.
FLUSH_SECONDS = 10
_numbers = itertools.count()


class EventFile:
    """Writes events into a new file, in order, at the latest some seconds after each happened.

    A thread writes, so that a search need not wait for a picture to be compressed.

    Args:
        folder: folder of the file; it is made if it is not there.

    Raises:
        NASGymError: here and by every method, if the file cannot be written; of what the thread could
            not write the next call tells.
    """

    def __init__(self, folder: Path) -> None:
        process = f"{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{process}"
        with writing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb", buffering=0)
        self._waiting: list[bytes | Callable[[], Any]] = []
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._wake, self._over = threading.Event(), False
        self._failure: Exception | None = None
        self._told = False
        source = SourceMetadata(writer="nas_gym.traces.tensorboard.events")
        self.add(Event(wall_time=time.time(), file_version="brain.Event:2", source_metadata=source))
        self.flush()
        # A daemon, since a run that is neither closed nor finished must not keep its process alive.
        self._thread = threading.Thread(target=self._write_now_and_then, daemon=True)
        self._thread.start()

    def add(self, event: Any) -> None:
        """Add an event."""
        self._add(event.SerializeToString())

    def summary(self, summary: Any, step: int | None = None) -> None:
        """Add a summary of now."""
        self.add(Event(wall_time=time.time(), step=step, summary=summary))

    def scalars(
        self, values: Mapping[str, float], step: int, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Add values of one step, by tag, in one event: a fifth of the time of one event each.

        Args:
            values: values by tag.
            step: the step that they are of.
            metadata: what tags that are new are shown with, see `summaries.described`.
        """
        new = metadata or {}
        scalars = [
            Summary.Value(tag=tag, simple_value=value, metadata=new.get(tag)) for tag, value in values.items()
        ]
        self.summary(Summary(value=scalars), step)

    def add_made(self, make: Callable[[], Any]) -> None:
        """Add an event that the thread makes, once, of what does not change any more."""
        self._add(make)

    def flush_soon(self) -> None:
        """Have the thread write what is waiting."""
        self._wake.set()

    def flush(self) -> None:
        """Write what is waiting."""
        with self._writing:
            with self._adding:
                waiting, self._waiting = self._waiting, []
            if waiting:
                contents = [one if isinstance(one, bytes) else one().SerializeToString() for one in waiting]
                with writing(self.path):
                    write_whole(self._file, b"".join(map(record, contents)))

    @property
    def has_told(self) -> bool:
        """Whether a call has told already that the file could not be written."""
        return self._told

    def close(self) -> None:
        """Write what is waiting and close the file."""
        if self._file.closed:
            return
        self._over = True
        self._wake.set()
        self._thread.join()
        try:
            self._tell()
            if self._failure is None:
                self.flush()
        finally:
            self._file.close()

    def _add(self, content: bytes | Callable[[], Any]) -> None:
        self._tell()
        with self._adding:
            self._waiting.append(content)

    def _tell(self) -> None:
        """Raise what the thread could not write, once."""
        if self._failure is not None and not self._told:
            self._told = True
            raise self._failure

    def _write_now_and_then(self) -> None:
        while not self._over:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - whoever adds the next event learns of it
                self._failure = error
                return


def record(content: bytes) -> bytes:
    """Return a content as a record of TensorFlow: its length, the checksum of that, itself, its checksum."""
    length = struct.pack("<Q", len(content))
    return b"".join((length, _checksum(length), content, _checksum(content)))


def _checksum(content: bytes) -> bytes:
    """Return the masked CRC-32C, as TensorFlow's ``crc32c.h`` has it."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
