"""A file of TensorBoard events, written at once, so that a disk that is full is told to who writes."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata  # type: ignore[attr-defined]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboard.summary.writer.record_writer import RecordWriter

from nas_gym.files import encodable, write_whole, writing

_numbers = itertools.count()


def text_summary(tag: str, markdown: str) -> Summary:
    """A Markdown text; what is no UTF-8, as names of files may be, stands as escapes."""
    from torch.utils.tensorboard.summary import text

    return text(tag, encodable(markdown))


class EventFile:
    """Appends events to a new file of a folder, each handed to the operating system at once.

    Writers of TensorBoard and torch do it in a thread, whose failures are a traceback of that thread.

    Args:
        folder: of the run; it is made if it is not there.

    Raises:
        NASGymError: here and by every method, if the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        process = f"{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{process}"
        with writing(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb", buffering=0)
        self._records = RecordWriter(_Whole(self._file))
        about = SourceMetadata(writer="nas_gym.traces.events")
        self.add(Event(wall_time=time.time(), file_version="brain.Event:2", source_metadata=about))

    def add(self, event: Event) -> None:
        """Write an event."""
        with writing(self.path):
            self._records.write(event.SerializeToString())

    def summary(self, summary: Summary, step: int | None = None) -> None:
        """Write a summary of now."""
        self.add(Event(wall_time=time.time(), step=step, summary=summary))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write values of one step, by tag, in one event: a fifth of the time of one event each."""
        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self.summary(Summary(value=scalars), step)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Whole:
    """What a record writer asks of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        write_whole(self._file, data)
